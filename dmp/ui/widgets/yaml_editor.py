"""The rule as YAML, in both directions."""

from __future__ import annotations

from dmp.ui.widgets.part import Part, script, style


class YamlEditor(Part):
    """Shows `text`; `write` carries what was typed in its place."""

    _esm = script("yaml_editor")
    _css = style("yaml_editor")
