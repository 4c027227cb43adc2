"""Who holds which identifier, and how much that says of somebody who shows it too.

What one more subject of kind record would share with each profile, by the rules by
which a resolve run joins subjects: an identifier weighs its bits once for each subject
that holds it and once for each of its types; a device's identifier leads to the device
alone, by the share that one more row would have of it; values on too many subjects say
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dmp.core.sql import Name, Query, sql
from dmp.identity.lasting_ids import profile_id_sql
from dmp.identity.settings import IdentitySettings
from dmp.identity.signals import stage_rules
from dmp.storage.lake import Lake

WEIGHT_DIGITS = 9
"""Sums of bits are told apart to this many decimals; beyond it the order of adding
would decide."""


@dataclass(frozen=True)
class Identifier:
    """One identifier, as `identity.identifier` has it; the token is its pseudonym."""

    namespace: str
    type: str
    encoding: str
    token: str


@dataclass(frozen=True)
class Candidate:
    """A profile that holds some of the identifiers asked for.

    Attributes:
        match_weight: bits of evidence that somebody who shows the identifiers is this
            person, greater than 0.
        subjects: how many of its subjects hold one of them.
    """

    profile_id: str
    match_weight: float
    subjects: int


def stage_holdings(
    lake: Lake, settings: IdentitySettings, *, of: Name | None = None
) -> Name:
    """Stage `holding`: one row a subject and identifier that says who it is.

    What had expired at the last resolve run is none.

    Reads `identity.identifier`, `identity.subject`, the current `identity.assignment`
    and `identity.profile`. Columns: `namespace, type, encoding, token, subject_id,
    weight_bits, profile_key, generation`.

    Args:
        of: a scratch table of the identifiers wanted; None takes all.
    """
    resolved_at = lake.value("select max(resolved_at) from identity.resolution")
    stage_rules(lake, settings, resolved_at)
    return lake.stage("holding", sql(_HOLDING, rows=_rows(of)))


def candidates(
    lake: Lake, settings: IdentitySettings, asked: Sequence[Iterable[Identifier]]
) -> list[list[Candidate]]:
    """Return for each set of identifiers the profiles that hold some, best first.

    Of profiles with equal weights the older id comes first, then the smaller.
    """
    table = _stage_asked(lake, asked)
    stage_holdings(lake, settings, of=table)
    found: list[list[Candidate]] = [[] for _ in asked]
    for place, profile_id, weight, subjects in lake.rows(_candidates()):
        found[place].append(Candidate(profile_id, weight, subjects))
    return found


def _stage_asked(lake: Lake, asked: Sequence[Iterable[Identifier]]) -> Name:
    rows = [(place, one) for place, some in enumerate(asked) for one in some]
    return lake.stage(
        "asked",
        "select distinct unnest($places::bigint[]) as place, "
        "unnest($namespaces::varchar[]) as namespace, unnest($types::varchar[]) as "
        "type, unnest($encodings::varchar[]) as encoding, "
        "unnest($tokens::varchar[]) as token",
        places=[place for place, _ in rows],
        namespaces=[one.namespace for _, one in rows],
        types=[one.type for _, one in rows],
        encodings=[one.encoding for _, one in rows],
        tokens=[one.token for _, one in rows],
    )


def _rows(of: Name | None) -> Query:
    if of is None:
        return Query("from valid_identifier")
    return sql(
        "select * from valid_identifier as i semi join {of} as a "
        "using (namespace, type, encoding, token)",
        of=of,
    )


def _candidates() -> Query:
    return sql(
        _CANDIDATES,
        id=profile_id_sql(Query("profile_key")),
        digits=Query(str(WEIGHT_DIGITS)),
    )


_HOLDING = """
with holder as (
    select i.namespace, i.type, i.encoding, i.token, i.subject_id,
        s.kind = 'device' as is_device, sum(i.observations) as observations,
        max(coalesce(t.trust, 1)) as trust
    from ({rows}) as i
    join identity.subject as s using (subject_id)
    left join source_trust as t on t.type = i.type and t.source = i.source
    group by all
), shared as (
    select h.*, r.weight_bits, r.joins_device, r.max_subjects,
        count(*) over value as subjects,
        coalesce(sum(h.observations) filter (not h.is_device) over value, 0) as used
    from holder as h join identifier_rule as r using (type)
    window value as (partition by h.namespace, h.type, h.encoding, h.token)
)
select s.namespace, s.type, s.encoding, s.token, s.subject_id,
    s.trust * s.weight_bits / if(s.joins_device, s.used + 1, 1) as weight_bits,
    a.profile_key, p.generation
from shared as s
join identity.assignment as a on a.subject_id = s.subject_id and a.valid_to is null
join identity.profile as p using (profile_key)
where s.subjects <= s.max_subjects and (s.is_device or not s.joins_device)
"""
_CANDIDATES = """
with by_type as (
    select place, profile_key, generation, subject_id, type,
        max(weight_bits) as weight_bits
    from asked join holding using (namespace, type, encoding, token)
    group by all
)
select place, {id} as profile_id, round(sum(weight_bits), {digits}) as match_weight,
    count(distinct subject_id) as subjects
from by_type
group by place, profile_key, generation
order by place, match_weight desc, generation, profile_key
"""
