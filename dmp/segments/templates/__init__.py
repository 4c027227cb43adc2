"""Segments to start from: each a YAML file beside this one, with a word on its use."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from dmp.core.errors import Fault, RuleInvalid, UnknownName
from dmp.segments.parsing import ID, ID_RIGHT
from dmp.segments.saved import Saved, read_text

_FIRST_LINE = "segment: NAME\n"


def templates() -> dict[str, Path]:
    """Return the files of the templates by name."""
    folder = Path(str(resources.files(__package__)))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def filled(template: str, segment: str) -> tuple[str, Saved]:
    """Return the text of a template under the id of a segment, and the segment.

    Raises:
        UnknownName: there is no such template.
        RuleInvalid: the id is none.
    """
    known = templates()
    if template not in known:
        raise UnknownName("template", template, list(known))
    if not re.fullmatch(ID, segment):
        raise RuleInvalid(template, [Fault("segment", "is no id", ID_RIGHT)])
    text = known[template].read_text(encoding="utf-8")
    text = text.replace(_FIRST_LINE, f"segment: {segment}\n")
    return text, read_text(text, segment)
