"""What a segment says of itself, with the buttons that save and evaluate it."""

from __future__ import annotations

from dmp.ui.widgets.part import Part, script, style


class Details(Part):
    """Shows name, purpose and the rest; `describe`, `save` and `build` come back."""

    _esm = script("details")
    _css = style("details")
