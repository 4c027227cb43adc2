"""The published tables of a workspace by schema and name, for looking around."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from dmp.core.errors import UnknownName
from dmp.storage.rows import Rows


@dataclass(frozen=True, repr=False)
class Tables:
    """Tables as attributes: `tables.core.event`, `tables.segment_count`.

    `tables["core.event"]` is the same. A name that is none is an error that names the
    near ones.

    Attributes:
        docs: what one row is, by name of the table.
    """

    docs: Mapping[str, str]
    read: Callable[[str], Rows] = field(repr=False)
    prefix: str = ""

    def __getattr__(self, name: str) -> Rows | Tables:
        if name.startswith("_"):
            raise AttributeError(name)
        whole = f"{self.prefix}{name}"
        if whole in self.docs:
            return self.read(whole)
        if any(known.startswith(f"{whole}.") for known in self.docs):
            return Tables(self.docs, self.read, f"{whole}.")
        raise AttributeError(str(UnknownName("table", whole, list(self.docs))))

    def __getitem__(self, name: str) -> Rows:
        if name not in self.docs:
            raise UnknownName("table", name, list(self.docs))
        return self.read(name)

    def __dir__(self) -> list[str]:
        below = (name.removeprefix(self.prefix) for name in self._names())
        return sorted({name.partition(".")[0] for name in below})

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __repr__(self) -> str:
        width = max((len(name) for name in self._names()), default=0)
        lines = (f"{name:<{width}}  {self.docs[name]}" for name in self._names())
        return "\n".join(lines) or "no table is published to you"

    def _repr_html_(self) -> str:
        lines = "".join(
            f"<tr><td><code>{html.escape(name)}</code></td>"
            f"<td>{html.escape(self.docs[name])}</td></tr>"
            for name in self._names()
        )
        return f"<table><tbody>{lines}</tbody></table>"

    def _names(self) -> list[str]:
        return [name for name in self.docs if name.startswith(self.prefix)]
