"""How real the data look: figures measured beside the targets they should meet.

Targets and their sources:
    surname_exponent: 0.85, each household counted once; family names fall a little
        more slowly than 1 / rank past the most common ones (Zanette & Manrubia 2001).
    top_100_surnames: 0.2; first hundred surnames of Great Britain (General Register
        Office lists of surnames).
    given_name_exponent: 0.85; names fall as a power of their rank (Hahn & Bentley
        2003), flatter at the head when many birth years are mixed.
    top_100_given_names: 0.6; England and Wales, all ages together (ONS baby names).
    events_gini: 0.65; a fifth of visitors makes about two thirds of the traffic, as for
        most counts of online activity.
    hour_deviation: 0; greatest distance of a share of the hours from `HOUR_SHARES`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dmp.ingest.synthetic.activity import Activity
from dmp.ingest.synthetic.people import Person
from dmp.ingest.synthetic.seeds import Floats, Ints
from dmp.ingest.synthetic.sessions import hour_curve
from dmp.ingest.synthetic.surnames import HEAD

TARGETS: Mapping[str, tuple[float, float]] = {
    "surname_exponent": (0.85, 0.2),
    "top_100_surnames": (0.2, 0.05),
    "given_name_exponent": (0.85, 0.15),
    "top_100_given_names": (0.6, 0.06),
    "events_gini": (0.65, 0.05),
    "hour_deviation": (0.0, 0.01),
}
"""Target and how far from it a set of 10,000 people or more may lie."""


@dataclass(frozen=True)
class Figure:
    """One measured figure beside its target; both are shares or exponents."""

    name: str
    measured: float
    target: float
    tolerance: float


def gini(frequency: Ints) -> float:
    """Return the Gini coefficient in [0, 1) of counts.

    Args:
        frequency: at place k, how many people have the count k.
    """
    counts = np.arange(frequency.size)
    people, total = frequency.sum(), (frequency * counts).sum()
    if not total:
        return 0.0
    share = np.cumsum(frequency * counts) / total
    before = np.r_[0.0, share[:-1]]
    return float(1 - (frequency / people * (share + before)).sum())


def exponent(counts: Sequence[int], first_rank: int) -> float | None:
    """Return minus the slope of log count over log rank, from `first_rank` on.

    Ranks are taken in bands that double in width, up to the last band whose names
    are counted 1.25 times on average; None when fewer than two bands remain.
    """
    ordered = np.sort(np.asarray(counts))[::-1]
    low = first_rank
    ranks: list[float] = []
    means: list[float] = []
    while 2 * low <= ordered.size + 1:
        mean = ordered[low - 1 : 2 * low - 1].mean()
        if mean < 1.25:
            break
        ranks.append(np.log(low * 1.5))
        means.append(np.log(mean))
        low *= 2
    return float(-np.polyfit(ranks, means, 1)[0]) if len(ranks) > 1 else None


def top_share(counts: Iterable[int], top: int = 100) -> float:
    """Return the share of the `top` greatest counts in all."""
    ordered = sorted(counts, reverse=True)
    return sum(ordered[:top]) / max(sum(ordered), 1)


@dataclass
class Tally:
    """Counts that grow chunk by chunk; its size does not depend on the people."""

    surnames: Counter[str] = field(default_factory=Counter)
    families: Counter[str] = field(default_factory=Counter)
    given_names: Counter[str] = field(default_factory=Counter)
    events: Counter[int] = field(default_factory=Counter)
    hours: Ints = field(default_factory=lambda: np.zeros(24, dtype=np.int64))

    def add(self, people: Sequence[Person], activity: Activity | None) -> None:
        """Count the people of a chunk and what they did."""
        self.surnames.update(person.surname for person in people)
        homes = {(person.household_id, person.surname) for person in people}
        self.families.update(surname for _, surname in homes)
        self.given_names.update(person.given_name for person in people)
        if activity is None:
            return
        events = activity.events
        person = activity.visits.person[events.session]
        self.events.update(np.bincount(person, minlength=len(people)).tolist())
        self.hours += np.bincount(events.at_ms // 3_600_000 % 24, minlength=24)

    def hour_shares(self) -> Floats:
        """Return the share of events in each hour of the day (UTC)."""
        return self.hours / max(int(self.hours.sum()), 1)

    def figures(self) -> tuple[Figure, ...]:
        """Return every figure; without what too few people show."""
        surnames, given = list(self.surnames.values()), list(self.given_names.values())
        measured: dict[str, float | None] = {
            "surname_exponent": exponent(list(self.families.values()), HEAD),
            "top_100_surnames": top_share(surnames),
            "given_name_exponent": exponent(given, 8),
            "top_100_given_names": top_share(given),
        }
        if self.hours.sum():
            frequency = np.zeros(max(self.events) + 1, dtype=np.int64)
            frequency[list(self.events)] = list(self.events.values())
            measured["events_gini"] = gini(frequency)
            apart = np.abs(self.hour_shares() - hour_curve()).max()
            measured["hour_deviation"] = float(apart)
        return tuple(
            Figure(name, round(value, 4), *TARGETS[name])
            for name, value in measured.items()
            if value is not None
        )
