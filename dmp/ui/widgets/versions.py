"""The versions of a segment's rule, the newest first."""

from __future__ import annotations

from dmp.ui.widgets.part import Card, script, style


class Versions(Card):
    """Draws a row for each version."""

    _esm = script("versions")
    _css = style()
