"""How far the labelling is, and how far reviewers agree."""

from __future__ import annotations

from dmp.ui.widgets.part import Part, script, style


class ReviewProgress(Part):
    """Draws counts and agreement; it sends nothing."""

    _esm = script("review_progress")
    _css = style("review_progress")
