"""The size over time as a line with a readout."""

from __future__ import annotations

from dmp.ui.widgets.part import Card, script, style


class Trend(Card):
    """Draws `points`, each with at (ISO), day, people and text."""

    _esm = script("trend")
    _css = style()
