"""What a segment is: its name, rule in words, main numbers and facts."""

from __future__ import annotations

from dmp.ui.widgets.part import Part, script, style


class Headline(Part):
    """Draws name, description, sentence, members, share, everyone, facts and tags."""

    _esm = script("headline")
    _css = style("headline")
