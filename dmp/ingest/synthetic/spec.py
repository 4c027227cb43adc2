"""What is asked of the generator, checked once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dmp.core.errors import UnknownName, UsageError

SOURCES = ("web", "app", "crm", "shop", "partner")
FORMATS: Mapping[str, tuple[str, ...]] = {
    "web": ("jsonl", "jsonl.gz"),
    "app": ("jsonl", "jsonl.gz"),
    "crm": ("csv",),
    "shop": ("parquet", "csv"),
    "partner": ("csv", "parquet"),
}
"""File formats by source, the usual one first."""

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Spec:
    """One whole set of synthetic data.

    Attributes:
        people: how many people, at least 1.
        seed: 0 or more; same spec and seed give the same bytes.
        until: everything happens before this instant; carries a time zone.
        days: length of the observed window [until - days, until), at least 14.
        sources: which sources are written, in the order of `SOURCES`.
        formats: the file format of every source written.
        events_per_person: mean number of web and app events a person.
        chunk_people: people made at a time, in whole households.
    """

    people: int
    seed: int
    until: datetime
    days: int
    sources: tuple[str, ...]
    formats: Mapping[str, str]
    events_per_person: float
    chunk_people: int

    @property
    def until_ms(self) -> int:
        """End of the window, epoch milliseconds, open."""
        return int(self.until.timestamp() * 1000)

    @property
    def since_ms(self) -> int:
        """Start of the window, epoch milliseconds, closed."""
        return self.until_ms - self.days * DAY_MS

    @property
    def n_chunks(self) -> int:
        """How many chunks the people are made in."""
        return -(-self.people // self.chunk_people)

    def chunk_size(self, chunk: int) -> int:
        """Return how many people a chunk holds; only the last may be smaller."""
        return min(self.chunk_people, self.people - chunk * self.chunk_people)


def wanted_sources(sources: Sequence[str] | None, events: bool) -> tuple[str, ...]:
    """Return the sources to write, without web and app if events are not wanted.

    Raises:
        UnknownName: a source does not exist.
    """
    for name in sources or ():
        if name not in SOURCES:
            raise UnknownName("synthetic source", name, SOURCES)
    wanted = SOURCES if sources is None else sources
    return tuple(s for s in SOURCES if s in wanted and (events or s not in SOURCES[:2]))


def wanted_formats(
    formats: Mapping[str, str] | None, sources: Sequence[str]
) -> dict[str, str]:
    """Return the file format of each source.

    Raises:
        UsageError: a format cannot hold its source; the message says which can.
    """
    for source, wanted in (formats or {}).items():
        if source not in FORMATS:
            raise UnknownName("synthetic source", source, SOURCES)
        if wanted not in FORMATS[source]:
            right = " or ".join(FORMATS[source])
            raise UsageError(
                f"formats[{source!r}]: {wanted!r} cannot hold this source; use {right}"
            )
    return {name: (formats or {}).get(name, FORMATS[name][0]) for name in sources}


def check(spec: Spec) -> None:
    """Do nothing if every number of a spec is usable.

    Raises:
        UsageError: some are not; the message names all of them.
    """
    limits = (
        ("people", spec.people, 1, 50_000_000),
        ("seed", spec.seed, 0, 2**63),
        ("days", spec.days, 14, 3650),
        ("events_per_person", spec.events_per_person, 0.1, 300),
        ("chunk_people", spec.chunk_people, 1, 50_000),
        ("events a chunk", spec.events_per_person * spec.chunk_people, 0, 2_000_000),
    )
    wrong = [
        f"{name} must be in [{low}, {high}]"
        for name, value, low, high in limits
        if not low <= value <= high
    ]
    if spec.until.tzinfo is None:
        wrong.append("until must carry a time zone, such as UTC")
    if wrong:
        raise UsageError("; ".join(wrong))
