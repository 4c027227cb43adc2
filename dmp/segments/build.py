"""Evaluate saved segments over the lake and keep funnels and memberships."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from datetime import datetime

from dmp.core.sql import Name, Query, row, sql
from dmp.core.types import Evaluation, Progress, silent
from dmp.privacy.consent import stage_gate
from dmp.segments.causes import Causes
from dmp.segments.compiler import compile_segment
from dmp.segments.judging import Judged, judge, judge_people
from dmp.segments.population import KEY, population_of
from dmp.segments.rule import Computed, Segment
from dmp.segments.saved import Saved, check, chosen
from dmp.segments.sources import Population
from dmp.storage import write
from dmp.storage.instants import not_before
from dmp.storage.lake import Lake
from dmp.storage.lock import fair_lock
from dmp.storage.write import Write, append, change, commit

MEMBER = "member"
_LOCK_TIMEOUT_S = 3600.0


def stage_members(
    lake: Lake,
    population: Population,
    segment: Segment,
    segments: Mapping[str, Segment],
    as_of: datetime,
    *,
    name: str = MEMBER,
) -> Name:
    """Stage the members of a segment at an instant: one column, `profile_key`."""
    query = compile_segment(segment, population, as_of, segments=segments)
    text = query.sql(dialect="duckdb")
    return lake.stage(name, Query(f"select {KEY} from ({text}) order by {KEY}"))


def evaluate(
    lake: Lake,
    population: Population,
    saved: Mapping[str, Saved],
    segment: str,
    as_of: datetime,
    *,
    consent_at: datetime | None = None,
) -> Evaluation:
    """Evaluate one segment; stages its members as `member` and writes nothing.

    Consent counts as it is at `consent_at`, or at `as_of` where that is None.

    Raises:
        UnknownName: no such segment.
        RuleInvalid: the rule names what the lake does not have.
    """
    one = chosen(saved, segment)
    found = judge_people(lake, saved, segment, population, as_of)
    return _evaluation(lake, one, found, as_of, consent_at or as_of)


def _evaluation(
    lake: Lake, one: Saved, found: Judged, as_of: datetime, consent_at: datetime
) -> Evaluation:
    """Stage the members of a judged segment, and return its funnel."""
    lake.stage(MEMBER, sql("select * from ({m}) order by 1", m=found.members))
    losses = _stage_consented(lake, one.segment.purpose, consent_at)
    consented = _count(lake, "consented_member")
    return Evaluation(
        segment=one.segment.id,
        version=one.version,
        purpose=one.segment.purpose,
        as_of=as_of,
        snapshot=found.snapshot,
        people=found.people,
        members=_count(lake, MEMBER),
        consented=consented,
        after_exclusions=consented,
        losses=losses,
        conditions=found.conditions,
        touched=found.touched,
    )


def build(
    lake: Lake,
    saved: Mapping[str, Saved],
    names: Sequence[str],
    *,
    as_of: datetime,
    now: datetime,
    full: bool = False,
    traits: Sequence[Computed] = (),
    progress: Progress = silent,
) -> list[Evaluation]:
    """Evaluate segments and keep definition, funnel and membership intervals.

    All are checked first, then evaluated at one `as_of`: only those whom new data, time
    or a new rule has touched since the last build, or everybody with `full`. Writes
    `segment.definition`, `segment.result` and `segment.membership`; an evaluation that
    equals the stored one writes nothing. One of an instant before the newest one keeps
    its funnel and leaves memberships alone: those are told forwards only.

    Raises:
        RuleInvalid: saved rules have faults, all listed; nothing was written.
    """
    check(population_of(lake, as_of, traits=traits), saved)
    built = []
    with ExitStack() as held:
        for name in sorted(set(names)):
            held.enter_context(_lock(lake, name))
        judged = judge(lake, saved, names, as_of, full=full, traits=traits)
        causes = Causes(lake, saved)
        for done, name in enumerate(names):
            progress(done, len(names))
            given = saved[name], judged[name], causes
            built.append(_keep(lake, *given, as_of=as_of, now=now))
    progress(len(names), len(names))
    return built


def _lock(lake: Lake, name: str) -> AbstractContextManager[None]:
    """Let one process at a time build a segment: differences are kept."""
    folder = lake.root / "segment-lock" / name
    return fair_lock(folder, timeout_s=_LOCK_TIMEOUT_S, name=f"segment {name}")


def _keep(
    lake: Lake,
    one: Saved,
    judged: Judged,
    causes: Causes,
    *,
    as_of: datetime,
    now: datetime,
) -> Evaluation:
    now = not_before(lake, now, "segment.result.computed_at", "ops.load.loaded_at")
    found = _evaluation(lake, one, judged, as_of, as_of)
    moved = list(_membership(lake, found, causes))
    writes = [
        *_definition(lake, one, now),
        *_result(lake, found, judged.basis, now, moved=bool(moved)),
        *moved,
    ]
    if not writes:
        return replace(found, is_new=False)
    commit(lake, writes, message=f"build segment {one.segment.id}")
    return found


def _count(lake: Lake, table: str) -> int:
    return int(lake.value(sql("select count(*) from {t}", t=Name(table))))


def _stage_consented(
    lake: Lake, purpose: str, as_of: datetime
) -> tuple[tuple[str, str, int], ...]:
    """Stage `consented_member` and return whom the step lost, by reason."""
    if not purpose:
        lake.stage("consented_member", f"select * from {MEMBER}")
        return ()
    stage_gate(lake, "gate", purpose=purpose, as_of=as_of)
    lake.stage(
        "member_consent",
        f"select {KEY}, case when bool_or(is_eligible) then 'granted' "
        "when bool_or(reason = 'denied') then 'denied' else 'no consent' end as reason "
        f"from {MEMBER} left join gate using ({KEY}) group by {KEY}",
    )
    lake.stage(
        "consented_member",
        f"select {KEY} from member_consent where reason = 'granted' order by {KEY}",
    )
    lost = lake.rows(
        "select reason, count(*) from member_consent where reason <> 'granted' "
        "group by reason order by 2 desc, 1"
    )
    return tuple(("consented", reason, people) for reason, people in lost)


def _definition(lake: Lake, one: Saved, now: datetime) -> Iterator[Write]:
    """Close the open version and write this one, where the document differs."""
    document = json.dumps(one.document, default=str)
    kept = lake.rows(
        "select rule::varchar from segment.definition "
        "where segment = $segment and valid_to is null",
        segment=one.segment.id,
    )
    if kept and json.loads(kept[0][0]) == json.loads(document):
        return
    yield change(
        "segment.definition",
        sql(
            "update segment.definition set valid_to = $now "
            "where segment = $segment and valid_to is null",
            segment=one.segment.id,
            now=now,
        ),
    )
    definition = row(
        segment=one.segment.id,
        version=one.version,
        name=one.segment.name,
        purpose=one.segment.purpose,
        rule=document,
        valid_from=now,
    )
    yield append("segment.definition", definition)


def _result(
    lake: Lake, found: Evaluation, basis: str, now: datetime, *, moved: bool
) -> Iterator[Write]:
    """Keep the funnel, unless it equals the stored one and nobody moved."""
    where = sql(
        "segment = $segment and version = $version and as_of = $as_of",
        segment=found.segment,
        version=found.version,
        as_of=found.as_of,
    )
    losses = json.dumps(found.losses)
    conditions = json.dumps(found.conditions)
    kept = lake.rows(
        sql(
            "select people, members, consented, after_exclusions, losses::varchar, "
            "conditions::varchar, basis from segment.result where {where}",
            where=where,
        )
    )
    numbers = (found.people, found.members, found.consented, found.after_exclusions)
    if kept and not moved and kept[0] == (*numbers, losses, conditions, basis):
        return
    result = row(
        segment=found.segment,
        version=found.version,
        as_of=found.as_of,
        snapshot=found.snapshot,
        people=found.people,
        members=found.members,
        consented=found.consented,
        after_exclusions=found.after_exclusions,
        losses=losses,
        conditions=conditions,
        computed_at=now,
        basis=basis,
    )
    yield write.replace("segment.result", result, where)


def _membership(lake: Lake, found: Evaluation, causes: Causes) -> Iterator[Write]:
    """Close and open stays; an evaluation older than the newest one changes none."""
    of = {"segment": found.segment, "as_of": found.as_of}
    if lake.value(
        "select count(*) from segment.result where segment = $segment "
        "and as_of > $as_of",
        **of,
    ):
        return
    lake.stage(
        "stay",
        sql(
            "select profile_key from segment.membership "
            "where segment = $segment and left_at is null",
            segment=found.segment,
        ),
    )
    entered = f"select {KEY} from {MEMBER} except select {KEY} from stay"
    left = f"select {KEY} from stay except select {KEY} from {MEMBER}"
    causes.stage(found, f"({left}) union all ({entered})")
    if lake.value(f"select count(*) from ({left})"):
        yield change("segment.membership", sql(_LEAVE, left=Query(left), **of))
    if lake.value(f"select count(*) from ({entered})"):
        yield append("segment.membership", sql(_ENTER, e=Query(entered), **of))


_LEAVE = """
update segment.membership as m set left_at = $as_of, cause_left = (
    select cause from crossing as c where c.profile_key = m.profile_key
)
where segment = $segment and left_at is null and profile_key in ({left})
"""
_ENTER = """
select $segment as segment, profile_key, $as_of::timestamptz as entered_at,
    c.cause as cause_entered
from ({e}) join crossing as c using (profile_key) order by profile_key
"""
