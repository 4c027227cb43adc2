"""Names that come with an input, as far as they may be shown or stored.

A file without a header has its first row for one; a JSON object may have e-mail
addresses for keys; an export may be called after a person.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from dmp.privacy import mask
from dmp.privacy.detect import kinds

_KEY = re.compile(r"[^\W\d]\w*([.:$-]+\w+)*")
_HEADING = re.compile(r"[^\W\d][\w .:$/()%#&?'€£-]*")
_MANY_DIGITS = re.compile(r"\d{5}")
_LONGEST = 64


def shown_key(path: str) -> str:
    """Return the dotted path of a JSON field, or its shape where it may be a value.

    >>> shown_key("traits.shoe_size"), shown_key("seen.jo@mail.example")
    ('traits.shoe_size', 'aaaa.aa@aaaa.aaaaaaa')
    """
    return path if _is_name(path, _KEY) else _shape(path)


def shown_columns(columns: Sequence[str]) -> list[str]:
    """Return the columns of a file; only their places where one may be a value.

    >>> shown_columns(["First name", "Town"]), shown_columns(["Jo", "jo@mail.example"])
    (['First name', 'Town'], ['column 1', 'column 2'])
    """
    if all(_is_name(column, _HEADING) for column in columns):
        return list(columns)
    return [f"column {place}" for place, _ in enumerate(columns, start=1)]


def shown_file(path: Path) -> str:
    """Return the name of a file without e-mail addresses and numbers of people.

    What a terminal would obey or not show, such as a line break, becomes `?`.

    >>> shown_file(Path("export of jo@mail.example.csv"))
    'export of [email]'
    """
    plain = "".join(c if c.isprintable() else "?" for c in path.name)
    return mask(plain)


def _is_name(text: str, pattern: re.Pattern[str]) -> bool:
    return (
        len(text) <= _LONGEST
        and pattern.fullmatch(text.strip(" ")) is not None
        and not _MANY_DIGITS.search(text)
        and not kinds(text)
    )


def _shape(text: str) -> str:
    return re.sub(r"\d", "9", re.sub(r"[^\W\d]", "a", text))[:_LONGEST]
