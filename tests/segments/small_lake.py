"""A lake of a few people, written row by row, whose subjects are moved about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dmp.core.sql import Query, row, sql
from dmp.segments.build import build
from dmp.segments.parsing import parse
from dmp.segments.population import workspace_population
from dmp.segments.saved import Saved
from dmp.storage.lake import Lake
from dmp.storage.write import append, change, commit

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


def day(n: float) -> datetime:
    return BEGIN + timedelta(days=n)


def people(lake: Lake, subjects: int) -> None:
    """Subjects 1 … n, each a profile p1 … pn of its own."""
    for n in range(1, subjects + 1):
        profile = row(profile_key=n, profile_id=f"p{n}", generation=1)
        version = row(profile_key=n, subjects=1, sources=["crm"], valid_from=BEGIN)
        commit(
            lake,
            [
                append("identity.subject", row(subject_id=n, source="crm")),
                append("identity.profile", profile),
                append("profile.profile", version),
                append("identity.assignment", _placed(n, n, n, BEGIN)),
            ],
            message="people",
        )


def _placed(subject: int, component: int, profile: int, at: datetime) -> Query:
    return row(
        subject_id=subject,
        component_id=component,
        profile_key=profile,
        run_id="r",
        valid_from=at,
    )


def move(
    lake: Lake,
    subject: int,
    profile: int,
    at: datetime,
    *,
    component: int | None = None,
) -> None:
    """Put a subject into a profile; the profile it leaves empty becomes an alias."""
    now = Query("valid_to is null")
    old = lake.value(
        sql(
            "select profile_key from identity.assignment "
            "where subject_id = $s and {now}",
            s=subject,
            now=now,
        )
    )
    close = sql(
        "update identity.assignment set valid_to = $at where subject_id = $s and {now}",
        at=at,
        s=subject,
        now=now,
    )
    placed = _placed(subject, component or subject, profile, at)
    commit(
        lake,
        [
            change("identity.assignment", close),
            append("identity.assignment", placed),
        ],
        message="move",
    )
    _stand(lake, old, profile, at)


def _stand(lake: Lake, old: int, new: int, at: datetime) -> None:
    """Let exactly the profiles that hold a subject stand."""
    held = "select profile_key from identity.assignment where valid_to is null"
    alias = sql(
        "update identity.profile set alias_of = "
        f"case when profile_key in ({held}) then null else $new end "
        "where profile_key in ($old, $new)",
        old=old,
        new=new,
    )
    close = sql(
        "update profile.profile set valid_to = $at where valid_to is null and "
        f"profile_key in ($old, $new) and profile_key not in ({held})",
        at=at,
        old=old,
        new=new,
    )
    writes = [change("identity.profile", alias), change("profile.profile", close)]
    commit(lake, writes, message="stand")
    standing = lake.value(
        "select count(*) from profile.profile "
        "where profile_key = $new and valid_to is null",
        new=new,
    )
    if not standing:
        version = row(profile_key=new, subjects=1, sources=["crm"], valid_from=at)
        commit(lake, [append("profile.profile", version)], message="stand")


def event(lake: Lake, n: int, subject: int, name: str, at: datetime) -> None:
    id_ = f"00000000-0000-0000-0000-{n:012d}"
    made = row(event_id=id_, subject_id=subject, event=name, occurred_at=at)
    commit(lake, [append("core.event", made)], message="event")
    note_load(lake, at)


def note_load(lake: Lake, at: datetime) -> None:
    load = row(load_id=f"l{at.isoformat()}", source="web", loaded_at=at)
    commit(lake, [append("ops.load", load)], message="load")


def decide(lake: Lake, subject: int, status: str, at: datetime) -> None:
    made = row(subject_id=subject, purpose="ads", status=status, captured_at=at)
    commit(lake, [append("privacy.consent", made)], message="decide")


def saved(rule: Mapping[str, Any], **more: Any) -> dict[str, Saved]:
    """A rule as the segment `s`, by that name alone whatever its id."""
    document = {"segment": "s", "rule": rule, **more}
    return {"s": Saved(parse(document), document)}


def built(lake: Lake, rules: Mapping[str, Saved], at: datetime) -> Any:
    (found,) = build(lake, rules, ["s"], as_of=at, now=at)
    return found


def members_at(lake: Lake, rule: Mapping[str, Any], at: datetime) -> list[str]:
    """The profile_ids of a rule, evaluated over the lake as it is."""
    from dmp.segments.build import stage_members

    segment = saved(rule)["s"].segment
    stage_members(lake, workspace_population(lake, at), segment, {}, at)
    query = "select profile_id from member join person using (profile_key) order by 1"
    return [id_ for (id_,) in lake.rows(query)]
