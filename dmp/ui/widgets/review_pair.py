"""A pair to judge, field by field, with a key for each verdict."""

from __future__ import annotations

from dmp.ui.widgets.part import Part, script, style


class ReviewPair(Part):
    """Draws a pair; the message `act` carries what was pressed: a verdict or a step."""

    _esm = script("review_pair")
    _css = style("review_pair")
