"""A rule tried where it is written: its size, its sentence, who it takes."""

from __future__ import annotations

from dmp.ui.widgets.part import Part, script, style


class RuleTrial(Part):
    """A field for YAML; sends `try` with its text, and draws what came of it."""

    _esm = script("rule_trial")
    _css = style("rule_trial")
