"""Deliberate mistakes in the evaluators: functions swapped, to see that it is noticed.

Each is one that an engineer could make: an edge of a window taken in, a default
forgotten, an order reversed. The product code knows nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, TypeAlias

from sqlglot import exp

from dmp.segments import (
    calendars,
    comparisons,
    event_nodes,
    plan,
    profile_nodes,
    readings,
    sequences,
    trees,
    windows,
)
from dmp.segments.live import (
    chains,
    comparing,
    live,
    nodes,
    person,
    resting,
    rows,
    spans,
)
from dmp.segments.live import values as live_values
from dmp.segments.rule import Calendar
from dmp.segments.windows import Moment, Span

Swap: TypeAlias = tuple[Any, str, Any]
"""A module or class, the name of a function in it, and what is to stand there."""


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Attributes:
        of: the evaluator that makes it: sql, live or stream (live, event by event).
        family: the rules among which it shows soonest.
        about: a word of those rules, to look at no others.
    """

    name: str
    of: str
    family: str
    swaps: Sequence[Swap]
    about: str = ""

    @contextmanager
    def made(self) -> Iterator[None]:
        """Make the mistake within the block."""
        with ExitStack() as stack:
            for where, name, wrong in self.swaps:
                stack.callback(setattr, where, name, getattr(where, name))
                setattr(where, name, wrong)
            yield


def _span(**changes: Any) -> Callable[..., Any]:
    right = plan.within_span
    return lambda within, at: replace(right(within, at), **changes)


def _other_today(right: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(within: Any, at: Any) -> Any:
        if isinstance(within, Calendar):
            within = replace(within, include_today=not within.include_today)
        return right(within, at)

    return wrong


def _opening(**shift: int) -> Callable[..., Any]:
    """Windows of the live evaluator with their ends some microseconds off."""
    right = nodes.window

    def window(within: Any, zone: Any) -> Any:
        opens = right(within, zone)

        def wrong(now: Any) -> Any:
            found = opens(now)
            moved = {end: getattr(found, end) + by for end, by in shift.items()}
            return found._replace(**moved)

        return wrong

    return window


def _resolve(odd: int) -> Callable[..., datetime]:
    """Local times that are skipped (0) or repeated (2) resolved the other way."""

    def wrong(local: datetime, zone: Any) -> datetime:
        both = [local.replace(tzinfo=zone, fold=f).astimezone(UTC) for f in (0, 1)]
        real = [i.astimezone(zone).replace(tzinfo=None) == local for i in both]
        kind = 1 if both[0] == both[1] else sum(real)
        return both[1] if kind == odd else both[0]

    return wrong


def _sunday(day: date, unit: str) -> date:
    right = calendars.period_start
    if unit != "week":
        return right(day, unit)
    return right(day + timedelta(days=1), unit) - timedelta(days=1)


def _current_too(node: Any, at: Moment) -> Any:
    unit = node.per.unit
    following = calendars.move_date(windows.period_start(at.today, unit), 1, unit)
    return windows.whole_periods(node, Moment(at.start(following), at.zone))


def _fewest(value: Any, scope: Any, spec: Any = None) -> Any:
    right = _OVER
    if isinstance(value, exp.Max):
        value = exp.Min(this=value.this)
    elif value.name.lower() == "max":
        value = trees.call("min", *value.expressions)
    return right(value, scope, spec)


_OVER = sequences._over
_EVENT_ID = event_nodes.event_id


def _reversed(scope: Any) -> Any:
    return trees.call("reverse", _EVENT_ID(scope))


def _greedy(chain: Any, ends: Any, *given: Any) -> Any:
    return _EXTENDED(chain, ends[:1], *given)


_EXTENDED = chains._Chain.extended


def _sooner(right: Callable[..., Any]) -> Callable[..., Any]:
    """A length of time that is a microsecond short."""
    tick = exp.Interval(this=exp.Literal.string("1"), unit=exp.Var(this="MICROSECOND"))
    return lambda *given: trees.minus(right(*given), tick.copy())


def _last_word(name: str, *given: Any) -> Any:
    kept = (given[0], *given[2:]) if name == "row" else given
    return trees.call(name, *kept)


def _missing_is_blank() -> SimpleNamespace:
    def as_text(source: Any) -> Any:
        return trees.coalesce(readings.as_text(source), trees.text(""))

    return SimpleNamespace(as_text=as_text, as_number=readings.as_number)


def _reversed_ties(right: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(event: Any, rules: Any) -> Any:
        row = right(event, rules)
        return row and row._replace(id="".join(chr(999 - ord(c)) for c in row.id))

    return wrong


def _judged(right: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(agg: str, found: Any, column: int, fits: Any) -> bool:
        if nodes.numbers(found, column) is None:
            return bool(fits(0.0))
        return bool(right(agg, found, column, fits))

    return wrong


def _none_for_zero(right: Callable[..., Any]) -> Callable[..., Any]:
    return lambda comparison: lambda n: right(comparison)(n or None)


def _all_empty(node: Any, count: Any) -> Any:
    if node.quantifier == "all":
        return trees.gt(count, trees.integer(0))
    return _QUANTIFIED(node, count)


_QUANTIFIED = profile_nodes._quantified


def _positive_default(test: Any, comparison: Any) -> Any:
    filled = comparison.include_missing
    on_missing = False if filled is None else filled
    return _ANSWER(test, replace(comparison, include_missing=on_missing))


_ANSWER = comparisons.answer


def _absent_until(edge: str) -> Callable[..., Any]:
    """The time of absence without its last instant, or over a moment too late."""

    def wrong(chain: Any, ends: Any, such: Any, stage: Any) -> Iterator[Any]:
        for row, deadline in ends:
            start, end = row.first, stage.ends(row.first)
            over = end < chain.as_of if edge == "over" else end <= chain.as_of
            last = end - 1 if edge == "end" else end
            if over and not any(start < r.first <= last for r in such):
                yield row, deadline

    return wrong


def _next_whatever(chain: Any, row: Any, end: Any, stage: Any) -> bool:
    step = replace(stage.step, immediately=False)
    return _MAY_FOLLOW(chain, row, end, replace(stage, step=step))


_MAY_FOLLOW = chains._Chain._may_follow


def _moment_early(*given: Any) -> Callable[[int], int]:
    right = spans.later(*given)
    return lambda at: right(at) - 1


MISTAKES = (
    Mistake(
        "the open edge of a window is inside",
        "sql",
        "events",
        [(plan, "within_span", _span(low_in=True))],
    ),
    Mistake(
        "as_of lies outside of windows",
        "sql",
        "events",
        [(plan, "up_to_as_of", lambda *given: _before_as_of(*given))],
    ),
    Mistake(
        "events after as_of count",
        "sql",
        "events",
        [(plan, "up_to_as_of", lambda *given: trees.truth(True))],
    ),
    Mistake(
        "negative operators fail on the missing",
        "sql",
        "profile",
        [(comparisons, "answer", _positive_default)],
    ),
    Mistake(
        "nobody has a count of zero",
        "sql",
        "events",
        [(event_nodes, "_counted", comparisons.number_holds)],
    ),
    Mistake(
        "ties are ordered by the end of the id",
        "sql",
        "sequence",
        [
            (
                sequences,
                "event_id",
                _reversed,
            )
        ],
    ),
    Mistake(
        "a missing value is a distinct one",
        "sql",
        "events",
        [(event_nodes, "readings", _missing_is_blank())],
        "distinct",
    ),
    Mistake(
        "only the earliest chain goes on",
        "sql",
        "sequence",
        [(sequences, "_over", _fewest)],
    ),
    Mistake(
        "a gap and a total end a moment early",
        "sql",
        "sequence",
        [(sequences, "later", _sooner(sequences.later))],
    ),
    Mistake(
        "weeks begin on Sunday",
        "sql",
        "events",
        [(windows, "period_start", _sunday)],
        "week",
    ),
    Mistake(
        "include_today is taken for its contrary",
        "sql",
        "events",
        [(plan, "within_span", _other_today(plan.within_span))],
        "include_today",
    ),
    Mistake(
        "a skipped local time moves back",
        "sql",
        "dates",
        [(windows, "resolve", _resolve(0))],
        "attribute",
    ),
    Mistake(
        "case is ignored on one side only",
        "sql",
        "profile",
        [(comparisons, "_operand", lambda value, blind: comparisons.literal(value))],
        "ignore",
    ),
    Mistake(
        "at equal instants denied does not win",
        "sql",
        "profile",
        [(profile_nodes, "call", _last_word)],
        "consent",
    ),
    Mistake(
        "the best are those by text",
        "sql",
        "profile",
        [(profile_nodes, "_sortable", lambda s: trees.cast(s.read(), "varchar"))],
        "'top'",
    ),
    Mistake(
        "between takes its end in",
        "sql",
        "profile",
        [(trees, "lt", trees.lte)],
        "between",
    ),
    Mistake(
        "all of no rows is false",
        "sql",
        "profile",
        [(profile_nodes, "_quantified", _all_empty)],
        "'all'",
    ),
    Mistake(
        "the period that runs counts as whole",
        "sql",
        "events",
        [(event_nodes, "whole_periods", _current_too)],
        "regularly",
    ),
    Mistake(
        "spells have both edges in",
        "sql",
        "events",
        [
            (
                event_nodes,
                "stretch",
                lambda length, end, zone: Span(
                    windows.stretch(length, end, zone).low, end, True, True
                ),
            )
        ],
    ),
    Mistake(
        "live: the open edge of a window is inside",
        "live",
        "events",
        [(nodes, "window", _opening(low=-1))],
    ),
    Mistake(
        "live: as_of lies outside of windows",
        "live",
        "events",
        [(nodes, "window", _opening(high=-1))],
    ),
    Mistake(
        "live: events after as_of count",
        "live",
        "events",
        [(nodes, "window", _opening(high=spans.DAY * 400))],
    ),
    Mistake(
        "live: negative operators fail on the missing",
        "live",
        "profile",
        [(comparing, "_on_missing", lambda made: bool(made.include_missing))],
    ),
    Mistake(
        "live: nobody has a count of zero",
        "live",
        "events",
        [(nodes, "number_test", _none_for_zero(nodes.number_test))],
    ),
    Mistake(
        "live: the average of nothing is 0",
        "live",
        "events",
        [(nodes, "_judged", _judged(nodes._judged))],
        "avg",
    ),
    Mistake(
        "live: the last is the first",
        "live",
        "events",
        [
            (nodes, "flag", lambda r, c, latest: rows.flag(r, c, not latest)),
            (nodes, "_ends_in", lambda *given: False),
        ],
    ),
    Mistake(
        "live: a missing value is a distinct one",
        "live",
        "events",
        [
            (
                nodes,
                "texts",
                lambda r, column: {*rows.texts(r, column), *("" for _ in r)},
            )
        ],
        "distinct",
    ),
    Mistake(
        "live: only the earliest chain goes on",
        "live",
        "sequence",
        [(chains._Chain, "extended", _greedy)],
    ),
    Mistake(
        "live: the end of a gap breaks no absence",
        "live",
        "sequence",
        [(chains._Chain, "_still_absent", _absent_until("end"))],
        "absent",
    ),
    Mistake(
        "live: an absence is over a moment late",
        "live",
        "sequence",
        [(chains._Chain, "_still_absent", _absent_until("over"))],
        "absent",
    ),
    Mistake(
        "live: others may come between",
        "live",
        "sequence",
        [(chains._Chain, "_may_follow", _next_whatever)],
        "immediately",
    ),
    Mistake(
        "live: a gap ends a moment early",
        "live",
        "sequence",
        [(chains, "later", _moment_early)],
        "gap",
    ),
    Mistake(
        "live: ties are ordered backwards",
        "live",
        "sequence",
        [
            (person, "row_of", _reversed_ties(person.row_of)),
            (live, "row_of", _reversed_ties(live.row_of)),
        ],
    ),
    Mistake(
        "live: case is never ignored",
        "live",
        "profile",
        [(comparing, "lower", lambda text: text)],
        "ignore",
    ),
    Mistake(
        "live: 5.0 does not read as 5",
        "live",
        "profile",
        [(live_values, "shortest", repr)],
    ),
    Mistake(
        "live: an event_id counts as often as it comes",
        "stream",
        "events",
        [(live.LiveSegments, "_is_repeat", lambda self, event_id: False)],
    ),
    Mistake(
        "live: time alone changes nothing",
        "stream",
        "events",
        [(nodes, "turns", lambda *given: spans.NEVER)],
    ),
    Mistake(
        "live: old events are dropped while a window needs them",
        "stream",
        "crowd",
        [(resting, "_needed", lambda settled, now, rules: [now.micros] * 999)],
    ),
    Mistake(
        "live: a count that held is thought to hold whatever comes",
        "stream",
        "events",
        [(nodes, "_monotone", lambda measure: 1)],
    ),
)


def _before_as_of(scope: Any, name: str = "occurred_at", alias: str = "e") -> Any:
    return trees.lt(trees.column(name, alias), trees.instant(scope.plan.as_of))
