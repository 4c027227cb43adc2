"""The list of segments to choose from, with a filter."""

from __future__ import annotations

from dmp.ui.widgets.part import Part, script, style


class SegmentList(Part):
    """Draws `items`; the message `choose` carries the segment chosen."""

    _esm = script("segment_list")
    _css = style("segment_list")
