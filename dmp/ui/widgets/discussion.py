"""What people say of a segment, its approval, and the way into the archive."""

from __future__ import annotations

from dmp.ui.widgets.part import Card, script, style


class DiscussionCard(Card):
    """Sends `comment` with a text, `approve`, and `archive` with where to."""

    _esm = script("discussion")
    _css = style("discussion")
