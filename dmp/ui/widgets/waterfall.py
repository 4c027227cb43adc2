"""How the score of a pair comes about, from the prior to the total."""

from __future__ import annotations

from dmp.ui.widgets.part import Card, script, style


class Waterfall(Card):
    """Draws a bar a step, in bits, each from where the last one ended."""

    _esm = script("waterfall")
    _css = style("waterfall")
