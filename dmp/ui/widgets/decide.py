"""Merge, split, undo: decisions that change who is who."""

from __future__ import annotations

from dmp.ui.widgets.part import Card, script, style


class Decide(Card):
    """Draws what may be decided; `merge`, `split`, `undo`, `resolve` carry the rest."""

    _esm = script("decide")
    _css = style("decide")
