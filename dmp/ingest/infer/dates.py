"""How dates are written: the fewest formats that read a column, and their doubts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dmp.core.identifiers import FieldType
from dmp.ingest.infer.columns import Column, readable_by, spec_of
from dmp.storage.lake import Lake

_DAYS = (
    "%Y-%m-%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%d-%m-%y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d%m%Y",
)
_CLOCKS = (
    " %H:%M:%S",
    " %H:%M",
    " %I:%M %p",
    " %I:%M:%S %p",
    " %H:%M:%S.%f",
    "T%H:%M:%S",
    "T%H:%M:%S%z",
    "T%H:%M:%S.%f%z",
    " %H:%M:%S %z",
    ", %H:%M",
    ", %H:%M:%S",
)
_AFTER = r"(\D.*)?"
_LIKE_A_DATE = re.compile(
    rf"\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}{_AFTER}"
    rf"|\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{4}}{_AFTER}"
    rf"|\d{{1,2}}[ -][A-Za-z]{{3,9}}\.?[ -](\d{{4}}|\d\d){_AFTER}"
    rf"|[A-Za-z]{{3,9}}\.? \d{{1,2}},? \d{{4}}{_AFTER}"
)
_LIKE_A_NAMED_DATE = re.compile(rf"\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d\d{_AFTER}|\d{{8}}")
"""Shapes that numbers of other things have too: dates only where the name says so."""

_CLOCK = re.compile(r"\d{1,2}:\d\d")
_EPOCH = {"epoch_ms": re.compile(r"1\d{12}"), "epoch_s": re.compile(r"1\d{9}")}
_TWIN = {"%d": "%m", "%m": "%d"}
_ENOUGH = 0.5


@dataclass(frozen=True)
class Dates:
    """How the dates of a column are written.

    Attributes:
        type: date, or instant where values have a time of day.
        formats: strptime formats in the order to try; none for ISO 8601.
        readable: how many of the filled values they read.
        doubt: for people: what the values leave open, such as which number is the day.
    """

    type: FieldType
    formats: tuple[str, ...]
    readable: int
    doubt: str = ""


def dates_of(lake: Lake, column: Column, *, is_named: bool) -> Dates | None:
    """Return how a column's dates are written, or None where it holds none.

    Args:
        is_named: whether the name promises a date: only then are bare numbers taken
            for one.
    """
    if is_named and (epoch := _epoch(lake, column)):
        return epoch
    like = [v for v in column.values if _is_like_a_date(v, is_named=is_named)]
    if len(like) < _ENOUGH * max(len(column.values), 1):
        return None
    has_clock = 2 * sum(bool(_CLOCK.search(v)) for v in like) >= len(like)
    type_ = FieldType.INSTANT if has_clock else FieldType.DATE
    default = Dates(type_, (), column.readable.get(type_, 0))
    if default.readable == column.filled:
        return default
    written = _written(lake, column, type_)
    best = written if written.readable > default.readable else default
    return best if best.readable >= _ENOUGH * column.filled else None


def _is_like_a_date(value: str, *, is_named: bool) -> bool:
    if is_named and _LIKE_A_NAMED_DATE.fullmatch(value):
        return True
    return _LIKE_A_DATE.fullmatch(value) is not None


def _epoch(lake: Lake, column: Column) -> Dates | None:
    for name, shape in _EPOCH.items():
        fit = [v for v in column.values if shape.fullmatch(v)]
        if fit and len(fit) >= 0.95 * len(column.values):
            return _tried(lake, column, FieldType.INSTANT, (name,))
    return None


def _written(lake: Lake, column: Column, type_: FieldType) -> Dates:
    """Choose formats greedily: each must read values that those before it do not."""
    candidates = _candidates(type_, column)
    if not candidates:
        return Dates(type_, (), 0)
    alone = _counts(lake, column, type_, [(name,) for name in candidates])
    ranked = sorted(
        (name for name in candidates if alone[(name,)]),
        key=lambda name: (-alone[(name,)], candidates.index(name)),
    )
    chosen: tuple[str, ...] = ()
    best = 0
    for name in ranked[:8]:
        tried = _counts(lake, column, type_, [(*chosen, name)])[(*chosen, name)]
        if tried > best and (not chosen or tried - best >= 0.002 * column.filled):
            chosen, best = (*chosen, name), tried
    return Dates(type_, chosen, best, _doubt(column, chosen, alone))


def _candidates(type_: FieldType, column: Column) -> list[str]:
    """Return the formats that read a few values of each shape, and their twins."""
    clocks = ("",) if type_ is FieldType.DATE else (*_CLOCKS, "")
    known = [f"{day}{clock}" for clock in clocks for day in _DAYS]
    values = _of_each_shape(column.values)
    fit = {name for name in known if any(_reads(value, name) for value in values)}
    return [name for name in known if name in fit or _twin(name) in fit]


def _of_each_shape(values: Sequence[str]) -> list[str]:
    shapes: dict[str, list[str]] = {}
    for value in values:
        shapes.setdefault(re.sub(r"\w+", "a", value), []).append(value)
    return [value for alike in [*shapes.values()][:12] for value in alike[:4]]


def _reads(value: str, name: str) -> bool:
    try:
        datetime.strptime(value, name)
    except ValueError:
        return False
    return True


def _twin(name: str) -> str:
    """Return a format with day and month the other way round."""
    return re.sub("%[dm]", lambda found: _TWIN[found[0]], name)


def _counts(
    lake: Lake, column: Column, type_: FieldType, tries: Sequence[tuple[str, ...]]
) -> dict[tuple[str, ...], int]:
    specs = [spec_of(column.place, type=type_, formats=list(t)) for t in tries]
    return dict(zip(tries, readable_by(lake, specs), strict=True))


def _tried(
    lake: Lake, column: Column, type_: FieldType, formats: tuple[str, ...]
) -> Dates | None:
    count = _counts(lake, column, type_, [formats])[formats]
    return Dates(type_, formats, count) if count >= _ENOUGH * column.filled else None


def _doubt(
    column: Column, chosen: tuple[str, ...], alone: dict[tuple[str, ...], int]
) -> str:
    """Say where day and month could be the other way round."""
    for name in chosen:
        twin = _twin(name)
        if twin == name or (twin,) not in alone or name.startswith("%Y"):
            continue
        here, there = alone[(name,)], alone[(twin,)]
        order = "day" if name.index("%d") < name.index("%m") else "month"
        if here == there:
            return (
                "CHECK, day or month first: every value reads both ways; taken as "
                f"{order} first, ask whoever writes the file"
            )
        if twin in chosen:
            return (
                "CHECK: some values can only be read day first, others month first; "
                f"where both fit, {order} first is taken; ask whoever writes the file"
            )
    return ""
