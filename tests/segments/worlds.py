"""Random rules and histories for the property test, and the tables that hold them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import md5
from typing import Any
from zoneinfo import ZoneInfo

from dmp.segments.operators import NUMBER_OPS
from dmp.segments.sources import Population, RelatedTable

from . import chance as st
from .reference import World, day_start, local_day, move, move_day, unit_start

ATTRIBUTES = {
    "name": "VARCHAR",
    "score": "DOUBLE",
    "n": "BIGINT",
    "flag": "BOOLEAN",
    "born": "DATE",
    "seen": "TIMESTAMP WITH TIME ZONE",
    "tags": "VARCHAR[]",
    "nums": "DOUBLE[]",
}
DECLARED = {"page": "VARCHAR", "amount": "DOUBLE", "day": "DATE", "marks": "VARCHAR[]"}
COLUMNS = {"sku": "VARCHAR", "price": "DOUBLE", "paid": "BOOLEAN", "day": "DATE"}
ZONES = {
    "UTC": "2025-05-14T09:00:00",
    "Europe/London": "2025-03-30T01:00:00",
    "Europe/Berlin": "2024-10-27T01:00:00",
    "America/St_Johns": "2006-10-29T02:31:00",
    "America/Sao_Paulo": "2018-11-04T03:00:00",
    "Australia/Lord_Howe": "2025-04-05T15:00:00",
    "Pacific/Apia": "2011-12-30T10:00:00",
}
UNITS = ["second", "minute", "hour", "day", "week", "month", "quarter", "year"]
BIG_UNITS = UNITS[3:]
TEXTS = ["", " ", "\u2003", "x", "X", "xy", "é", "5", "5.0", " 5 ", "1e2", "007", "-3"]
TEXTS += ["true", "false", "TRUE", "9", "10", "a.b", "it's", "ß", "😀", "\uff11"]
NUMBERS = [0, 1, 2, 3, 5, -3, 0.5, 5.0, 0.1, 1e21, 1.5e-7, 1e-5, 123456789.25, 100]
SMALL = st.integers(1, 3)


PEOPLE = ["p1", "p10", "p2", "é", "Z", "a", "b", "c"]
BUCKETS = [
    bucket
    for person in PEOPLE
    if (bucket := int(md5(f"s:{person}".encode()).hexdigest()[:8], 16) / 2**32 * 100)
    < 90
]
"""Where people lie in a sample of salt s."""

AUDIENCES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "select profile_id from person where flag": lambda row: bool(row["flag"]),
    "select profile_id from person where n > 2": lambda row: (row["n"] or 0) > 2,
}


def pick(*values: Any) -> st.Chance[Any]:
    return st.sampled_from(values)


class Pool(list[datetime]):
    """Instants close to each other, and the lengths that lie between them.

    Attributes:
        edges: what lies such a length before or after as_of.
        starts: the first instants of local days, weeks, … around as_of.
        days: local dates on the edge of something.
    """

    lengths: list[tuple[int, str]]
    edges: list[datetime]
    starts: list[datetime]
    days: list[date]


MINUTES = [timedelta(minutes=n) for n in (0, 0, 30, -30, 60, -60)]
SCALES: list[tuple[list[timedelta], list[tuple[int, str]]]] = [
    (
        [timedelta(minutes=n) for n in (0, 30, 60, 90, 120)],
        [(30, "minute"), (1, "hour"), (90, "minute"), (1800, "second")],
    ),
    (
        [timedelta(days=n) for n in (0, 1, 2, -1)],
        [(1, "day"), (24, "hour"), (2, "day"), (23, "hour")],
    ),
    (
        [timedelta(days=n) for n in (0, -28, -29, -30, -31, -59)],
        [(1, "month"), (1, "month"), (2, "month"), (4, "week")],
    ),
    (
        [timedelta(days=n) for n in (0, 0, -1, -7, -90, -92, -365, -366)],
        [(1, "quarter"), (1, "year"), (1, "week"), (3, "month")],
    ),
]


@st.composite
def moments(draw: Any) -> tuple[str, datetime, Pool]:
    """A zone, an as_of near one of its odd hours, and instants around."""
    zone = draw(st.sampled_from(sorted(ZONES)))
    odd = datetime.fromisoformat(ZONES[zone])
    if draw(pick(False, False, True)):
        odd = draw(pick(*(datetime.fromisoformat(text) for text in MONTH_ENDS)))
    odd = odd.replace(tzinfo=UTC)
    steps, lengths = draw(st.sampled_from(SCALES))
    near = st.builds(lambda a, b: odd + a + b, pick(*steps), pick(*MINUTES))
    pool = Pool([odd, *(draw(near) for _ in range(6))])
    place = ZoneInfo(zone)
    pool.append(day_start(local_day(draw(st.sampled_from(pool)), place), place))
    pool.lengths = lengths
    n, unit = draw(pick(*lengths, (0, "second")))
    on_edge = move(draw(st.sampled_from(pool)), n, unit, place)
    as_of = draw(pick(on_edge, on_edge, max(pool), odd + timedelta(draw(pick(1, 31)))))
    aim(pool, [], as_of, place)
    return zone, as_of, pool


def aim(pool: Pool, rules: list[Any], as_of: datetime, zone: ZoneInfo) -> None:
    """Let what is drawn from now on lie on the edges of rules and of local periods."""
    lengths = {length for rule in rules for length in said(rule)}
    away = [(sign * n, unit) for n, unit in sorted(lengths) for sign in (-1, 1)]
    today = local_day(as_of, zone)
    now = [unit_start(today, unit) for unit in BIG_UNITS]
    before = [move_day(d, -1, u) for d, u in zip(now, BIG_UNITS, strict=True)]
    birthdays = [
        date(1996, d.month, d.day) for n in (0, 1, 2) if (d := today + n * DAY)
    ]
    moved = [move_day(today, n, unit) for n, unit in away if unit in BIG_UNITS]
    pool.edges = [as_of, *(move(as_of, n, unit, zone) for n, unit in away)]
    pool.starts = [day_start(day, zone) for day in (*now, *before)]
    pool.days = [today, *now, *before, *moved, *moved, *birthdays, date(2000, 2, 29)]


DAY = timedelta(days=1)


def said(part: Any) -> Iterator[tuple[int, str]]:
    """The lengths of time that a rule speaks of."""
    if isinstance(part, dict):
        if "unit" in part:
            lengths = [v for v in part.values() if type(v) is int and v < 400]
            yield from ((n, part["unit"]) for n in lengths)
        for inner in part.values():
            yield from said(inner)
    if isinstance(part, list):
        for inner in part:
            yield from said(inner)


MONTH_ENDS = ["2024-02-29T12:00", "2025-01-31T23:00", "2025-02-28T12:00"]
MONTH_ENDS += ["2024-12-31T10:00", "2025-03-01T00:00"]


def times(pool: Pool, as_of: datetime) -> st.Chance[datetime]:
    near = [*pool, as_of, as_of + timedelta(microseconds=1)]
    edges = st.sampled_from(pool.edges), st.sampled_from(pool.starts)
    return st.one_of(*[st.sampled_from(near)] * 3, *edges)


def written(pool: Pool) -> st.Chance[str]:
    """Dates and instants as a rule or a property writes them."""
    forms = []
    for t in pool:
        naive = t.replace(tzinfo=None)
        forms += [t.date().isoformat(), t.isoformat(), naive.isoformat(" ")]
        forms.append(naive.isoformat() + ".25Z")
        forms.append((naive + timedelta(hours=2)).isoformat() + "+0200")
    return st.sampled_from(forms)


def scalars(pool: Pool) -> st.Chance[Any]:
    return st.one_of(
        st.none(),
        st.sampled_from(TEXTS),
        st.sampled_from(NUMBERS),
        st.booleans(),
        written(pool),
    )


def json_values(pool: Pool) -> st.Chance[Any]:
    lists = st.lists(scalars(pool), max_size=3)
    return st.one_of(scalars(pool), scalars(pool), lists, pick({"b": "x"}, {}))


def optional(strategy: st.Chance[Any]) -> st.Chance[Any]:
    return st.one_of(st.none(), strategy)


@st.composite
def worlds(draw: Any, as_of: datetime, pool: Pool) -> World:
    when = times(pool, as_of)
    days = st.one_of(when.map(lambda t: t.date()), st.sampled_from(pool.days))
    texts = st.one_of(st.sampled_from(TEXTS), written(pool))
    numbers = st.one_of(st.sampled_from(NUMBERS).map(float), st.just(float("nan")))
    profile = st.fixed_dictionaries(
        {
            "name": optional(texts),
            "score": optional(numbers),
            "n": optional(st.integers(-3, 10)),
            "flag": optional(st.booleans()),
            "born": optional(
                st.one_of(days, st.sampled_from(pool.days), pick(date(1999, 3, 1)))
            ),
            "seen": optional(st.one_of(when, st.sampled_from(pool.edges))),
            "tags": optional(st.lists(optional(st.sampled_from(TEXTS)), max_size=3)),
            "nums": optional(st.lists(optional(numbers), max_size=3)),
        }
    )
    active = [*PEOPLE[1:], "stranger"]
    profiles = {person: draw(profile) for person in PEOPLE}
    event = st.fixed_dictionaries(
        {
            "event_id": st.sampled_from([f"e{n}" for n in range(90)] + ["é", "Z"]),
            "profile_id": st.sampled_from(active),
            "event": pick("a", "a", "b", "c"),
            "occurred_at": when,
            "properties": properties(pool),
        }
    )
    row = st.fixed_dictionaries(
        {
            "profile_id": st.sampled_from(PEOPLE),
            "sku": optional(texts),
            "price": optional(numbers),
            "paid": optional(st.booleans()),
            "day": optional(days),
        }
    )
    decision = st.fixed_dictionaries(
        {
            "profile_id": st.sampled_from(PEOPLE),
            "purpose": pick("ads", "mail"),
            "status": pick("granted", "denied", "unknown"),
            "captured_at": pick(pool[0], pool[1], as_of, max(pool)),
        }
    )
    return World(
        profiles,
        draw(st.lists(event, min_size=draw(pick(0, 25)), max_size=36)),
        {"order": draw(st.lists(row, max_size=16))},
        draw(st.lists(decision, max_size=32)),
        {"vip": set(draw(st.lists(st.sampled_from(PEOPLE), max_size=2)))},
        audiences=AUDIENCES,
    )


@st.composite
def crowded(draw: Any, world: World, as_of: datetime, pool: Pool) -> World:
    """The same world, but one person has a hundred events, most of them long ago."""
    when = times(pool, as_of)
    ago = st.one_of(st.integers(0, 3), st.integers(0, 900))
    event = st.fixed_dictionaries(
        {
            "profile_id": pick("p2", "p2", "p2", "p2", "p10"),
            "event": pick("a", "a", "a", "b"),
            "occurred_at": st.builds(lambda t, n: t - timedelta(hours=n), when, ago),
            "properties": properties(pool),
        }
    )
    events = draw(st.lists(event, min_size=60, max_size=120))
    numbered = [{"event_id": f"e{n}", **event} for n, event in enumerate(events)]
    people = {name: world.profiles[name] for name in ("p1", "p10", "p2")}
    return replace(world, profiles=people, events=numbered)


def properties(pool: Pool) -> st.Chance[dict[str, Any]]:
    texts = optional(st.one_of(st.sampled_from(TEXTS), written(pool)))
    declared = {
        "page": texts,
        "amount": optional(st.sampled_from(NUMBERS).map(float)),
        "day": optional(st.sampled_from(pool).map(lambda t: t.date())),
        "marks": optional(st.lists(optional(st.sampled_from(TEXTS)), max_size=3)),
    }
    loose = {
        "v": json_values(pool),
        "a.b": json_values(pool),
        "a": st.one_of(st.just({"b": 5}), st.just({"b": {"c": "x"}}), scalars(pool)),
        'q"': scalars(pool),
    }
    return st.fixed_dictionaries(declared, optional=loose)


# ---- rules


@st.composite
def comparisons(
    draw: Any, pool: Pool, key: str, names: list[Any], forms: Any = None
) -> Any:
    """A comparison of one of the names, as a document."""
    other = st.sampled_from(names).map(lambda name: {key: name})
    literal = st.one_of(st.sampled_from(TEXTS), st.sampled_from(NUMBERS), written(pool))
    items = st.lists(st.one_of(literal, st.booleans()), min_size=1, max_size=3)
    text = st.one_of(st.sampled_from(TEXTS), other)
    form = draw(st.sampled_from(forms or FORMS))
    made: dict[str, Any] = {key: draw(st.sampled_from(names))}
    if form == "plain":
        made["op"] = draw(pick("is_true", "is_false"))
    elif form == "presence":
        made["op"] = draw(pick("is_missing", "is_present", "is_blank"))
        return made
    elif form == "scalar":
        made["op"] = draw(pick("eq", "neq", "gt", "gte", "lt", "lte"))
        more = [st.booleans()] if made["op"] in ("eq", "neq") else []
        made["value"] = draw(st.one_of(literal, other, *more))
    elif form == "range":
        made["op"] = draw(pick("between", "not_between"))
        pair = draw(
            pick(st.sampled_from(TEXTS), st.sampled_from(NUMBERS), written(pool))
        )
        made["value"], made["to"] = draw(st.tuples(st.one_of(pair, other), pair))
    elif form == "text":
        ops = ("contains", "starts_with", "ends_with")
        made["op"] = draw(pick(*ops, *(f"not_{op}" for op in ops)))
        made["value"] = draw(text)
    elif form == "pattern":
        made["op"] = draw(pick("matches", "not_matches"))
        made["value"] = draw(pick("^X", "x$", r"\d", r"^[A-Z]\D?$", ".", "5|é"))
    elif form == "texts":
        made["op"] = "contains_any"
        made["value"] = draw(st.lists(pick("x", "X", "5", "e"), min_size=1, max_size=2))
    elif form == "items":
        made["op"] = draw(pick("in", "not_in", "has_any", "has_all", "has_none"))
        made["value"] = draw(items)
    elif form == "size":
        made["op"], made["value"] = "size", draw(numeric())
    else:
        made |= draw(date_comparison(pool, other))
    if form in ("scalar", "range", "text", "pattern", "texts", "items"):
        if draw(pick(False, False, True)):
            made["case"] = draw(pick("ignore", "ignore", "sensitive"))
            if isinstance(made["value"], str) and form != "range":
                made["value"] = draw(pick("x", "X", "XY", "É", "TRUE"))
    if draw(pick(False, False, True)):
        made["include_missing"] = draw(st.booleans())
    return made


FORMS = ["plain", "presence", "scalar", "scalar", "range", "text", "pattern", "texts"]
FORMS += ["items", "items", "size", "date", "date", "date"]


@st.composite
def spans(draw: Any, pool: Pool) -> tuple[int, int, str]:
    """From and to of a window that ends some time ago."""
    n, unit = draw(pick(*pool.lengths, (draw(SMALL), draw(st.sampled_from(UNITS)))))
    return draw(pick((n, 0, unit), (n + draw(SMALL), n, unit)))


@st.composite
def date_comparison(draw: Any, pool: Pool, other: Any) -> Any:
    op = draw(
        pick(
            *("before", "after", "on", "in_last", "in_next", "older_than", "beyond"),
            *("between_ago", "this", "previous", "anniversary_in_next"),
        )
    )
    if op in ("before", "after", "on"):
        return {"op": op, "value": draw(st.one_of(written(pool), other))}
    if op in ("this", "previous"):
        return {"op": op, "unit": draw(st.sampled_from(BIG_UNITS))}
    unit = draw(st.sampled_from(BIG_UNITS))
    if op == "between_ago":
        start, end, unit = draw(spans(pool))
        return {"op": op, "from": start, "to": end, "unit": unit}
    if op == "anniversary_in_next":
        n, today = draw(pick(1, 2, 30, 366)), draw(st.booleans())
        return {"op": op, "value": n, "unit": "day", "include_today": today}
    n, unit = draw(pick(*pool.lengths, (1, unit), (1, draw(st.sampled_from(UNITS)))))
    return {"op": op, "value": n, "unit": unit}


@st.composite
def numeric(draw: Any) -> Any:
    op = draw(st.sampled_from(NUMBER_OPS))
    n = pick(0, 1, 2, 3, 0.5)
    if op in ("in", "not_in"):
        return {"op": op, "value": draw(st.lists(n, min_size=1, max_size=2))}
    made = {"op": op, "value": draw(n)}
    return made | ({"to": draw(n)} if op.endswith("between") else {})


EVENT_NAMES = [
    "page",
    "amount",
    "day",
    "marks",
    "v",
    "a.b",
    ["a", "b"],
    ["a", "b", "c"],
]
EVENT_NAMES += ['q"', "never"]


def clauses(pool: Pool, names: list[Any]) -> st.Chance[Any]:
    leaf = comparisons(pool, "property", names)
    nested = st.one_of(
        leaf,
        leaf,
        st.lists(leaf, max_size=2).map(lambda parts: {"any": parts}),
        st.lists(leaf, max_size=2).map(lambda parts: {"all": parts}),
        leaf.map(lambda part: {"not": part}),
    )
    return st.lists(nested, max_size=2)


@st.composite
def patterns(draw: Any, pool: Pool) -> Any:
    made: dict[str, Any] = draw(
        pick({"event": "a"}, {"event": "b"}, {"any_event": True}, {"event": "never"})
    )
    if draw(pick(False, False, True)):
        made = {**made, "where": draw(clauses(pool, EVENT_NAMES))}
    return dict(made)


@st.composite
def windows(draw: Any, pool: Pool) -> Any:
    unit, form = draw(st.sampled_from(UNITS)), draw(st.integers(0, 4))
    if form == 0:
        return draw(durations(pool, "last"))
    if form == 1:
        unit, today = draw(st.sampled_from(BIG_UNITS)), draw(st.booleans())
        made = {"last": draw(SMALL), "unit": unit, "mode": "calendar"}
        return {**made, "include_today": today}
    if form == 2:
        start, end, unit = draw(spans(pool))
        return {"from_ago": start, "to_ago": end, "unit": unit}
    edges = draw(st.tuples(written(pool), written(pool)))
    if form == 3:
        return {"from": edges[0], "to": edges[1]}
    both = {"after": edges[0], "before": edges[1]}
    return draw(pick(both, {"after": edges[0]}, {"before": edges[1]}))


def durations(pool: Pool, key: str = "lte") -> st.Chance[Any]:
    lengths = st.sampled_from(pool.lengths)
    return lengths.map(lambda length: {key: length[0], "unit": length[1]})


@st.composite
def simple_patterns(draw: Any, pool: Pool) -> Any:
    if draw(pick(*[False] * 9, True)):
        return draw(patterns(pool))
    return dict(draw(pick({"event": "a"}, {"event": "b"}, {"any_event": True})))


@st.composite
def sequences(draw: Any, pool: Pool) -> Any:
    steps = [draw(simple_patterns(pool)) for _ in range(draw(pick(1, 2, 2, 3, 3, 4)))]
    for step in steps[1:]:
        form = draw(pick("", "", "gap", "gap", "immediately", "both", "absent"))
        if form in ("gap", "both", "absent"):
            step["gap"] = draw(durations(pool))
        if form in ("immediately", "both"):
            step["immediately"] = True
        if form == "absent":
            step["absent"] = True
    made: dict[str, Any] = {"steps": steps}
    if draw(pick(False, True)):
        made["total"] = draw(durations(pool))
    if draw(pick(False, False, False, True)):
        made["within"] = draw(windows(pool))
    return {"sequence": made}


@st.composite
def lifecycles(draw: Any, pool: Pool) -> Any:
    made = draw(patterns(pool))
    spell = durations(pool, "last")
    state = draw(pick("first_time", "regularly", "stopped", "restarted"))
    made["state"] = state
    if state == "first_time":
        made["within"] = draw(windows(pool))
    elif state == "regularly":
        of = draw(st.integers(1, 4))
        per = {"n": draw(SMALL), "unit": draw(st.sampled_from(BIG_UNITS))}
        made |= {"times": draw(st.integers(1, 2)), "per": per, "of": of}
        made["at_least"] = draw(st.integers(1, of))
    else:
        made |= {"active": draw(spell), "silent": draw(spell)}
    return {"lifecycle": made}


@st.composite
def behaviours(draw: Any, pool: Pool) -> Any:
    made = draw(patterns(pool))
    if draw(pick(False, True)):
        made["within"] = draw(windows(pool))
    form = draw(pick("did", "times", "total", "last", "first"))
    if form == "times":
        made["times"] = draw(numeric())
    elif form == "total":
        agg = draw(pick("sum", "avg", "min", "max", "distinct"))
        subject = {"property": draw(st.sampled_from(EVENT_NAMES)), "agg": agg}
        made["total"] = {**subject, **draw(numeric())}
    elif form in ("last", "first"):
        made["has"] = draw(clauses(pool, EVENT_NAMES))
        return {form: made}
    return {"did": made}


@st.composite
def related_rules(draw: Any, pool: Pool) -> Any:
    word = pick("any", "all", "none")
    counted = st.builds(
        lambda name, n: {name: n},
        pick("at_least", "at_most", "exactly"),
        st.integers(0, 2),
    )
    where = draw(clauses(pool, [*COLUMNS, "never"]))
    quantifier = draw(st.one_of(word, counted))
    return {"related": {"entity": "order", "quantifier": quantifier, "where": where}}


def profile_rules(pool: Pool) -> st.Chance[Any]:
    consent = st.builds(
        lambda purpose, status: {"consent": {"purpose": purpose, "status": status}},
        pick("ads", "mail"),
        pick("granted", "denied", "unknown"),
    )
    sample = st.builds(
        lambda percent, start: {
            "sample": {"percent": percent, "salt": "s", "from": start}
        },
        pick(0, 10, 33.3, 50),
        pick(0, 12.5, 50),
    )
    exact = st.sampled_from(BUCKETS)
    edge = st.one_of(
        exact.map(lambda n: {"percent": 10, "salt": "s", "from": n}),
        exact.map(lambda n: {"percent": n, "salt": "s"}),
    ).map(lambda given: {"sample": given})
    attribute = comparisons(pool, "attribute", list(ATTRIBUTES))
    listed = pick({"list": {"in": "vip"}})
    audience = st.sampled_from([{"sql": {"select": text}} for text in AUDIENCES])
    rest = st.one_of(consent, consent, sample, edge, listed, audience)
    return st.one_of(attribute, attribute, attribute, rest, rest, rest)


@st.composite
def tops(draw: Any, pool: Pool) -> Any:
    by = draw(pick("score", "n", "name", "born", "seen", "flag"))
    made = {"n": draw(SMALL), "by": by, "order": draw(pick("asc", "desc"))}
    if draw(st.booleans()):
        made["of"] = draw(st.one_of(profile_rules(pool), behaviours(pool)))
    return {"top": made}


def rules(pool: Pool) -> st.Chance[Any]:
    reference = pick({"segment": {"in": "inner"}}, {"segment": {"not_in": "inner"}})
    leaf = st.one_of(
        profile_rules(pool),
        profile_rules(pool),
        behaviours(pool),
        behaviours(pool),
        sequences(pool),
        sequences(pool),
        lifecycles(pool),
        related_rules(pool),
        tops(pool),
        reference,
    )
    logic = st.one_of(
        st.lists(leaf, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(leaf, max_size=3).map(lambda parts: {"any": parts}),
        leaf.map(lambda part: {"not": part}),
    )
    return st.one_of(leaf, leaf, logic)


def plain_rules(pool: Pool) -> st.Chance[Any]:
    """What needs no events, every operator of it."""
    attribute = comparisons(pool, "attribute", list(ATTRIBUTES))
    related = related_rules(pool)
    return st.one_of(
        attribute, attribute, related, related, profile_rules(pool), tops(pool)
    )


def crowd_rules(pool: Pool) -> st.Chance[Any]:
    """What can be told from buckets, and some of what cannot."""
    leaf = st.one_of(behaviours(pool), lifecycles(pool))
    parts = st.lists(leaf, min_size=1, max_size=2)
    return st.one_of(leaf, parts.map(lambda found: {"any": found}))


def dated_rules(pool: Pool) -> st.Chance[Any]:
    """Dates and instants of every kind against literals, windows and each other."""
    forms = ["date", "date", "scalar", "range", "items"]
    names = ["seen", "seen", "born", "name"]
    loose = comparisons(pool, "property", ["v", "day", "page"], ["date"])
    return st.one_of(
        comparisons(pool, "attribute", names, forms),
        comparisons(pool, "attribute", names, forms),
        loose.map(lambda made: {"did": {"any_event": True, "where": [made]}}),
    )


def inner_rules(pool: Pool) -> st.Chance[Any]:
    """What another segment says."""
    return st.one_of(behaviours(pool), profile_rules(pool))


FAMILIES: dict[str, Any] = {
    "profile": plain_rules,
    "sequence": sequences,
    "dates": dated_rules,
    "events": lambda pool: st.one_of(behaviours(pool), lifecycles(pool)),
    "mixed": rules,
}
CROWD: dict[str, Any] = {"crowd": lambda pool: crowd_rules(pool)}
"""Rules for `crowded` worlds: a sequence would take the reference for ever there."""

# ---- the tables

POPULATION = Population(
    profiles="main.profile",
    attributes=ATTRIBUTES,
    events="event",
    typed_properties=DECLARED,
    json_properties="extra",
    related={"order": RelatedTable("orders", COLUMNS)},
    consent="consent",
    lists={"vip": "vip"},
    views={"person": "main.profile"},
)


def fill(connection: Any, world: World) -> None:
    """Put a world into the tables of POPULATION."""
    fields = ", ".join(f'"{name}" {kind}' for name, kind in DECLARED.items())
    columns = ", ".join(f"{name} {kind}" for name, kind in ATTRIBUTES.items())
    others = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    for table in (
        f"profile (profile_id varchar, {columns})",
        "event (profile_id varchar, event_id varchar, event varchar, "
        f"occurred_at timestamptz, properties struct({fields}), extra json)",
        f"orders (profile_id varchar, {others})",
        "consent (profile_id varchar, purpose varchar, status varchar, "
        "captured_at timestamptz)",
        "vip (profile_id varchar)",
    ):
        connection.execute(f"create or replace table {table}")
    people = [{**row, "profile_id": p} for p, row in world.profiles.items()]
    insert(connection, "profile", rows_of(people, *ATTRIBUTES))
    insert(connection, "orders", rows_of(world.related["order"], *COLUMNS))
    decision = ("purpose", "status", "captured_at")
    insert(connection, "consent", rows_of(world.consent, *decision))
    insert(connection, "vip", [[person] for person in world.lists["vip"]])
    events = {event["event_id"]: event for event in reversed(world.events)}
    if events:
        struct = ", ".join(f'"{name}" := ?::{kind}' for name, kind in DECLARED.items())
        form = f"(?, ?, ?, ?, struct_pack({struct}), ?)"
        rows = [event_row(event) for event in events.values()]
        insert_rows(connection, "event", form, rows)


def rows_of(rows: list[dict[str, Any]], *names: str) -> list[list[Any]]:
    return [[row[name] for name in ("profile_id", *names)] for row in rows]


def plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def insert(connection: Any, table: str, rows: list[list[Any]]) -> None:
    if rows:
        marks = f"({', '.join('?' for _ in rows[0])})"
        insert_rows(connection, table, marks, rows)


def insert_rows(connection: Any, table: str, form: str, rows: list[list[Any]]) -> None:
    """One statement for all rows: one each would take most of the test's time."""
    values = [plain(value) for row in rows for value in row]
    forms = ", ".join(form for _ in rows)
    connection.execute(f"insert into {table} values {forms}", values)


def event_row(event: dict[str, Any]) -> list[Any]:
    given = event["properties"]
    extra = {k: v for k, v in given.items() if k not in DECLARED}
    return [
        event["profile_id"],
        event["event_id"],
        event["event"],
        event["occurred_at"],
        *(given[name] for name in DECLARED),
        json.dumps(extra),
    ]
