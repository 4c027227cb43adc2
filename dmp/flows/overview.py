"""A workspace at a glance for its pages: what it holds, what needs attention, next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dmp.core.sql import sql
from dmp.flows.checks.finding import Finding, Level
from dmp.flows.doctor import examine
from dmp.flows.explore import viewer_of
from dmp.flows.shapes import Viewer
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.storage.loads import LOADS_BY_SOURCE

MOST_SEGMENTS = 6
TREND_POINTS = 60


@dataclass(frozen=True)
class SegmentSize:
    """A segment's newest stored size, and the one before it.

    Attributes:
        before: members at the evaluation before; None where there was none.
    """

    segment: str
    name: str
    members: int
    before: int | None
    as_of: datetime


@dataclass(frozen=True)
class Overview:
    """What the start page shows.

    Attributes:
        counts: people, events and so on; 0 where nothing is yet.
        sources: source, rows read, rows refused, last load, oldest first.
    """

    viewer: Viewer
    counts: dict[str, int]
    sources: tuple[dict[str, Any], ...]
    segments: tuple[SegmentSize, ...]
    last_resolved_at: datetime | None
    last_sync_at: datetime | None


@dataclass(frozen=True)
class Health:
    """What the doctor found.

    Attributes:
        attention: what is not well, the gravest first.
        examined: how many things were looked at.
    """

    attention: tuple[Finding, ...]
    examined: int


@dataclass(frozen=True)
class CheckTrend:
    """One check of data quality over its last runs, oldest first.

    Attributes:
        measured: what was found; None where there was nothing to measure.
        open_since: instant of the first failure of this stretch; None when it passes.
    """

    check: str
    scope: str
    status: str
    unit: str
    bound: float
    checked_at: datetime
    measured: tuple[float | None, ...]
    open_since: datetime | None


class WorkspaceOverview:
    """Reads the start page and the page of jobs. Roles are checked at each call."""

    def __init__(self, workspace: Workspace) -> None:
        """Read nothing yet."""
        self.workspace = workspace

    @property
    def viewer(self) -> Viewer:
        """Who looks: the pseudonymous actor, with roles."""
        return viewer_of(self.workspace)

    def overview(self) -> Overview:
        """Return how the workspace is.

        Raises:
            NotAllowed: the caller holds no role here.
        """
        self.workspace.allow_now(Permission.STATUS)
        lake = self.workspace.lake
        return Overview(
            viewer=self.viewer,
            counts={name: int(lake.value(query)) for name, query in _COUNTS.items()},
            sources=tuple(lake.records(_SOURCES)),
            segments=tuple(SegmentSize(**row) for row in lake.records(_SEGMENTS)),
            last_resolved_at=lake.value(_RESOLVED),
            last_sync_at=lake.value("select max(synced_at) from activation.sync"),
        )

    def health(self) -> Health:
        """Return what needs attention; takes a second, for it looks at everything.

        Closes the workspace meanwhile: the doctor opens the catalog itself, which
        nobody may do who holds it open.

        Raises:
            NotAllowed: the caller holds no role here.
        """
        self.workspace.allow_now(Permission.STATUS)
        self.workspace.close()
        found = examine(self.workspace.paths.home, clock=self.workspace.clock).findings
        unwell = [one for one in found if one.level is not Level.OK]
        unwell.sort(key=lambda one: one.level is not Level.PROBLEM)
        return Health(tuple(unwell), len(found))

    def checks(self) -> list[CheckTrend]:
        """Return the checks of data quality with their last results; none kept: none.

        Raises:
            NotAllowed: the caller may not read counts.
        """
        self.workspace.allow_now(Permission.COUNT)
        lake = self.workspace.lake
        if not lake.exists("ops.quality_result"):
            return []
        rows = lake.records(_CHECKS, points=TREND_POINTS)
        cells = self.viewer.cells
        return [
            CheckTrend(
                **row
                | {
                    "measured": tuple(
                        value
                        if cells.exact
                        else _coarse(value, row["unit"], cells.minimum)
                        for value in row["measured"]
                    )
                }
            )
            for row in rows
        ]


def _coarse(value: float | None, unit: str, least: int) -> float | None:
    """Return a number as the view `quality` publishes it: no small count, no digits.

    >>> _coarse(0.2354, "share", 50), _coarse(7, "rows", 50), _coarse(0, "rows", 50)
    (0.24, None, 0)
    """
    if value is not None and unit == "share":
        return round(value, 2)
    small = value is not None and unit == "rows" and 0 < value < least
    return None if small else value


_COUNTS = {
    "people": "select count(*) from profile.profile where valid_to is null",
    "records": "select count(*) from core.record",
    "events": "select count(*) from core.event",
    "segments": "select count(*) from segment.definition where valid_to is null "
    "and not starts_with(segment, 'list:')",
}
_SOURCES = sql(
    "select source, loads, rows_read, rows_refused, loaded_at from ({loads}) "
    "order by loaded_at, source",
    loads=LOADS_BY_SOURCE,
)
_RESOLVED = "select max(resolved_at) from identity.resolution"
_SEGMENTS = """
with sized as (
    select segment, members, as_of,
        lag(members) over (partition by segment order by computed_at) as before,
        row_number() over (partition by segment order by computed_at desc) as back
    from segment.result
)
select s.segment, d.name, s.members, s.before, s.as_of
from sized as s join segment.definition as d using (segment)
where s.back = 1 and d.valid_to is null order by s.members desc, s.segment
"""
_CHECKS = """
with numbered as (
    select *, row_number() over (
        partition by check_name, scope order by checked_at desc
    ) as back
    from ops.quality_result
), kept as (
    select check_name, scope, arg_max(status, checked_at) as status,
        arg_max(unit, checked_at) as unit, arg_max(bound, checked_at) as bound,
        max(checked_at) as checked_at, list(measured order by checked_at) as measured
    from numbered where back <= $points group by check_name, scope
)
select k.check_name as check, k.scope, k.status, k.unit, k.bound, k.checked_at,
    k.measured, a.opened_at as open_since
from kept as k left join ops.quality_alert as a
    on a.check_name = k.check_name and a.scope = k.scope and a.closed_at is null
order by k.status <> 'failed', k.check_name, k.scope
"""
