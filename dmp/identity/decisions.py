"""Human decisions about who is who: profiles joined, parted, and both taken back.

A decision is written as rows of `identity.decision`, one for each pair of subjects that
it is about, and wins over all evidence until it is withdrawn; retraining a model does
not touch it. It shows in the profiles after the next resolve run.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Literal

from dmp.core.errors import UnknownName, UsageError
from dmp.core.sql import Query, sql
from dmp.storage.lake import Lake
from dmp.storage.write import append, commit

Pairs = list[tuple[int, int]]

IN_FORCE = Query(
    """
    select subject_id_l, subject_id_r, decision_id,
        arg_max(decision, decided_at) as decision, min(decided_at) as decided_at
    from identity.decision
    group by subject_id_l, subject_id_r, decision_id
    having arg_max(decision, decided_at) <> 'withdrawn'
    """
)
"""The decisions that nobody has withdrawn: one row a decision and pair of subjects."""


@dataclass(frozen=True)
class Decision:
    """One decision of a person.

    Attributes:
        decision_id: `d` and 12 hex digits; what `undo` takes.
        action: merge or split.
        pairs: how many pairs of subjects it is about.
        actor: pseudonymous id of who decided.
        reason: why, in the person's own words; empty where none was given.
        is_withdrawn: whether it was taken back.
    """

    decision_id: str
    action: Literal["merge", "split"]
    pairs: int
    actor: str
    decided_at: datetime
    reason: str
    is_withdrawn: bool = False


def subjects_of(lake: Lake, profile_id: str) -> list[int]:
    """Return the subjects that a profile holds now, in order; an alias is followed.

    Raises:
        UsageError: no such profile was ever given.
    """
    found = lake.rows(_SUBJECTS, profile_id=profile_id)
    if not found:
        raise UsageError(
            f"no profile was ever named {profile_id!r}; such names are a p and 15 hex "
            "digits, as dmp segment members lists them"
        )
    return [subject for (subject,) in found if subject is not None]


def merge(
    lake: Lake, profiles: Sequence[str], *, actor: str, now: datetime, reason: str = ""
) -> Decision:
    """Decide that profiles are one person, whatever evidence says.

    Every subject that they hold now is linked to the smallest one. Appends to
    `identity.decision`.

    Raises:
        UsageError: there is no such profile, they are one already, or a decision in
            force says that they are not one person; nothing was written.
    """
    held = [subjects_of(lake, profile) for profile in profiles]
    subjects = sorted({subject for each in held for subject in each})
    if len({tuple(each) for each in held}) < 2:
        raise UsageError(
            f"{' and '.join(profiles)} are one profile already; there is nothing to "
            "merge (dmp identity history shows when it became one)"
        )
    everyone = [
        (left, right) for left in subjects for right in subjects if left < right
    ]
    _refuse_contradiction(lake, everyone, "cannot_link", "are different people")
    pairs = [(subjects[0], other) for other in subjects[1:]]
    return _decide(lake, "merge", {"must_link": pairs}, actor, now, reason)


def split(
    lake: Lake,
    profile: str,
    part: Sequence[int],
    *,
    actor: str,
    now: datetime,
    reason: str = "",
) -> Decision:
    """Decide that some subjects of a profile are another person.

    No subject of the part may meet one of the rest; the part itself stays together.
    Appends to `identity.decision`.

    Raises:
        UsageError: there is no such profile, the part is empty, everything, or not of
            this profile, or a decision in force says that it is one person; nothing
            was written.
    """
    subjects = subjects_of(lake, profile)
    chosen = sorted(set(part))
    strangers = sorted(set(chosen) - set(subjects))
    rest = [subject for subject in subjects if subject not in set(chosen)]
    if strangers:
        raise UsageError(
            f"subject {', '.join(map(str, strangers))} is not in {profile}; "
            f"dmp identity why {profile} lists those that are"
        )
    if not chosen or not rest:
        raise UsageError(
            f"a split needs some of the {len(subjects)} subjects of {profile}, not "
            f"{'all' if chosen else 'none'} of them; dmp identity why {profile} lists "
            "them"
        )
    apart = [(min(pair), max(pair)) for pair in product(chosen, rest)]
    _refuse_contradiction(lake, apart, "must_link", "are one person")
    together = [(chosen[0], other) for other in chosen[1:]]
    pairs = {"cannot_link": apart, "must_link": together}
    return _decide(lake, "split", pairs, actor, now, reason)


def undo(lake: Lake, decision_id: str, *, actor: str, now: datetime) -> Decision:
    """Take a decision back; what evidence says counts again, and older decisions.

    Appends a withdrawal of each of its pairs to `identity.decision`.

    Raises:
        UnknownName: no such decision.
        UsageError: it was withdrawn before; nothing was written.
    """
    known = {each.decision_id: each for each in decisions(lake)}
    if decision_id not in known:
        raise UnknownName("decision", decision_id, list(known))
    found = known[decision_id]
    if found.is_withdrawn:
        raise UsageError(f"decision {decision_id} was taken back before")
    rows = sql(
        "select subject_id_l, subject_id_r, 'withdrawn' as decision, decision_id, "
        "'' as reason, $actor as actor, $now::timestamptz as decided_at "
        "from ({in_force}) where decision_id = $decision_id",
        in_force=IN_FORCE,
        actor=actor,
        now=now,
        decision_id=decision_id,
    )
    commit(
        lake,
        [append("identity.decision", rows)],
        message=f"undo decision {decision_id}",
    )
    return found


def decisions(lake: Lake) -> list[Decision]:
    """Return all decisions, the newest first."""
    return [Decision(**row) for row in lake.records(_DECISIONS)]


def _refuse_contradiction(lake: Lake, pairs: Pairs, decision: str, says: str) -> None:
    against = lake.rows(
        sql(
            "select distinct decision_id from ({in_force}) "
            "join (select unnest($left::bigint[]) as subject_id_l, "
            "unnest($right::bigint[]) as subject_id_r) "
            "using (subject_id_l, subject_id_r) where decision = $decision "
            "order by all",
            in_force=IN_FORCE,
            left=[left for left, _ in pairs],
            right=[right for _, right in pairs],
            decision=decision,
        )
    )
    if against:
        named = ", ".join(str(one) for (one,) in against)
        raise UsageError(
            f"decision {named} says that they {says}; take it back first: "
            f"dmp identity undo {against[0][0]}"
        )


def _decide(
    lake: Lake,
    action: Literal["merge", "split"],
    pairs: dict[str, Pairs],
    actor: str,
    now: datetime,
    reason: str,
) -> Decision:
    decision_id = f"d{secrets.token_hex(6)}"
    rows = [(*pair, kind) for kind, some in pairs.items() for pair in some]
    staged = sql(
        "select unnest($left::bigint[]) as subject_id_l, "
        "unnest($right::bigint[]) as subject_id_r, "
        "unnest($kind::varchar[]) as decision, $decision_id as decision_id, "
        "$reason as reason, $actor as actor, $now::timestamptz as decided_at",
        left=[left for left, _, _ in rows],
        right=[right for _, right, _ in rows],
        kind=[kind for _, _, kind in rows],
        decision_id=decision_id,
        reason=reason,
        actor=actor,
        now=now,
    )
    commit(
        lake, [append("identity.decision", staged)], message=f"{action} {decision_id}"
    )
    return Decision(decision_id, action, len(rows), actor, now, reason)


_SUBJECTS = """
with recursive alias as (
    select profile_key, alias_of from identity.profile where profile_id = $profile_id
    union all
    select p.profile_key, p.alias_of
    from alias as a join identity.profile as p on p.profile_key = a.alias_of
)
select a.subject_id
from alias as p left join identity.assignment as a
    on a.profile_key = p.profile_key and a.valid_to is null
where p.alias_of is null
order by a.subject_id
"""
_DECISIONS = """
select decision_id,
    case when bool_or(decision = 'cannot_link') then 'split' else 'merge' end as action,
    count(*) filter (decision <> 'withdrawn') as pairs,
    arg_min(actor, decided_at) as actor,
    min(decided_at) as decided_at,
    arg_min(reason, decided_at) as reason,
    bool_or(decision = 'withdrawn') as is_withdrawn
from identity.decision
where decision_id is not null
group by decision_id
order by decided_at desc, decision_id
"""
