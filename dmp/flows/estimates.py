"""The size of a rule by a stable sample of people, with its interval."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from dmp.core.sql import Name, sql
from dmp.segments import build
from dmp.segments.population import KEY, Among, population_of, stage_people
from dmp.segments.rule import Segment, Top, deep_leaves
from dmp.segments.sources import Population
from dmp.storage.lake import Lake

SAMPLED = 100
LEAST_SAMPLED = 500
Z_95 = 1.959964
KEYS = "sampled_key"
AMONG = Among(KEYS, "sampled", is_staged=True)


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


def stage_sample(
    lake: Lake, population: Population, as_of: datetime
) -> Population | None:
    """Stage what one person in a hundred did, the same ones every time.

    Reads `person`. Returns the population of the sample, whose people `stage_sampled`
    stages; None where it has fewer than 500 people, and says little.
    """
    lake.stage(
        KEYS,
        sql(
            "select {key} from {people} where "
            "('0x' || md5('sample:' || profile_id)[:8])::bigint % $sampled = 0 "
            "order by {key}",
            people=Name.of(population.profiles),
            key=Name(KEY),
            sampled=SAMPLED,
        ),
    )
    if sample_size(lake) < LEAST_SAMPLED:
        return None
    sample = population_of(lake, as_of, AMONG, traits=population.traits)
    return replace(sample, lists=population.lists, views=population.views)


def stage_sampled(
    lake: Lake,
    sample: Population,
    as_of: datetime,
    *,
    read: Collection[str] | None = None,
) -> None:
    """Stage the people of a sample with what is read of them; None is all."""
    stage_people(lake, sample, as_of, AMONG, read=read)


def sample_size(lake: Lake) -> int:
    """Return how many people are in the sample."""
    return int(lake.value(sql("select count(*) from {t}", t=Name(KEYS))))


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
