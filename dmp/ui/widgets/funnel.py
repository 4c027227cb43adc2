"""The funnel: a bar a step, and between them who was lost and why."""

from __future__ import annotations

from dmp.ui.widgets.part import Card, script, style


class Funnel(Card):
    """Draws `steps`, each with label, people, share, bar, lost and losses."""

    _esm = script("funnel")
    _css = style()
