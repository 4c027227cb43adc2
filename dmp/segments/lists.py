"""Static lists of people, which rules reference as `list: {in: id}`.

A list is kept as stays in `segment.membership` under `list:ID`, its origin as a
definition, so that erasure, merges and questions about an earlier instant are those of
segments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dmp.core.config import fingerprint
from dmp.core.errors import UsageError
from dmp.core.sql import Query, quote_text, row, sql
from dmp.storage.lake import Lake
from dmp.storage.write import append, change, commit

PREFIX = "list:"
_ID = re.compile(r"[a-z][a-z0-9_]*")


def list_views(lake: Lake, as_of: datetime) -> dict[str, str]:
    """Make a scratch view of each list's people at an instant; return them by list."""
    rows = lake.rows(
        "select distinct substr(segment, 6) from segment.definition "
        "where starts_with(segment, 'list:') order by 1"
    )
    views = {str(list_id): f"list_{list_id}" for (list_id,) in rows}
    for list_id, view in views.items():
        text = _MEMBERS.format(
            list=quote_text(PREFIX + list_id), as_of=quote_text(as_of.isoformat())
        )
        lake.view(view, Query(text))
    return views


def save_list(
    lake: Lake,
    list_id: str,
    profile_ids: Sequence[str],
    *,
    as_of: datetime,
    purpose: str,
    origin: Mapping[str, Any],
    now: datetime,
) -> int:
    """Let a list hold these people from `as_of` on; return how many it holds.

    Who is new enters, who is not named any more leaves. The same again writes nothing.

    Raises:
        UsageError: the id is none, a profile was never given, or the list was saved
            for a later instant; nothing was written.
    """
    if not _ID.fullmatch(list_id):
        raise UsageError(f"{list_id!r} is no id of a list; right would be spring_2026")
    _stage(lake, profile_ids)
    segment, keys = PREFIX + list_id, "select profile_key from listed"
    _check_instant(lake, segment, as_of)
    of = {"segment": segment, "as_of": as_of}
    writes = [
        change("segment.membership", sql(_LEAVE, keys=Query(keys), **of)),
        append("segment.membership", sql(_ENTER, keys=Query(keys), **of)),
    ]
    version = fingerprint(sorted(profile_ids), dict(origin))
    if not lake.value(
        "select count(*) from segment.definition where segment = $segment "
        "and version = $version and valid_to is null",
        segment=segment,
        version=version,
    ):
        close = "update segment.definition set valid_to = $now where valid_to is null "
        writes += [
            change(
                "segment.definition",
                sql(close + "and segment = $segment", now=now, segment=segment),
            ),
            append(
                "segment.definition",
                row(
                    segment=segment,
                    version=version,
                    name=list_id,
                    purpose=purpose,
                    rule=json.dumps({"list": list_id, **origin}, default=str),
                    valid_from=now,
                ),
            ),
        ]
        commit(lake, writes, message=f"save {segment}")
    return int(lake.value("select count(*) from listed"))


def _stage(lake: Lake, profile_ids: Sequence[str]) -> None:
    lake.stage(
        "listed",
        sql(
            "select distinct p.profile_key from (select unnest($ids::varchar[]) as "
            "profile_id) as asked join identity.profile as p using (profile_id)",
            ids=list(profile_ids),
        ),
    )
    missing = len(set(profile_ids)) - int(lake.value("select count(*) from listed"))
    if missing:
        raise UsageError(f"{missing} of the profile_ids were never given; none is kept")


def _check_instant(lake: Lake, segment: str, as_of: datetime) -> None:
    newest = lake.value(
        "select max(greatest(entered_at, left_at)) from segment.membership "
        "where segment = $segment",
        segment=segment,
    )
    if newest is not None and newest > as_of:
        raise UsageError(
            f"{segment} was saved for {newest.isoformat()}, later than "
            f"{as_of.isoformat()}: lists are told forwards only; take another id"
        )


_LEAVE = """
update segment.membership set left_at = $as_of, cause_left = 'rule_change'
where segment = $segment and left_at is null and profile_key not in ({keys})
"""
_ENTER = """
select $segment as segment, profile_key, $as_of::timestamptz as entered_at,
    'rule_change' as cause_entered
from ({keys}) where profile_key not in (
    select profile_key from segment.membership
    where segment = $segment and left_at is null
) order by profile_key
"""
_MEMBERS = """
with recursive held as (
    select profile_key from segment.membership
    where segment = {list} and entered_at <= {as_of}::timestamptz
        and (left_at is null or left_at > {as_of}::timestamptz)
    union
    select p.alias_of from held join identity.profile as p using (profile_key)
    where p.alias_of is not null
)
select distinct profile_key from held
join identity.profile as p using (profile_key) where p.alias_of is null
"""
