"""What moved weights do, and the buttons to simulate and to save."""

from __future__ import annotations

from dmp.ui.widgets.part import Card, script, style


class TuningEffect(Card):
    """Draws effects on pairs and people; sends `simulate`, and `save` with a reason."""

    _esm = script("tuning_effect")
    _css = style("tuning_effect")
