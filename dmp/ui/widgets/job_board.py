"""Runs, checks and one executed notebook."""

from __future__ import annotations

from dmp.ui.widgets.part import Part, script, style


class JobBoard(Part):
    r"""Draws runs and checks; `open`, `retry`, `check` and `refresh` come back."""

    _esm = script("job_board")
    _css = style("board")
