"""Why subjects are, or are not, one person, and how a profile came to be."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dmp.core.errors import UsageError
from dmp.core.sql import sql
from dmp.identity.decisions import subjects_of
from dmp.identity.waterfall import Waterfall
from dmp.storage.lake import Lake


@dataclass(frozen=True)
class Member:
    """One subject of a profile: a record, account or device as a source knows it."""

    subject_id: int
    source: str
    kind: str
    profile_id: str
    first_seen_at: datetime


@dataclass(frozen=True)
class Reason:
    """One reason that two subjects are, or are not, one person.

    Attributes:
        kind: deterministic (they share an identifier of `type`), probabilistic (the
            linkage model scored them) or decision (a person said so).
        match_weight: bits, as found; infinite for a decision.
        counted_bits: what it counts for: positive for, negative against. Of a score
            that is its weight beyond the threshold of the settings; of identifiers
            that a score of the pair replaces, what the model does not compare: 0 or
            less than their weight.
        is_used: whether the two are in one profile.
        dropped_by: the type of identifier of which a profile would hold too many by
            it, where a limit dropped it; else "".
        held_alone: subjects that the evidence of this pair alone holds to the rest of
            the profile; 0 where other evidence would.
    """

    subject_id_l: int
    subject_id_r: int
    kind: str
    type: str
    match_weight: float
    match_probability: float
    is_used: bool
    counted_bits: float
    dropped_by: str = ""
    held_alone: int = 0

    @property
    def is_replaced(self) -> bool:
        """Whether a score of the pair counts in the place of identifiers it shares."""
        return self.kind == "deterministic" and self.counted_bits < self.match_weight


@dataclass(frozen=True)
class Explanation:
    """What holds subjects together, or keeps them apart.

    Attributes:
        members: the subjects asked about.
        is_one: whether they are one person as things stand.
        path: where they are one, the strongest reasons that connect all of them, each
            needed, strongest first; between two subjects, the steps from one to the
            other; else everything known between the two sides, strongest first.
        against: reasons against within one profile, outweighed by the others.
        replaced: identifiers shared within one profile for which a score of the pair
            counts, which compares them too; they are on no path unless part remains.
        waterfalls: of two subjects or profiles, how the model's scores on the path and
            against it come about.
    """

    members: tuple[Member, ...]
    is_one: bool
    path: tuple[Reason, ...]
    against: tuple[Reason, ...]
    waterfalls: tuple[Waterfall, ...] = ()
    replaced: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Event:
    """One line of the history of a profile id.

    Attributes:
        action: assign, merge, split or revive, as `identity.change` has it.
        profile_id: the id given, merged away, split from or revived.
        other_profile_id: the surviving id of a merge, the new one of a split, else "".
        subjects: how many subjects moved.
        cause: of a merge or split, as `identity.change` has it; else "".
    """

    changed_at: datetime
    action: str
    profile_id: str
    other_profile_id: str
    subjects: int
    model: str
    run_id: str
    actor: str
    cause: str = ""


def history(lake: Lake, profile_id: str) -> list[Event]:
    """Return what happened to a profile id, the oldest first.

    Raises:
        UsageError: no such profile was ever given.
    """
    subjects_of(lake, profile_id)
    return [Event(**row) for row in lake.records(_HISTORY, profile_id=profile_id)]


def why(
    lake: Lake, one: str, other: str = "", *, threshold_bits: float = 0.0
) -> Explanation:
    """Explain one profile, or two profiles or subjects to each other.

    Reads `identity.edge` as the last resolve run left it.

    Args:
        one: a profile id (an alias is followed) or a subject id.
        other: another, or nothing.
        threshold_bits: the weight from which a score spoke for one person in that run.

    Raises:
        UsageError: there is no such profile or subject.
    """
    left = _subjects(lake, one)
    right = _subjects(lake, other) if other else left
    members = _members(lake, sorted({*left, *right}))
    is_one = len({member.profile_id for member in members}) == 1
    if not is_one:
        reasons = _reasons(lake, left, right, threshold_bits)
        return Explanation(members, False, tuple(reasons), ())
    everyone = subjects_of(lake, members[0].profile_id)
    reasons = _reasons(lake, everyone, everyone, threshold_bits)
    tree = strongest_tree(reasons)
    path = tree if not other else path_between(tree, left[0], right[0])
    against = [reason for reason in reasons if reason.counted_bits < 0]
    told = {frozenset((r.subject_id_l, r.subject_id_r)) for r in (*path, *against)}
    replaced = tuple(
        r
        for r in reasons
        if r.is_replaced and {r.subject_id_l, r.subject_id_r} in told and r not in path
    )
    return Explanation(members, True, tuple(path), tuple(against), replaced=replaced)


def strongest_tree(reasons: Iterable[Reason]) -> list[Reason]:
    """Return the strongest reasons that connect all subjects which reasons connect.

    Each of them is needed, and the weakest link of any path in them is as strong as
    can be. Only reasons for count. Source: Kruskal 1956, on the heaviest first.
    """
    group: dict[int, set[int]] = {}
    tree = []
    for reason in sorted(
        (r for r in reasons if r.counted_bits > 0),
        key=lambda r: (-r.counted_bits, r.subject_id_l, r.subject_id_r),
    ):
        left = group.setdefault(reason.subject_id_l, {reason.subject_id_l})
        right = group.setdefault(reason.subject_id_r, {reason.subject_id_r})
        if left is right:
            continue
        left |= right
        group.update(dict.fromkeys(right, left))
        tree.append(reason)
    return tree


def path_between(tree: Sequence[Reason], start: int, end: int) -> list[Reason]:
    """Return the steps of a tree from one subject to another; empty without a way."""
    near: dict[int, list[tuple[int, Reason]]] = {}
    for reason in tree:
        left, right = reason.subject_id_l, reason.subject_id_r
        near.setdefault(left, []).append((right, reason))
        near.setdefault(right, []).append((left, reason))
    paths: dict[int, list[Reason]] = {start: []}
    queue = deque([start])
    while queue and end not in paths:
        here = queue.popleft()
        for there, reason in near.get(here, []):
            if there not in paths:
                paths[there] = [*paths[here], reason]
                queue.append(there)
    return paths.get(end, [])


def _subjects(lake: Lake, name: str) -> list[int]:
    if not name.isdecimal():
        return subjects_of(lake, name)
    known = lake.value(
        "select count(*) from identity.assignment "
        "where subject_id = $name::bigint and valid_to is null",
        name=name,
    )
    if not known:
        raise UsageError(
            f"no subject {name} was resolved; dmp identity why PROFILE lists the "
            "subjects of a profile"
        )
    return [int(name)]


def _members(lake: Lake, subjects: Sequence[int]) -> tuple[Member, ...]:
    return tuple(Member(**row) for row in lake.records(_MEMBERS, subjects=subjects))


def _reasons(
    lake: Lake, left: Sequence[int], right: Sequence[int], threshold_bits: float
) -> list[Reason]:
    sides = {"left": list(left), "right": list(right)}
    query = sql(_REASONS, threshold=threshold_bits, **sides)
    return [Reason(**row) for row in lake.records(query)]


_MEMBERS = """
select s.subject_id, s.source, s.kind, p.profile_id, s.first_seen_at
from identity.subject as s
join identity.assignment as a on a.subject_id = s.subject_id and a.valid_to is null
join identity.profile as p using (profile_key)
where s.subject_id in (select unnest($subjects::bigint[]))
order by s.source, s.subject_id
"""
_REASONS = """
with l as (select unnest($left::bigint[]) as subject_id),
r as (select unnest($right::bigint[]) as subject_id)
select subject_id_l, subject_id_r, kind, type, match_weight, match_probability, is_used,
    coalesce(counted_weight, match_weight)
        - if(kind = 'probabilistic', $threshold, 0) as counted_bits,
    coalesce(dropped_by, '') as dropped_by, coalesce(held_alone, 0) as held_alone
from identity.edge
where (subject_id_l in (from l) and subject_id_r in (from r))
    or (subject_id_l in (from r) and subject_id_r in (from l))
order by counted_bits desc, subject_id_l, subject_id_r, kind
"""
_HISTORY = """
select c.changed_at, c.action, p.profile_id,
    coalesce(o.profile_id, '') as other_profile_id, c.subjects, c.model, c.run_id,
    c.actor, coalesce(c.cause, '') as cause
from identity.change as c
join identity.profile as p using (profile_key)
left join identity.profile as o on o.profile_key = c.other_profile_key
where $profile_id in (p.profile_id, o.profile_id)
order by c.changed_at, c.action, p.profile_id, o.profile_id
"""
