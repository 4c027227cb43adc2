"""Why people enter and leave: a word for each person whose membership changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dmp.core.sql import Name, Query, sql
from dmp.core.types import Evaluation
from dmp.segments.checks import reachable
from dmp.segments.rule import Consent, deep_leaves
from dmp.segments.saved import Saved, rules
from dmp.segments.touched import Base, feed, snapshots
from dmp.storage.lake import Lake

_STIRRED = """
with moved_subject as (
    select subject_id from identity.assignment
    where valid_from > $computed_at or valid_to > $computed_at
    group by subject_id having count(distinct profile_key) > 1
), moved as (
    select profile_key from identity.assignment join moved_subject using (subject_id)
    where valid_from > $computed_at or valid_to > $computed_at
    union
    select profile_key from identity.profile where alias_of is not null
), placed as (
    select subject_id, profile_key from identity.assignment where valid_to is null
), decided as (
    select distinct profile_key from placed where subject_id in (
        select subject_id from privacy.consent
        where captured_at > $before and captured_at <= $as_of
        union all {decisions}
    )
), acted as (
    select profile_key from placed where subject_id in (
        select subject_id from core.event
        where occurred_at > $before and occurred_at <= $as_of
        union all
        select subject_id from core.transaction
        where occurred_at > $before and occurred_at <= $as_of
        union all {deeds}
    )
    union {profiles}
)
select profile_key, bool_or(why = 'merge') as is_moved,
    bool_or(why = 'consent') as is_decided, bool_or(why = 'event') as is_active
from (
    select profile_key, 'merge' as why from moved
    union all select profile_key, 'consent' from decided
    union all select profile_key, 'event' from acted
)
group by profile_key
"""
_CAUSES = """
select profile_key, case
    when $is_changed then 'rule_change'
    when s.is_moved then 'merge'
    when p.profile_key is null then 'erasure'
    when $reads_consent and s.is_decided then 'consent'
    when s.is_active then 'event'
    else 'tick' end as cause
from ({keys}) as k
left join {stirred} as s using (profile_key)
left join (
    select profile_key from profile.profile
    join identity.profile using (profile_key) where valid_to is null
) as p using (profile_key)
"""
_LATEST = """
select version, computed_at, as_of, snapshot from segment.result
where segment = $segment order by as_of desc, computed_at desc limit 1
"""
_REWRITTEN = """
select count(*) from segment.definition
where segment = $segment and valid_to is null
    and (version <> $version or valid_from > $computed_at)
"""


@dataclass(frozen=True)
class _Last:
    """The newest evaluation of a segment, which its open stays are from."""

    version: str
    computed_at: datetime
    base: Base


class Causes:
    """The causes of one build, at one instant; what happened since is looked up once.

    In this order: another version of the rule or of one that it refers to; a subject
    moved between profiles since the last build; the person is gone; a decision since,
    where the rule asks for consent; an event, purchase or attribute that came, went or
    was passed over by as_of since; else time alone. A first build says event.
    """

    def __init__(self, lake: Lake, saved: Mapping[str, Saved]) -> None:
        self._lake, self._saved, self._rules = lake, saved, rules(saved)
        self._stirred: dict[_Since, Name] = {}

    def stage(self, found: Evaluation, keys: str) -> None:
        """Stage `crossing`: `profile_key` and `cause` of who enters or leaves now."""
        last = self._last(found.segment)
        if last is None:
            query = sql(
                "select profile_key, 'event' as cause from ({k})", k=Query(keys)
            )
            self._lake.stage("crossing", query)
        elif self._lake.value(f"select count(*) from ({keys})"):
            given = sql(
                _CAUSES,
                keys=Query(keys),
                stirred=self._stage_stirred(found, last),
                is_changed=self._is_changed(found, last),
                reads_consent=self._reads_consent(found.segment),
            )
            self._lake.stage("crossing", given)

    def _last(self, segment: str) -> _Last | None:
        for version, computed_at, as_of, snapshot in self._lake.rows(
            _LATEST, segment=segment
        ):
            return _Last(version, computed_at, Base(as_of, snapshot))
        return None

    def _is_changed(self, found: Evaluation, last: _Last) -> bool:
        """Say whether a rule differs that decides; those never built aren't known."""
        rule = self._rules[found.segment]
        return last.version != found.version or any(
            self._lake.value(
                _REWRITTEN,
                segment=name,
                version=self._saved[name].version,
                computed_at=last.computed_at,
            )
            for name in reachable(rule, self._rules)
        )

    def _reads_consent(self, segment: str) -> bool:
        return any(
            isinstance(leaf, Consent)
            for name in reachable(self._rules[segment], self._rules)
            for _, leaf in deep_leaves(self._rules[name].rule)
        )

    def _stage_stirred(self, found: Evaluation, last: _Last) -> Name:
        """Stage whom something happened to since an evaluation, and what."""
        since = _Since(last.computed_at, last.base, found.as_of, found.snapshot)
        if since not in self._stirred:
            name = f"stirred_{len(self._stirred)}"
            self._stirred[since] = self._lake.stage(name, since.query(self._lake))
        return self._stirred[since]


@dataclass(frozen=True)
class _Since:
    """From one evaluation, at wall clock and as_of, to another."""

    computed_at: datetime
    base: Base
    as_of: datetime
    snapshot: int

    def query(self, lake: Lake) -> Query:
        """Return the select of `profile_key` and what happened, as three booleans."""
        changed = self._fed if self.base.snapshot in snapshots(lake) else self._loaded
        return sql(
            _STIRRED,
            computed_at=self.computed_at,
            before=self.base.as_of,
            as_of=self.as_of,
            decisions=changed("privacy.consent", "subject_id"),
            deeds=sql(
                "{e} union all {t}",
                e=changed("core.event", "subject_id"),
                t=changed("core.transaction", "subject_id"),
            ),
            profiles=changed("profile.profile", "profile_key"),
        )

    def _fed(self, table: str, column: str) -> Query:
        return Query(feed(table, column, self.base.snapshot, self.snapshot))

    def _loaded(self, table: str, column: str) -> Query:
        """Go by loads and versions: where snapshots are gone, what went isn't known."""
        if table == "profile.profile":
            newer = "valid_from > $computed_at or valid_to > $computed_at"
        else:
            newer = (
                "load_id in (select load_id from ops.load "
                "where loaded_at > $computed_at)"
            )
        text = f"select {column} from {table} where {newer}"
        return Query(text, {"computed_at": self.computed_at})
