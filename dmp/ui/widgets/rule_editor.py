"""The rule as nested cards that are filled in by clicking."""

from __future__ import annotations

import traitlets

from dmp.ui.widgets.part import Part, script, style


class RuleEditor(Part):
    """Draws the form of a rule; `edit`, `add`, `remove`, `step` and others come back.

    `counts` holds the people of each condition by its place as JSON, and changes
    without the form being drawn again.
    """

    _esm = script("rule_editor")
    _css = style("rule_editor")
    counts = traitlets.Dict({}).tag(sync=True)
