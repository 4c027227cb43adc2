"""What the checks found, kept over time, and which alerts that opens and closes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Literal

from dmp.core.config import fingerprint
from dmp.core.sql import Query, quote_text, sql
from dmp.quality.checks import CHECKS, Check, Ground, bound_of
from dmp.quality.settings import Bound, QualitySettings
from dmp.storage.lake import Lake
from dmp.storage.tables import table
from dmp.storage.write import Write, append, commit, commit_planned, upsert

MESSAGE = "quality"
"""The message of every commit that writes what checks found."""

Status = Literal["passed", "failed", "not_measured"]


@dataclass(frozen=True)
class Result:
    """One check asked once of one scope, as `ops.quality_result` holds it."""

    run_id: str
    checked_at: datetime
    check_name: str
    scope: str
    status: Status
    measured: float | None
    unit: str
    bound: float
    failing: int | None
    snapshot: int


@dataclass(frozen=True)
class Alert:
    """One stretch in which a check failed, as `ops.quality_alert` holds it."""

    check_name: str
    scope: str
    opened_at: datetime
    closed_at: datetime | None = None
    told_at: datetime | None = None
    recovery_told_at: datetime | None = None

    @property
    def of(self) -> tuple[str, str]:
        """The check and scope that it is about."""
        return self.check_name, self.scope


def judged(check: Check, measured: float | None, bound: float) -> Status:
    """Say what a measure means; a bound that is reached exactly is kept."""
    if measured is None:
        return "not_measured"
    is_kept = measured <= bound if check.side == "most" else measured >= bound
    return "passed" if is_kept else "failed"


def measure(lake: Lake, settings: QualitySettings, ground: Ground) -> list[Result]:
    """Make every check that the settings bound; nothing is written."""
    run_id = f"q{ground.now:%Y%m%dT%H%M%S}-{fingerprint(ground.now.isoformat())[:6]}"
    snapshot = lake.snapshot()
    found: list[Result] = []
    for check in CHECKS:
        bound = bound_of(check, settings)
        if bound is None:
            continue
        for result in _measured(lake, check, bound, ground):
            found.append(replace(result, run_id=run_id, snapshot=snapshot))
    return found


def _measured(
    lake: Lake, check: Check, bound: Bound, ground: Ground
) -> Iterable[Result]:
    query = sql("from ({q}) order by scope", q=check.measure(bound, ground))
    for line in lake.records(query):
        scope, measured = line["scope"], line["measured"]
        limit = bound.of(scope)
        if limit is None:
            continue
        yield Result(
            run_id="",
            checked_at=ground.now,
            check_name=check.name,
            scope=scope,
            status=judged(check, measured, limit),
            measured=measured,
            unit=check.unit,
            bound=limit,
            failing=None if measured is None else line["failing"],
            snapshot=0,
        )


def keep(lake: Lake, results: Sequence[Result]) -> list[Alert]:
    """Write results and the alerts that they open or close, in one commit.

    Returns the alerts that somebody has still to be told of.
    """

    def plan() -> Sequence[Write]:
        writes = [append("ops.quality_result", _rows("ops.quality_result", results))]
        if changed := moved(alerts(lake), results):
            writes.append(_alerts_write(lake, changed))
        return writes

    if results:
        commit_planned(lake, plan, message=MESSAGE, on_record=False)
    return [alert for alert in alerts(lake) if is_untold(alert)]


def alerts(lake: Lake) -> list[Alert]:
    """Return every alert there ever was, the oldest first."""
    rows = lake.rows(
        "select check_name, scope, opened_at, closed_at, told_at, recovery_told_at "
        "from ops.quality_alert order by opened_at, check_name, scope"
    )
    return [Alert(*line) for line in rows]


def write_alerts(lake: Lake, changed: Sequence[Alert]) -> None:
    """Put alerts in the place of what was known of them."""
    if changed:
        commit(lake, [_alerts_write(lake, changed)], message=MESSAGE, on_record=False)


def _alerts_write(lake: Lake, changed: Sequence[Alert]) -> Write:
    staged = lake.stage("alert", _rows("ops.quality_alert", changed))
    return upsert("ops.quality_alert", staged, table("ops.quality_alert").key)


def _rows(name: str, values: Sequence[Result | Alert]) -> Query:
    """Return the query that gives values as rows of a table."""
    shape = {column.name: column.type for column in table(name).columns}
    return sql(
        "select unnest(from_json($document, {shape}), recursive := true)",
        shape=Query(quote_text(json.dumps([shape]))),
        document=json.dumps([asdict(value) for value in values], default=str),
    )


def moved(known: Sequence[Alert], results: Sequence[Result]) -> list[Alert]:
    """Return the alerts that results open or close.

    A check that fails on opens nothing new; one that measured nothing changes nothing.
    """
    open_: Mapping[tuple[str, str], Alert] = {
        alert.of: alert for alert in known if alert.closed_at is None
    }
    changed: list[Alert] = []
    for result in results:
        of = (result.check_name, result.scope)
        if result.status == "failed" and of not in open_:
            changed.append(Alert(*of, opened_at=result.checked_at))
        elif result.status == "passed" and of in open_:
            changed.append(replace(open_[of], closed_at=result.checked_at))
    return changed


def is_untold(alert: Alert) -> bool:
    """Say whether somebody has still to be told that it opened, or closed.

    What closed before anybody was told of it is not told at all.
    """
    if alert.closed_at is None:
        return alert.told_at is None
    return alert.told_at is not None and alert.recovery_told_at is None


def told(alert: Alert, at: datetime) -> Alert:
    """Return the alert as it is once somebody was told."""
    if alert.closed_at is None:
        return replace(alert, told_at=at)
    return replace(alert, recovery_told_at=at)
