"""Match weights, each with a slider."""

from __future__ import annotations

from dmp.ui.widgets.part import Card, script, style


class Weights(Card):
    """Draws a slider a level; the message `move` carries a level and its new weight."""

    _esm = script("weights")
    _css = style("weights")
