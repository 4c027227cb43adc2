"""The size of a rule while it is built: number, funnel, sentence."""

from __future__ import annotations

from dmp.ui.widgets.part import Part, script, style


class SizeCard(Part):
    """Draws how many people the rule takes; `cancel` stops a count."""

    _esm = script("tally")
    _css = style("tally")
