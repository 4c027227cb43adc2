"""What a build keeps of segments beside their members: definitions and funnels."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from dmp.core.sql import columns, sql
from dmp.core.types import Evaluation
from dmp.segments.saved import Saved
from dmp.storage.lake import Lake
from dmp.storage.write import Write, append, change, upsert

_OPEN = "select segment, rule::varchar from segment.definition where valid_to is null"
_KEPT = """
select segment, version, people, members, consented, after_exclusions, losses::varchar,
    conditions::varchar, basis
from segment.result where as_of = $as_of
"""


def rewritten(lake: Lake, saved: Sequence[Saved]) -> list[Saved]:
    """Return the segments whose document is not that of their open version."""
    kept = {segment: json.loads(rule) for segment, rule in lake.rows(_OPEN)}
    return [one for one in saved if kept.get(one.segment.id) != _as_kept(one)]


def _as_kept(one: Saved) -> object:
    return json.loads(json.dumps(one.document, default=str))


def definition_writes(saved: Sequence[Saved], now: datetime) -> Iterator[Write]:
    """Yield what closes the open versions of segments and writes new ones."""
    names = [one.segment.id for one in saved]
    yield change(
        "segment.definition",
        sql(
            "update segment.definition set valid_to = $now "
            "where valid_to is null and segment in (select unnest($names))",
            names=names,
            now=now,
        ),
    )
    yield append(
        "segment.definition",
        columns(
            segment=names,
            version=[one.version for one in saved],
            name=[one.segment.name for one in saved],
            purpose=[one.segment.purpose for one in saved],
            rule=[json.dumps(one.document, default=str) for one in saved],
            valid_from=[now for _ in saved],
        ),
    )


def differing(
    lake: Lake,
    found: Sequence[Evaluation],
    bases: Mapping[str, str],
    moved: Collection[str],
) -> list[Evaluation]:
    """Return the funnels, all of one instant, that are not kept so yet.

    A funnel is kept anew too where somebody moved.
    """
    as_of = found[0].as_of if found else None
    kept = {row[:2]: row[2:] for row in lake.rows(_KEPT, as_of=as_of)}
    return [
        one
        for one in found
        if one.segment in moved
        or kept.get((one.segment, one.version)) != (*_told(one), bases[one.segment])
    ]


def _told(one: Evaluation) -> tuple[object, ...]:
    numbers = one.people, one.members, one.consented, one.after_exclusions
    return *numbers, json.dumps(one.losses), json.dumps(one.conditions)


def result_writes(
    lake: Lake, found: Sequence[Evaluation], bases: Mapping[str, str], now: datetime
) -> Iterator[Write]:
    """Yield what puts funnels in the place of those of the same version and instant."""
    names = "people", "members", "consented", "after_exclusions", "losses", "conditions"
    told = zip(*map(_told, found), strict=True)
    staged = lake.stage(
        "funnel",
        columns(
            segment=[one.segment for one in found],
            version=[one.version for one in found],
            as_of=[one.as_of for one in found],
            snapshot=[one.snapshot for one in found],
            **{name: list(values) for name, values in zip(names, told, strict=True)},
            computed_at=[now for _ in found],
            basis=[bases[one.segment] for one in found],
        ),
    )
    yield upsert("segment.result", staged, ("segment", "version", "as_of"))
