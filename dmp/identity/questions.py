"""Which pairs to ask a reviewer about: those whose answers are worth most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dmp.core.sql import sql
from dmp.identity import decisions
from dmp.identity.labels import IN_FORCE
from dmp.storage.lake import Lake

_OF_EACH = 4
"""How many pairs of each two bits are candidates to be spread over all weights."""


@dataclass(frozen=True)
class Question:
    """A pair to judge.

    Attributes:
        match_weight: bits, as the last resolve run scored it.
        is_one: whether the two are in one profile now.
        at_stake: how many pairs of subjects join or part with this one, or the size of
            the profile that holds both.
        because: doubt (the model is unsure, and much hangs on it), second_opinion
            (somebody else judged it), spread (to know how right the model is where it
            is sure).
    """

    subject_id_l: int
    subject_id_r: int
    match_weight: float
    match_probability: float
    is_one: bool
    at_stake: int
    because: Literal["doubt", "second_opinion", "spread"]


def questions(
    lake: Lake, reviewer: str, *, limit: int, centre_bits: float = 0.0
) -> list[Question]:
    """Return the pairs most worth this reviewer's time, best first.

    Reads `identity.edge` and the current assignment. Worth is doubt, greatest where
    the model gives a match one chance in two, times the logarithm of what is at stake.
    Of ten, about two are second opinions, where somebody else judged, and two are
    spread over all weights. Pairs that the reviewer judged, and pairs that a decision
    settles, are not asked.

    Args:
        centre_bits: the weight from which a pair speaks for a match.
    """
    query = sql(
        _QUESTIONS,
        in_force=IN_FORCE,
        decided=decisions.IN_FORCE,
        reviewer=reviewer,
        centre=centre_bits,
        limit=limit,
        of_each=_OF_EACH,
    )
    return [Question(**row) for row in lake.records(query)]


def open_questions(lake: Lake, *, doubt: float = 0.01) -> int:
    """Return how many pairs nobody judged of which the model is unsure.

    Args:
        doubt: least probability of either answer that counts as unsure.
    """
    query = sql(
        "select count(*) from identity.edge as e anti join ({in_force}) as l "
        "using (subject_id_l, subject_id_r) where e.kind = 'probabilistic' "
        "and e.match_probability between $doubt and 1 - $doubt",
        in_force=IN_FORCE,
        doubt=doubt,
    )
    return int(lake.value(query))


_QUESTIONS = """
with label as ({in_force}),
size as (
    select profile_key, count(*) as n from identity.assignment
    where valid_to is null group by profile_key
), placed as (
    select subject_id, profile_key, n
    from identity.assignment join size using (profile_key) where valid_to is null
), pair as (
    select e.subject_id_l, e.subject_id_r, e.match_weight, e.match_probability,
        l.profile_key = r.profile_key as is_one,
        case when l.profile_key = r.profile_key then l.n else l.n * r.n end
            as at_stake,
        hash(e.subject_id_l, e.subject_id_r) as lot
    from identity.edge as e
    join placed as l on l.subject_id = e.subject_id_l
    join placed as r on r.subject_id = e.subject_id_r
    anti join (select * from label where reviewer = $reviewer) as mine
        using (subject_id_l, subject_id_r)
    anti join ({decided}) as d using (subject_id_l, subject_id_r)
    where e.kind = 'probabilistic'
), weighed as (
    select *, 1 / (1 + 2 ** least(abs(match_weight - $centre), 60)) as doubt
    from pair
), doubtful as (
    select * from weighed
    order by doubt * (1 - doubt) * log2(1 + at_stake) desc, lot limit $limit
), spread as (
    select unnest(min_by(w, lot, $of_each), max_depth := 2)
    from weighed as w group by floor(match_weight / 2)
), asked as (
    select *, 'doubt' as because, row_number() over (
        order by doubt * (1 - doubt) * log2(1 + at_stake) desc, lot
    ) as place
    from doubtful
    union all
    select w.*, 'second_opinion', 5 * row_number() over (order by lot) - 2.5
    from weighed as w semi join label using (subject_id_l, subject_id_r)
    union all
    select *, 'spread', 5 * row_number() over (order by lot) - 0.5 from spread
)
select subject_id_l, subject_id_r, match_weight, match_probability, is_one,
    at_stake, because
from asked
qualify row_number() over (
    partition by subject_id_l, subject_id_r order by place) = 1
order by place, because limit $limit
"""
