"""A table of which one page is held by the browser."""

from __future__ import annotations

from dmp.ui.widgets.part import Card, script, style


class PagedTable(Card):
    """Draws one page of rows; the message `turn` carries the page wanted."""

    _esm = script("paged_table")
    _css = style("paged_table")
