"""The overlap of up to six segments: which combinations, and how many people."""

from __future__ import annotations

from dmp.ui.widgets.part import Card, script, style


class Overlap(Card):
    """Draws combinations as an UpSet chart; `compare` carries the ticked segments."""

    _esm = script("overlap")
    _css = style("overlap")
