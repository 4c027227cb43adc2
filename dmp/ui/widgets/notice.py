"""The banner for a problem and the toast for good news."""

from __future__ import annotations

from dmp.ui.widgets.part import Part, script, style


class Notice(Part):
    """Draws a problem as a banner that stays, news as a toast that goes."""

    _esm = script("notice")
    _css = style("notice")
