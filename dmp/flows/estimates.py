"""The size of a rule by a stable sample of people, with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from dmp.core.sql import Name, sql
from dmp.segments import build
from dmp.segments.population import KEY
from dmp.segments.rule import Segment, Top, deep_leaves
from dmp.segments.sources import Population
from dmp.storage.lake import Lake

SAMPLED = 100
LEAST_SAMPLED = 500
Z_95 = 1.959964
PEOPLE = "sampled_person"
_BEGINS = ("person", "sampled")


@dataclass(frozen=True)
class Estimate:
    """How many people a rule takes, by those of the sample.

    Attributes:
        low, high: the ends of the 95 % interval.
        sampled: people in the sample.
    """

    people: int
    low: int
    high: int
    sampled: int


def stage_sample(lake: Lake, population: Population) -> Population | None:
    """Stage one person in a hundred, the same ones every time, with what they did.

    Reads `person` and its views, their rows once. Returns the population of the sample;
    None where it has fewer than 500 people, and says little.
    """
    lake.stage(
        PEOPLE,
        sql(
            "select * from {people} where ('0x' || md5('sample:' || profile_id)[:8])"
            "::bigint % $sampled = 0 order by {key}",
            people=Name.of(population.profiles),
            key=Name(KEY),
            sampled=SAMPLED,
        ),
    )
    if sample_size(lake) < LEAST_SAMPLED:
        return None
    return replace(
        population,
        profiles=PEOPLE,
        events=population.events and _stage_rows(lake, population.events),
        related={
            name: replace(table, relation=_stage_rows(lake, table.relation))
            for name, table in population.related.items()
        },
        consent=population.consent and _stage_rows(lake, population.consent),
    )


def _stage_rows(lake: Lake, relation: str) -> str:
    staged = relation.replace(*_BEGINS, 1)
    lake.stage(
        staged,
        sql(
            "select * from {rows} where {key} in (select {key} from {people}) "
            "order by {key}",
            rows=Name.of(relation),
            key=Name(KEY),
            people=Name(PEOPLE),
        ),
    )
    return staged


def sample_size(lake: Lake) -> int:
    """Return how many people are in the staged sample."""
    return int(lake.value(sql("select count(*) from {t}", t=Name(PEOPLE))))


def estimate(
    lake: Lake,
    sample: Population,
    segment: Segment,
    segments: Mapping[str, Segment],
    as_of: datetime,
    *,
    people: int,
) -> Estimate | None:
    """Return the size among so many people by a staged sample; None for `top`.

    Source: Wilson 1927, the score interval.
    """
    known = {**segments, segment.id: segment}
    if any(_ranks(one) for one in known.values()):
        return None
    staged = build.stage_members(
        lake, sample, segment, segments, as_of, name="sampled_member"
    )
    found = int(lake.value(sql("select count(*) from {t}", t=staged)))
    sampled = sample_size(lake)
    low, high = wilson(found, sampled)
    return Estimate(
        round(found / sampled * people),
        math.floor(low * people),
        math.ceil(high * people),
        sampled,
    )


def _ranks(segment: Segment) -> bool:
    return any(isinstance(leaf, Top) for _, leaf in deep_leaves(segment.rule))


def wilson(found: int, of: int) -> tuple[float, float]:
    """Return the ends of the 95 % score interval of a share, in [0, 1].

    >>> [round(end, 3) for end in wilson(10, 100)]
    [0.055, 0.174]
    """
    share, z2 = found / of, Z_95**2
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    spread = share * (1 - share) / of + z2 / (4 * of * of)
    half = Z_95 * math.sqrt(spread) / (1 + z2 / of)
    return max(0.0, middle - half), min(1.0, middle + half)
