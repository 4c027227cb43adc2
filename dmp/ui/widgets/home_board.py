"""The start page as one board."""

from __future__ import annotations

from dmp.ui.widgets.part import Part, script, style


class HomeBoard(Part):
    r"""Draws how the workspace is; `refresh` reads it again."""

    _esm = script("home_board")
    _css = style("board")
