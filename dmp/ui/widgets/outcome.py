"""What a send came to: a sentence, its details and the files written."""

from __future__ import annotations

from dmp.ui.widgets.part import Part, script, style


class Outcome(Part):
    """Draws `message`, `lines` and `files`, or a problem, or nothing."""

    _esm = script("outcome")
    _css = style("outcome")
