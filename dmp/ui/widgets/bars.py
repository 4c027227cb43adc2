"""Bars by label, alone or beside a reference."""

from __future__ import annotations

from dmp.ui.widgets.part import Card, script, style


class Bars(Card):
    """Draws `rows`, each with label, bar, text; `compared` adds reference and ratio."""

    _esm = script("bars")
    _css = style()
