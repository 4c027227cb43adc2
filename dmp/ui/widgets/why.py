"""Why one person is in a segment or not, condition by condition."""

from __future__ import annotations

from dmp.ui.widgets.part import Card, script, style


class WhyCard(Card):
    """Asks for a profile_id by `why`, and draws which conditions hold."""

    _esm = script("why")
    _css = style("why")
