"""What the cases of the agreement reached: every word of the language, every edge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from dmp.segments.operators import NUMBER_OPS, OPERATORS, Takes

Feature: TypeAlias = tuple[str, str]
"""A group of the table and a word of it."""

Rule: TypeAlias = Mapping[str, Any]

UNITS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
BIG_UNITS = UNITS[3:]
STORED = ("text", "number", "boolean", "list", "nothing")
RELATIVE = [o for o in OPERATORS.values() if o.takes in (Takes.COUNT, Takes.AGO)]

WORDS: Mapping[str, Iterable[str]] = {
    "node": "all any not attribute did last first sequence lifecycle related segment "
    "consent list sample top sql".split(),
    "attribute": OPERATORS,
    "event property": OPERATORS,
    "related property": OPERATORS,
    "times": NUMBER_OPS,
    "total": NUMBER_OPS,
    "aggregate": "sum avg min max distinct".split(),
    "size": NUMBER_OPS,
    "missing": [f"{kind} {on}" for kind in ("positive", "negative") for on in (0, 1)],
    "case": ["ignore", "sensitive"],
    "other value": "eq neq gt gte lt lte between not_between contains starts_with "
    "ends_with before after on".split(),
    "relative unit": [
        *(f"{op.name} {unit}" for op in RELATIVE for unit in UNITS),
        *(f"{op} {unit}" for op in ("this", "previous") for unit in BIG_UNITS),
    ],
    "where": ["condition", "any", "all", "not", "event", "any_event", "dotted path"],
    "within": [
        *(f"last {unit}" for unit in UNITS),
        *(f"calendar {unit}" for unit in BIG_UNITS),
        *(f"calendar {unit} with today" for unit in BIG_UNITS),
        *(f"from_ago {unit}" for unit in UNITS),
        *("after", "before", "after and before", "from and to"),
    ],
    "step": "gap immediately both absent".split(),
    "step unit": [f"{o} {u}" for o in ("gap", "absent", "total") for u in UNITS],
    "lifecycle": "first_time regularly stopped restarted".split(),
    "spell unit": [f"{s} {u}" for s in ("active", "silent") for u in UNITS],
    "period": BIG_UNITS,
    "quantifier": "any all none at_least at_most exactly".split(),
    "segment": ["in", "not_in"],
    "consent": ["granted", "denied", "unknown"],
    "top": ["asc", "desc", "of"],
}
"""Every word that some rule has to say."""

EDGES: Mapping[str, Iterable[str]] = {
    "window": [
        *("within last: start", "within last: as_of"),
        *("within calendar: start", "within calendar: end", "within calendar: as_of"),
        *("within from_ago: start", "within from_ago: end", "within from_ago: as_of"),
        *(
            f"within {edge}: {kind}"
            for edge in ("after", "before", "from", "to")
            for kind in ("a date", "an instant")
        ),
    ],
    "operator": [
        *("between: value", "between: to"),
        *(f"{o.name} of a date: value" for o in RELATIVE if o.takes is Takes.COUNT),
        *(f"{o.name} of an instant: value" for o in RELATIVE if o.takes is Takes.COUNT),
        *(f"{o} of a date: now" for o in ("in_last", "in_next")),
        *(f"{o} of an instant: now" for o in ("in_last", "in_next")),
        *(f"between_ago of a date: {edge}" for edge in ("from", "to")),
        *(f"between_ago of an instant: {edge}" for edge in ("from", "to")),
        *("this: its first day", "previous: its first day"),
        "previous: the day after it",
        *("anniversary: today", "anniversary: the last day"),
        "anniversary: 29 February",
    ],
    "dates": [
        *("date against date", "date against datetime", "instant against instant"),
        *("a month's last day", "a skipped local time", "a repeated local time"),
        *("a day without midnight", "a day with two midnights"),
    ],
    "events": [
        *("an event after as_of", "an event_id that came before"),
        *("a count of zero", "a total of nothing", "last: a tie", "first: a tie"),
    ],
    "sequence": [
        *("gap: its end", "total: its end", "sequence: a tie"),
        *("absent: its start", "absent: its end", "absent: over"),
    ],
    "lifecycle": [
        *(
            f"{s}: the {e} edge"
            for s in ("stopped", "restarted")
            for e in ("far", "near")
        ),
        *("regularly: a period's start", "regularly: the last period's end"),
    ],
    "profile": [
        *("consent: a tie with denied", "consent: as_of"),
        *("sample: from", "sample: end", "top: a tie"),
    ],
    "reading": [
        f"{stored} read as {wanted}"
        for stored in STORED
        for wanted in ("text", "number", "boolean")
    ],
}
"""Every odd place that some history has to lie on, as the reference notes it."""

LIVE_NEVER = {("node", "sql"), ("node", "top"), *(("top", w) for w in WORDS["top"])}
"""What the live evaluator leaves to the batch."""


@dataclass
class Reached:
    """How many cases reached each word, by evaluator, and each edge."""

    words: Mapping[str, Counter[Feature]] = field(
        default_factory=lambda: {"sql": Counter(), "live": Counter()}
    )
    edges: Counter[str] = field(default_factory=Counter)

    def note(self, evaluator: str, *documents: Rule) -> None:
        """Note a case that an evaluator answered as the reference does."""
        features = {f for document in documents for f in of_node(document["rule"])}
        self.words[evaluator].update(features)

    def all(self) -> Iterator[object]:
        """Yield all that was reached and is asked for."""
        for evaluator, words in self.words.items():
            yield from ((evaluator, f) for f in features() if words[f])
        for names in EDGES.values():
            yield from (name for name in names if self.edges[name])

    def missing(self) -> list[str]:
        """Return what was never reached, and by whom."""
        found = [
            f"{evaluator}: {group} {word}"
            for evaluator, words in self.words.items()
            for group, word in features()
            if not words[group, word]
            and not (evaluator == "live" and (group, word) in LIVE_NEVER)
        ]
        edges = [name for names in EDGES.values() for name in names]
        return found + [f"edge: {name}" for name in edges if not self.edges[name]]

    def table(self) -> str:
        """Return the table: each word with its cases by sql and live, each edge."""
        lines = [f"{'':18}{'':34}{'sql':>8}{'live':>8}"]
        for group, word in features():
            sql, live = (self.words[name][group, word] for name in ("sql", "live"))
            shown = "batch" if (group, word) in LIVE_NEVER else f"{live:,}"
            lines.append(f"{group:18}{word:34}{sql:>8,}{shown:>8}")
        for group, names in EDGES.items():
            lines += [f"edge of {group:10}{n:34}{self.edges[n]:>8,}" for n in names]
        return "\n".join(lines)


def features() -> Iterator[Feature]:
    """Yield every word that some rule has to say."""
    for group, words in WORDS.items():
        yield from ((group, word) for word in words)


def of_node(node: Rule) -> Iterator[Feature]:
    """Yield what a rule says."""
    if "attribute" in node:
        yield "node", "attribute"
        yield from _of_comparison("attribute", node)
        return
    ((key, inner),) = node.items()
    yield "node", key
    if key in ("all", "any"):
        for part in inner:
            yield from of_node(part)
    elif key == "not":
        yield from of_node(inner)
    elif key in _NODES:
        yield from _NODES[key](inner)


def _of_comparison(place: str, made: Rule) -> Iterator[Feature]:
    op, value = made["op"], made.get("value")
    yield place, op
    if op == "size":
        yield "size", value["op"]
    if isinstance(made.get(_KEY[place]), list) or "." in made[_KEY[place]]:
        yield "where", "dotted path"
    if "include_missing" in made:
        kind = "negative" if OPERATORS[op].negative else "positive"
        yield "missing", f"{kind} {int(made['include_missing'])}"
    if "case" in made:
        yield "case", made["case"]
    if "unit" in made:
        yield "relative unit", f"{op} {made['unit']}"
    if isinstance(value, dict) and op != "size":
        yield "other value", op


_KEY = {
    "attribute": "attribute",
    "event property": "property",
    "related property": "property",
}


def _of_where(place: str, parts: Iterable[Rule]) -> Iterator[Feature]:
    for part in parts:
        if "property" in part:
            yield "where", "condition"
            yield from _of_comparison(place, part)
            continue
        ((key, inner),) = part.items()
        yield "where", key
        yield from _of_where(place, [inner] if key == "not" else inner)


def _of_pattern(node: Rule) -> Iterator[Feature]:
    yield "where", "any_event" if "any_event" in node else "event"
    yield from _of_where("event property", node.get("where", ()))
    yield from _of_within(node.get("within"))


def _of_within(within: Rule | None) -> Iterator[Feature]:
    if not within:
        return
    unit = within.get("unit")
    if "mode" in within:
        today = " with today" if within["include_today"] else ""
        yield "within", f"calendar {unit}{today}"
    elif unit:
        yield "within", f"{'last' if 'last' in within else 'from_ago'} {unit}"
    else:
        yield "within", " and ".join(within)


def _of_did(node: Rule) -> Iterator[Feature]:
    yield from _of_pattern(node)
    total = node.get("total")
    if total:
        yield "aggregate", total["agg"]
        yield "total", total["op"]
    elif "times" in node:
        yield "times", node["times"]["op"]


def _of_endmost(node: Rule) -> Iterator[Feature]:
    yield from _of_pattern(node)
    yield from _of_where("event property", node["has"])


def _of_sequence(node: Rule) -> Iterator[Feature]:
    yield from _of_within(node.get("within"))
    if "total" in node:
        yield "step unit", f"total {node['total']['unit']}"
    for step in node["steps"]:
        yield from _of_pattern(step)
        name = "absent" if "absent" in step else "gap"
        if "gap" in step:
            yield "step unit", f"{name} {step['gap']['unit']}"
        if "gap" in step and "immediately" in step:
            yield "step", "both"
        elif "gap" in step or "immediately" in step:
            yield "step", "immediately" if "immediately" in step else name


def _of_lifecycle(node: Rule) -> Iterator[Feature]:
    yield "lifecycle", node["state"]
    yield from _of_pattern(node)
    for spell in ("active", "silent"):
        if spell in node:
            yield "spell unit", f"{spell} {node[spell]['unit']}"
    if "per" in node:
        yield "period", node["per"]["unit"]


def _of_related(node: Rule) -> Iterator[Feature]:
    yield (
        "quantifier",
        next(iter(node["quantifier"]), "")
        if isinstance(node["quantifier"], dict)
        else node["quantifier"],
    )
    yield from _of_where("related property", node.get("where", ()))


def _of_top(node: Rule) -> Iterator[Feature]:
    yield "top", node["order"]
    if "of" in node:
        yield "top", "of"
        yield from of_node(node["of"])


_NODES: Mapping[str, Any] = {
    "did": _of_did,
    "last": _of_endmost,
    "first": _of_endmost,
    "sequence": _of_sequence,
    "lifecycle": _of_lifecycle,
    "related": _of_related,
    "segment": lambda node: (("segment", key) for key in node),
    "consent": lambda node: [("consent", node["status"])],
    "top": _of_top,
}
