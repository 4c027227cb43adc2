"""Names of fields and events: lower-case words, each once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping

Taken = Mapping[tuple[str, str], str]
"""The DuckDB type under which other contracts store an attribute or property."""

_LONGEST = 50
_PARTS = re.compile(r"[A-Z]+\d*(?![a-z])|[A-Z]?[a-z]+\d*|\d+")


def snake(name: str) -> str:
    """Return a name in lower-case ASCII words joined by underscores.

    >>> snake("MKT_EMAIL_OPTIN"), snake("itemCategory"), snake("Größe (cm)"), snake("%")
    ('mkt_email_optin', 'item_category', 'grosse_cm', '')
    """
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    parts = _PARTS.findall(plain.encode("ascii", "ignore").decode())
    joined = "_".join(parts).lower()
    joined = joined[:_LONGEST].strip("_")
    return f"n_{joined}" if joined[:1].isdigit() else joined


def unique_name(wanted: str, taken: Collection[str]) -> str:
    """Return the name, or with the first number that makes it another than those.

    >>> unique_name("age", {"age", "age_2"})
    'age_3'
    """
    if wanted not in taken:
        return wanted
    return next(name for name in _numbered(wanted) if name not in taken)


def _numbered(name: str) -> Iterator[str]:
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1


class Names:
    """Gives each field a name that no other has, nor stores under another type."""

    def __init__(self, source: str, taken: Taken) -> None:
        """Begin with no name given."""
        self._source, self._taken = source, taken
        self._given: set[str] = set()

    def give(self, wanted: str, place: str, kind: str, type_: str | None) -> str:
        """Return a name, from the last part of its place or longer where it must be.

        Args:
            kind: attribute or property.
            type_: the DuckDB type it is stored under; None for what is not stored.
        """
        long = snake(place) or "field"
        short = wanted or snake(place.rpartition(".")[2]) or "field"
        for name in (short, long, f"{self._source}_{long}", *_numbered_few(long)):
            stored = self._taken.get((kind, name), type_)
            if name not in self._given and (type_ is None or stored == type_):
                self._given.add(name)
                return name
        return unique_name(f"{self._source}_{long}_field", self._given)


def _numbered_few(name: str) -> list[str]:
    return [f"{name}_{number}" for number in range(2, 1000)]
