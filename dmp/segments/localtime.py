"""Local time inside SQL, for columns: the same answers as `calendars` gives."""

from __future__ import annotations

from datetime import UTC, timezone, tzinfo
from zoneinfo import ZoneInfo

from dmp.segments import trees
from dmp.segments.calendars import MONTHS, SECONDS, zone_of
from dmp.segments.rule import Duration
from dmp.segments.trees import Tree, call, cast, text
from dmp.segments.words import FromLocal, LocalDay, in_duckdb

_MOST_SECONDS = 9_999 * 366 * 86_400
_MOST_MONTHS = 9_999 * 12


def zone_name(zone: tzinfo) -> str:
    """Return the IANA name of a zone."""
    return zone.key if isinstance(zone, ZoneInfo) else "UTC"


def _is_utc(zone: tzinfo) -> bool:
    return zone is UTC or zone == timezone.utc  # noqa: UP017


def to_local(instant: Tree, zone: tzinfo) -> Tree:
    """Return the wall time (TIMESTAMP) of an instant."""
    return call("timezone", text(zone_name(zone)), instant)


def from_local(wall: Tree, zone: tzinfo) -> Tree:
    """Return the instant of a wall time; skipped moves forward, repeated is earlier.

    ICU takes the later of a repeated time, so the offset of the day before is tried
    first, then that of the day after.
    """
    if _is_utc(zone):
        return call("timezone", text("UTC"), wall)
    return FromLocal(this=wall, zone=text(zone_name(zone)))


def _from_local_in_duckdb(word: FromLocal) -> Tree:
    zone = zone_of(word.args["zone"].name)
    wall = word.this.copy()
    return trees.bound("w", wall, lambda bound: _from_local(bound, zone))


def _from_local(wall: Tree, zone: tzinfo) -> Tree:
    before = _with_offset_of(wall, zone, days=-1)
    after = _with_offset_of(wall, zone, days=1)
    return trees.case(
        (trees.eq(to_local(before, zone), wall.copy()), before.copy()),
        (trees.eq(to_local(after, zone), wall.copy()), after.copy()),
        otherwise=before.copy(),
    )


def _with_offset_of(wall: Tree, zone: tzinfo, days: int) -> Tree:
    """Return the wall time as an instant, at the offset that holds days away."""
    shift = call("to_seconds", trees.integer(days * 86_400))
    there = trees.plus(call("timezone", text("UTC"), wall.copy()), shift)
    there_as_utc = call("timezone", text("UTC"), to_local(there, zone))
    offset = trees.minus(there_as_utc, there.copy())
    return trees.minus(call("timezone", text("UTC"), wall.copy()), offset)


def local_day(instant: Tree, zone: tzinfo) -> Tree:
    """Return the local day that has begun last at an instant."""
    if _is_utc(zone):
        return cast(to_local(instant, zone), "date")
    return LocalDay(this=instant, zone=text(zone_name(zone)))


def _local_day_in_duckdb(word: LocalDay) -> Tree:
    zone = zone_of(word.args["zone"].name)
    instant = word.this.copy()
    return trees.bound("i", instant, lambda bound: _local_day(bound, zone))


def _local_day(instant: Tree, zone: tzinfo) -> Tree:
    wall = cast(to_local(instant, zone), "date")
    following = trees.plus(wall, trees.integer(1))
    start = from_local(cast(following, "timestamp"), zone)
    begun = trees.lte(start, instant.copy())
    return trees.case((begun, following.copy()), otherwise=wall.copy())


def later(instant: Tree, length: Duration, zone: tzinfo) -> Tree:
    """Return the instant a duration later, as `calendars.move` gives it."""
    if length.unit in SECONDS:
        seconds = min(length.n * SECONDS[length.unit], _MOST_SECONDS)
        return trees.plus(instant, call("to_seconds", trees.integer(seconds)))
    months = min(length.n * MONTHS[length.unit], _MOST_MONTHS)
    moved = trees.plus(
        to_local(instant, zone), call("to_months", trees.integer(months))
    )
    return from_local(moved, zone)


in_duckdb(FromLocal, _from_local_in_duckdb)
in_duckdb(LocalDay, _local_day_in_duckdb)
