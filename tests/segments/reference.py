"""A slow and obvious evaluator of segment rules, straight from the specification.

It shares no code with `dmp.segments`: rules are plain documents, data plain Python
values (None, bool, int, float, str, date, aware datetime, list, dict).
"""

from __future__ import annotations

import hashlib
import math
import re
from calendar import monthrange
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

MISSING: Any = None
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
NEGATIVE = {
    "neq": "eq",
    "not_in": "in",
    "not_contains": "contains",
    "not_starts_with": "starts_with",
    "not_ends_with": "ends_with",
    "not_matches": "matches",
    "not_between": "between",
    "has_none": "has_any",
}
DATE_OPS = {
    "before",
    "after",
    "on",
    "in_last",
    "in_next",
    "older_than",
    "beyond",
    "between_ago",
    "this",
    "previous",
    "anniversary_in_next",
}
SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    chr(c) for c in range(0x2000, 0x200B)
)


@dataclass
class World:
    """All there is, and in `met` how often an odd place of the meaning was reached."""

    profiles: dict[str, dict[str, Any]]
    events: list[dict[str, Any]] = field(default_factory=list)
    related: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    consent: list[dict[str, Any]] = field(default_factory=list)
    lists: dict[str, set[str]] = field(default_factory=dict)
    segments: dict[str, Any] = field(default_factory=dict)
    audiences: dict[str, Callable[[dict[str, Any]], bool]] = field(default_factory=dict)
    met: Counter[str] = field(default_factory=Counter)


def members(
    document: Any, world: World, as_of: datetime, by: type[Judge] | None = None
) -> list[str]:
    zone = ZoneInfo(document.get("timezone", "UTC"))
    judge = (by or Judge)(world, as_of, zone)
    return sorted(p for p in world.profiles if judge.node(document["rule"], p))


# ---- time


def resolve(local: datetime, zone: ZoneInfo) -> datetime:
    found = []
    for fold in (0, 1):
        instant = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == local:
            found.append(instant)
    if found:
        return min(found)
    offset = (local - timedelta(days=1)).replace(tzinfo=zone).utcoffset()
    assert offset is not None
    return (local - offset).replace(tzinfo=UTC)


def walls(local: datetime, zone: ZoneInfo) -> int:
    """How many instants have this local time."""
    instants = {local.replace(tzinfo=zone, fold=f).astimezone(UTC) for f in (0, 1)}
    return sum(i.astimezone(zone).replace(tzinfo=None) == local for i in instants)


def month_later(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def move(instant: datetime, n: int, unit: str, zone: ZoneInfo) -> datetime:
    if unit in SECONDS:
        return instant + timedelta(seconds=SECONDS[unit] * n)
    if n == 0:
        return instant
    local = instant.astimezone(zone).replace(tzinfo=None)
    day = month_later(local.date(), n * MONTHS[unit])
    return resolve(datetime.combine(day, local.time()), zone)


def move_day(day: date, n: int, unit: str) -> date:
    if unit in MONTHS:
        return month_later(day, n * MONTHS[unit])
    return day + timedelta(days=n * {"day": 1, "week": 7}[unit])


def day_start(day: date, zone: ZoneInfo) -> datetime:
    return resolve(datetime.combine(day, time()), zone)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    wall = instant.astimezone(zone).date()
    days = [wall + timedelta(days=n) for n in (1, 0, -1)]
    return next(d for d in days if day_start(d, zone) <= instant)


def unit_start(day: date, unit: str) -> date:
    if unit == "day":
        return day
    if unit == "week":
        return day - timedelta(days=day.isoweekday() - 1)
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return date(day.year, {0: 1, 1: 4, 2: 7, 3: 10}[(day.month - 1) // 3], 1)
    return date(day.year, 1, 1)


def read_time(written: str, zone: ZoneInfo) -> date | datetime | None:
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", written, re.ASCII):
        try:
            return date.fromisoformat(written)
        except ValueError:
            return None
    form = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?"
    if not re.fullmatch(form, written, re.ASCII):
        return None
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        return None
    if found.tzinfo is None:
        return resolve(found, zone)
    return found.astimezone(UTC)


# ---- readings


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def as_number(value: Any) -> float | None:
    if is_missing(value):
        return None
    if is_number(value):
        return float(value)
    if isinstance(value, str):
        bare = value.strip(SPACE)
        if re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", bare, re.ASCII):
            return float(bare)
    return None


def number_text(value: int | float) -> str:
    if isinstance(value, int):
        return str(value)
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    parts = Decimal(repr(abs(value))).as_tuple()
    digits = "".join(map(str, parts.digits)).rstrip("0")
    exponent = int(parts.exponent) + len(parts.digits)
    if len(digits) <= exponent <= 21:
        return sign + digits + "0" * (exponent - len(digits))
    if 0 < exponent <= 21:
        return f"{sign}{digits[:exponent]}.{digits[exponent:]}"
    if -6 < exponent <= 0:
        return f"{sign}0.{'0' * -exponent}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{exponent - 1:+d}"


def as_text(value: Any) -> str | None:
    if is_missing(value) or isinstance(value, list | dict):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_number(value):
        return number_text(value)
    if isinstance(value, datetime):
        bare = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        return bare.rstrip("0").rstrip(".") + "Z"
    return value.isoformat() if isinstance(value, date) else str(value)


def as_boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else None


def kind_of(value: Any) -> str:
    if is_missing(value):
        return "nothing"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, list | dict):
        return "list"
    return "number" if is_number(value) else "text"


def read_as(value: Any, literal: Any) -> Any:
    if isinstance(literal, bool):
        return as_boolean(value)
    return as_number(value) if is_number(literal) else as_text(value)


def lookup(row: dict[str, Any], path: Any) -> Any:
    parts = path
    if isinstance(path, str):
        if path in row:
            return row[path]
        parts = path.split(".")
    value: Any = row
    for part in parts:
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value


# ---- the judge


@dataclass
class Judge:
    world: World
    as_of: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        return local_day(self.as_of, self.zone)

    def meets(self, place: str, found: Any, *edges: Any) -> None:
        """Note that something lies exactly on an edge."""
        if found in edges:
            self.world.met[place] += 1

    # -- comparisons

    def holds(self, row: dict[str, Any], made: dict[str, Any]) -> bool:
        if "property" in made:
            value = lookup(row, made["property"])
        else:
            value = row.get(made["attribute"])
        op = made["op"]
        if op == "is_missing":
            return is_missing(value)
        if op == "is_present":
            return not is_missing(value)
        if op == "is_blank":
            blank = isinstance(value, str) and not value.strip(SPACE)
            return is_missing(value) or blank
        if op == "size":
            inner = made["value"]
            size = len(value) if isinstance(value, list) else None
            asked = {**inner, "include_missing": made.get("include_missing")}
            return self.number(size, asked)
        answer = self.test(value, {**made, "op": NEGATIVE.get(op, op)}, row)
        if op in ("between", "not_between") and value is not None:
            self.meets("between: value", value, made["value"])
            self.meets("between: to", value, made["to"])
        if answer is None:
            on_missing = made.get("include_missing")
            return op in NEGATIVE if on_missing is None else bool(on_missing)
        return answer != (op in NEGATIVE)

    def number(self, value: float | None, made: dict[str, Any]) -> bool:
        return self.holds({"n": value}, {**made, "property": "n"})

    def other(self, operand: Any, row: dict[str, Any]) -> tuple[bool, Any]:
        if isinstance(operand, dict):
            if "property" in operand:
                return True, lookup(row, operand["property"])
            return True, row.get(operand["attribute"])
        return False, operand

    def test(self, value: Any, made: dict[str, Any], row: dict[str, Any]) -> Any:
        op = made["op"]
        if op in ("is_true", "is_false"):
            read = as_boolean(value)
            return None if read is None else read == (op == "is_true")
        if op in ("has_any", "has_all"):
            return self.list_test(value, made)
        if op in DATE_OPS:
            return self.date_op(value, made, row)
        if op == "in":
            return self.any_of(value, made)
        if op == "contains_any":
            read = as_text(value)
            if read is None:
                return None
            blind = made.get("case") == "ignore"
            fold = (lambda s: s.lower()) if blind else (lambda s: s)
            return any(fold(v) in fold(read) for v in made["value"])
        if op == "between":
            low = self.pair(value, "gte", made["value"], made, row)
            high = self.pair(value, "lt", made["to"], made, row)
            return None if low is None or high is None else low and high
        return self.pair(value, op, made["value"], made, row)

    def any_of(self, value: Any, made: dict[str, Any]) -> bool | None:
        tests = [self.pair(value, "eq", v, made, {}) for v in made["value"]]
        known = [t for t in tests if t is not None]
        return any(known) if known else None

    def list_test(self, value: Any, made: dict[str, Any]) -> bool | None:
        if not isinstance(value, list):
            return None

        def there(wanted: Any) -> bool:
            return any(self.pair(v, "eq", wanted, made, {}) for v in value)

        every = made["op"] == "has_all"
        return (all if every else any)(there(v) for v in made["value"])

    def pair(
        self, value: Any, op: str, operand: Any, made: dict[str, Any], row: Any
    ) -> bool | None:
        is_other, right = self.other(operand, row)
        if op in ("eq", "gt", "gte", "lt", "lte"):
            if isinstance(value, date) or (is_other and isinstance(right, date)):
                return self.compare_dates(value, op, right, is_other)
        if is_missing(right) or isinstance(right, list | dict):
            return None
        if op in ("contains", "starts_with", "ends_with", "matches"):
            right = as_text(right)
        left = read_as(value, right)
        self.world.met[f"{kind_of(value)} read as {kind_of(right)}"] += 1
        if left is None:
            return None
        if is_number(right):
            right = float(right)
        elif isinstance(right, str) and made.get("case") == "ignore":
            left, right = left.lower(), right.lower()
        if op == "matches":
            return re.search(right, left) is not None
        return bool(OPS[op](left, right))

    def compare_dates(self, value: Any, op: str, right: Any, other: bool) -> Any:
        if not other and not isinstance(right, str):
            return None
        left, right = self.dated(value), self.dated(right)
        if left is None or right is None:
            return None
        if isinstance(left, datetime) and isinstance(right, datetime):
            self.meets("instant against instant", left, right)
            return OPS[op](left, right)
        kinds = sorted(type(side).__name__ for side in (left, right))
        self.meets(" against ".join(kinds), self.day_of(left), self.day_of(right))
        return OPS[op](self.day_of(left), self.day_of(right))

    def dated(self, value: Any) -> date | datetime | None:
        if isinstance(value, str):
            return read_time(value, self.zone)
        return value if isinstance(value, date) else None

    def day_of(self, value: date | datetime) -> date:
        if isinstance(value, datetime):
            return local_day(value, self.zone)
        return value

    def date_op(self, value: Any, made: dict[str, Any], row: Any) -> bool | None:
        op = made["op"]
        if op in ("before", "after", "on"):
            is_other, right = self.other(made["value"], row)
            name = {"before": "lt", "after": "gt", "on": "eq"}[op]
            return self.compare_dates(value, name, right, is_other)
        found = self.dated(value)
        if found is None:
            return None
        if op == "anniversary_in_next":
            return self.anniversary(self.day_of(found), made)
        if op in ("this", "previous"):
            return self.in_period(self.day_of(found), op, made["unit"])
        if isinstance(found, datetime):
            return self.relative(found, self.as_of, made, self.move)
        if made["unit"] not in ("day", "week", *MONTHS):
            return None
        return self.relative(found, self.today, made, move_day)

    def move(self, instant: datetime, n: int, unit: str) -> datetime:
        if n and unit in MONTHS:
            wall = instant.astimezone(self.zone).replace(tzinfo=None)
            day = month_later(wall.date(), n * MONTHS[unit])
            self.meets("a month's last day", day.day < wall.day, True)
            local = datetime.combine(day, wall.time())
            self.meets("a skipped local time", walls(local, self.zone), 0)
            self.meets("a repeated local time", walls(local, self.zone), 2)
        return move(instant, n, unit, self.zone)

    def start(self, day: date) -> datetime:
        midnight = datetime.combine(day, time())
        self.meets("a day without midnight", walls(midnight, self.zone), 0)
        self.meets("a day with two midnights", walls(midnight, self.zone), 2)
        return day_start(day, self.zone)

    def in_period(self, day: date, op: str, unit: str) -> bool:
        current = unit_start(self.today, unit)
        if op == "this":
            self.meets("this: its first day", day, current)
            return unit_start(day, unit) == current
        before = unit_start(current - timedelta(days=1), unit)
        self.meets("previous: its first day", day, before)
        self.meets("previous: the day after it", day, current)
        return unit_start(day, unit) == before

    def relative(self, found: Any, now: Any, made: dict[str, Any], mover: Any) -> bool:
        op, unit = made["op"], made["unit"]
        kind = "an instant" if isinstance(found, datetime) else "a date"
        for key in ("value", "from", "to"):
            if isinstance(made.get(key), int):
                sign = 1 if op in ("in_next", "beyond") else -1
                edge = mover(now, sign * made[key], unit)
                self.meets(f"{op} of {kind}: {key}", found, edge)
        if op in ("in_last", "in_next"):
            self.meets(f"{op} of {kind}: now", found, now)
        if op == "between_ago":
            low = mover(now, -made["from"], unit)
            return bool(low < found <= mover(now, -made["to"], unit))
        n = made["value"]
        if op == "in_last":
            return bool(mover(now, -n, unit) < found <= now)
        if op == "older_than":
            return bool(found <= mover(now, -n, unit))
        if op == "in_next":
            return bool(now < found <= mover(now, n, unit))
        return bool(found > mover(now, n, unit))

    def anniversary(self, born: date, made: dict[str, Any]) -> bool:
        first = 0 if made.get("include_today") else 1
        for n in range(first, made["value"] + 1):
            day = self.today + timedelta(days=n)
            try:
                kept = born.replace(year=day.year)
            except ValueError:
                kept = date(day.year, 3, 1)
            if kept == day:
                self.meets("anniversary: today", n, 0)
                self.meets("anniversary: the last day", n, made["value"])
                self.meets("anniversary: 29 February", born != kept and born.day, 29)
                return True
        return False

    # -- conditions on rows

    def all_hold(self, row: dict[str, Any], clauses: list[Any]) -> bool:
        return all(self.clause(row, clause) for clause in clauses)

    def clause(self, row: dict[str, Any], clause: dict[str, Any]) -> bool:
        if "property" in clause:
            return self.holds(row, clause)
        if "all" in clause:
            return self.all_hold(row, clause["all"])
        if "any" in clause:
            return any(self.clause(row, part) for part in clause["any"])
        return not self.clause(row, clause["not"])

    # -- windows and events

    def in_window(self, t: datetime, within: dict[str, Any] | None) -> bool:
        if t > self.as_of:
            return False
        if not within:
            return True
        if "last" in within or "to_ago" in within:
            self.meets(f"within {form_of(within)}: as_of", t, self.as_of)
        if "last" in within:
            n, unit = within["last"], within["unit"]
            if within.get("mode") != "calendar":
                low = self.move(self.as_of, -n, unit)
                self.meets("within last: start", t, low)
                return low < t
            current = unit_start(self.today, unit)
            low = self.start(move_day(current, -n, unit))
            self.meets("within calendar: start", t, low)
            if within.get("include_today"):
                return low <= t
            self.meets("within calendar: end", t, self.start(current))
            return low <= t < self.start(current)
        if "from_ago" in within:
            unit = within["unit"]
            low = self.move(self.as_of, -within["from_ago"], unit)
            high = self.move(self.as_of, -within["to_ago"], unit)
            self.meets("within from_ago: start", t, low)
            self.meets("within from_ago: end", t, high)
            return low < t <= high
        tests = []
        for key, op in (
            ("after", "gt"),
            ("before", "lt"),
            ("from", "gte"),
            ("to", "lt"),
        ):
            if key in within:
                edge = self.dated(within[key])
                if isinstance(edge, datetime):
                    self.meets(f"within {key}: an instant", t, edge)
                elif edge:
                    self.meets(f"within {key}: a date", self.day_of(t), edge)
                tests.append(self.compare_dates(t, op, within[key], False))
        return all(tests)

    def history(self, person: str) -> list[dict[str, Any]]:
        seen: set[str] = set()
        kept = []
        for event in self.world.events:
            if event["event_id"] in seen:
                self.world.met["an event_id that came before"] += 1
                continue
            seen.add(event["event_id"])
            if event["profile_id"] == person and event["occurred_at"] > self.as_of:
                self.world.met["an event after as_of"] += 1
            if event["profile_id"] == person and event["occurred_at"] <= self.as_of:
                kept.append(event)
        return sorted(kept, key=lambda e: (e["occurred_at"], e["event_id"]))

    def matches(self, event: dict[str, Any], node: dict[str, Any]) -> bool:
        named = node.get("any_event") or event["event"] == node["event"]
        return bool(named) and self.all_hold(event["properties"], node.get("where", []))

    def found(self, person: str, node: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            event
            for event in self.history(person)
            if self.matches(event, node)
            and self.in_window(event["occurred_at"], node.get("within"))
        ]

    # -- nodes

    def node(self, node: dict[str, Any], person: str) -> bool:
        if "attribute" in node:
            return self.holds(self.world.profiles[person], node)
        ((key, inner),) = node.items()
        judge = getattr(self, f"node_{key}")
        return bool(judge(inner, person))

    def node_all(self, parts: list[Any], person: str) -> bool:
        return all(self.node(part, person) for part in parts)

    def node_any(self, parts: list[Any], person: str) -> bool:
        return any(self.node(part, person) for part in parts)

    def node_not(self, part: dict[str, Any], person: str) -> bool:
        return not self.node(part, person)

    def node_did(self, node: dict[str, Any], person: str) -> bool:
        events = self.found(person, node)
        total = node.get("total")
        if not events:
            self.world.met["a total of nothing" if total else "a count of zero"] += 1
        if not total:
            times = node.get("times", {"op": "gte", "value": 1})
            return self.number(len(events), times)
        values = [lookup(e["properties"], total["property"]) for e in events]
        if total["agg"] == "distinct":
            texts = {as_text(v) for v in values} - {None}
            return self.number(len(texts), {**total, "property": None})
        numbers = [n for n in map(as_number, values) if n is not None]
        if total["agg"] == "sum":
            return self.number(math.fsum(numbers), total)
        if not numbers:
            return False
        value = {
            "avg": lambda: math.fsum(numbers) / len(numbers),
            "min": lambda: min(numbers),
            "max": lambda: max(numbers),
        }[total["agg"]]()
        return self.number(value, total)

    def node_last(self, node: dict[str, Any], person: str, at: int = -1) -> bool:
        events = self.found(person, node)
        times = [e["occurred_at"] for e in events]
        if len(times) > 1:
            word = "last" if at else "first"
            self.meets(f"{word}: a tie", times[at], times[1 if at == 0 else -2])
        return bool(events) and self.all_hold(events[at]["properties"], node["has"])

    def node_first(self, node: dict[str, Any], person: str) -> bool:
        return self.node_last(node, person, 0)

    def node_sequence(self, node: dict[str, Any], person: str) -> bool:
        history = self.history(person)
        return self.chain(node, history, 0, [])

    def chain(
        self, node: dict[str, Any], history: list[Any], k: int, chosen: list[int]
    ) -> bool:
        if k == len(node["steps"]):
            return self.total_holds(node, history, chosen)
        step = node["steps"][k]
        if step.get("absent"):
            still = self.is_absent(step, history, history[chosen[-1]])
            return still and self.chain(node, history, k + 1, chosen)
        start = chosen[-1] + 1 if chosen else 0
        for i in range(start, len(history)):
            if self.may_follow(node, step, history, chosen, i) and self.chain(
                node, history, k + 1, [*chosen, i]
            ):
                return True
        return False

    def may_follow(
        self, node: Any, step: Any, history: Any, chosen: Any, i: int
    ) -> bool:
        t = history[i]["occurred_at"]
        if not self.matches(history[i], step):
            return False
        if not self.in_window(t, node.get("within")):
            return False
        if step.get("immediately") and i != chosen[-1] + 1:
            return False
        if not chosen:
            return True
        before = history[chosen[-1]]["occurred_at"]
        self.meets("sequence: a tie", t, before)
        if "gap" in step:
            end = self.move(before, step["gap"]["lte"], step["gap"]["unit"])
            self.meets("gap: its end", t, end)
            return t <= end
        return True

    def is_absent(self, step: Any, history: Any, before: Any) -> bool:
        start = before["occurred_at"]
        end = self.move(start, step["gap"]["lte"], step["gap"]["unit"])
        self.meets("absent: over", self.as_of, end)
        if self.as_of < end:
            return False
        for e in history:
            if self.matches(e, step):
                self.meets("absent: its start", e["occurred_at"], start)
                self.meets("absent: its end", e["occurred_at"], end)
        return not any(
            start < e["occurred_at"] <= end and self.matches(e, step) for e in history
        )

    def total_holds(self, node: Any, history: Any, chosen: list[int]) -> bool:
        if "total" not in node:
            return True
        first, last = (history[i]["occurred_at"] for i in (chosen[0], chosen[-1]))
        end = self.move(first, node["total"]["lte"], node["total"]["unit"])
        self.meets("total: its end", last, end)
        return bool(last <= end)

    def node_lifecycle(self, node: dict[str, Any], person: str) -> bool:
        times = [
            e["occurred_at"] for e in self.history(person) if self.matches(e, node)
        ]
        return bool(getattr(self, f"state_{node['state']}")(node, times))

    def state_first_time(self, node: Any, times: list[datetime]) -> bool:
        return bool(times) and self.in_window(min(times), node["within"])

    def state_regularly(self, node: Any, times: list[datetime]) -> bool:
        n, unit = node["per"].get("n", 1), node["per"]["unit"]
        end, good = unit_start(self.today, unit), 0
        for _ in range(node["of"]):
            start = move_day(end, -n, unit)
            low, high = self.start(start), self.start(end)
            for t in times:
                self.meets("regularly: a period's start", t, low)
                self.meets("regularly: the last period's end", t, high)
            good += sum(low <= t < high for t in times) >= node["times"]
            end = start
        return good >= node["at_least"]

    def state_stopped(self, node: Any, times: list[datetime]) -> bool:
        edge = self.move(self.as_of, -node["silent"]["last"], node["silent"]["unit"])
        low = self.move(edge, -node["active"]["last"], node["active"]["unit"])
        self.spells("stopped", times, low, edge)
        active = any(low < t <= edge for t in times)
        return active and not any(t > edge for t in times)

    def spells(self, state: str, times: list[datetime], *edges: datetime) -> None:
        for t in times:
            for name, edge in zip(("far", "near"), edges, strict=True):
                self.meets(f"{state}: the {name} edge", t, edge)

    def state_restarted(self, node: Any, times: list[datetime]) -> bool:
        edge = self.move(self.as_of, -node["active"]["last"], node["active"]["unit"])
        low = self.move(edge, -node["silent"]["last"], node["silent"]["unit"])
        self.spells("restarted", times, low, edge)
        active, quiet = (
            any(t > edge for t in times),
            not any(low < t <= edge for t in times),
        )
        return active and quiet and any(t <= low for t in times)

    def node_related(self, node: dict[str, Any], person: str) -> bool:
        rows = [
            row
            for row in self.world.related[node["entity"]]
            if row["profile_id"] == person
        ]
        good = sum(self.all_hold(row, node.get("where", [])) for row in rows)
        quantifier = node["quantifier"]
        if isinstance(quantifier, str):
            wanted = {"any": good > 0, "all": good == len(rows), "none": good == 0}
            return wanted[quantifier]
        ((name, n),) = quantifier.items()
        return {"at_least": good >= n, "at_most": good <= n, "exactly": good == n}[name]

    def node_segment(self, node: dict[str, Any], person: str) -> bool:
        ((key, id_),) = node.items()
        document = self.world.segments[id_]
        zone = ZoneInfo(document.get("timezone", "UTC"))
        other = type(self)(self.world, self.as_of, zone)
        inside = other.node(document["rule"], person)
        return inside == (key == "in")

    def node_consent(self, node: dict[str, Any], person: str) -> bool:
        rows = [
            (row["captured_at"], row["status"] == "denied", row["status"])
            for row in self.world.consent
            if row["profile_id"] == person
            and row["purpose"] == node["purpose"]
            and row["captured_at"] <= self.as_of
        ]
        tied = [row for row in rows if row[0] == max(rows)[0]]
        self.meets("consent: a tie with denied", len({r[1] for r in tied}), 2)
        self.meets("consent: as_of", [row[0] for row in tied][:1], [self.as_of])
        return bool((max(rows)[2] if rows else "unknown") == node["status"])

    def node_list(self, node: dict[str, Any], person: str) -> bool:
        return person in self.world.lists[node["in"]]

    def node_sample(self, node: dict[str, Any], person: str) -> bool:
        digest = hashlib.md5(f"{node['salt']}:{person}".encode()).hexdigest()
        bucket = int(digest[:8], 16) / 2**32 * 100
        low = node.get("from", 0)
        self.meets("sample: from", bucket, low)
        self.meets("sample: end", bucket, low + node["percent"])
        return bool(low <= bucket < low + node["percent"])

    def node_top(self, node: dict[str, Any], person: str) -> bool:
        by = node["by"]
        people = [
            p
            for p, row in sorted(self.world.profiles.items())
            if not is_missing(row.get(by))
            and ("of" not in node or self.node(node["of"], p))
        ]
        desc = node.get("order", "desc") == "desc"
        people.sort(key=lambda p: self.world.profiles[p][by], reverse=desc)
        values = [self.world.profiles[p][by] for p in people]
        if len(people) > node["n"]:
            self.meets("top: a tie", values[node["n"]], values[node["n"] - 1])
        return person in people[: node["n"]]

    def node_sql(self, node: dict[str, Any], person: str) -> bool:
        chosen = self.world.audiences[node["select"]]
        return chosen(self.world.profiles[person])


def form_of(within: dict[str, Any]) -> str:
    if "last" not in within:
        return "from_ago"
    return str(within.get("mode", "last"))


OPS: dict[str, Any] = {
    "eq": lambda a, b: a == b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "contains": lambda a, b: b in a,
    "starts_with": lambda a, b: a.startswith(b),
    "ends_with": lambda a, b: a.endswith(b),
}
