"""A rule in plain English."""

from __future__ import annotations

from functools import singledispatch

from dmp.segments.phrases import (
    compared,
    counted,
    length,
    lengths,
    measured,
    named,
    window,
)
from dmp.segments.rule import (
    All,
    AnyOf,
    Attribute,
    Clause,
    Condition,
    Consent,
    Did,
    Endmost,
    FirstTime,
    InList,
    InSegment,
    Node,
    Not,
    Pattern,
    Regularly,
    Related,
    Restarted,
    Sample,
    Sequence,
    Sql,
    Step,
    Stopped,
    Top,
    leaves,
)

_ROWS = {
    "any": "has a {entity} row",
    "none": "has no {entity} row",
    "all": "has only {entity} rows",
    "at_least": "has at least {n} {entity} rows",
    "at_most": "has at most {n} {entity} rows",
    "exactly": "has exactly {n} {entity} rows",
}
_DECIDED = {
    "granted": "gave consent for {purpose}",
    "denied": "declined {purpose}",
    "unknown": "said nothing yet about {purpose}",
}


def sentence(node: Node | Condition) -> str:
    """Return what a node says, without a full stop.

    >>> from dmp.segments.rule import Attribute, Comparison
    >>> sentence(Attribute("country", Comparison("eq", "GB")))
    'country is GB'
    """
    return _said(node)


def conditions_said(rule: Node) -> dict[str, str]:
    """Return by its path what each condition of a rule says, in the rule's order."""
    return {path: sentence(leaf) for path, leaf in leaves(rule)}


@singledispatch
def _said(node: object) -> str:
    raise TypeError(f"{type(node).__name__} is no node of a rule")


@_said.register
def _all(node: All) -> str:
    return " and ".join(_inner(part) for part in node.parts) or "everyone"


@_said.register
def _any_of(node: AnyOf) -> str:
    return " or ".join(_inner(part) for part in node.parts) or "nobody"


@_said.register
def _not(node: Not) -> str:
    part = node.part
    if isinstance(part, Did) and not measured(part.measure):
        return _did(part, _none(part.pattern))
    if isinstance(part, InSegment):
        return _in_segment(InSegment(part.id, not part.negated))
    if isinstance(part, InList):
        return f"is not on the list {part.id}"
    return f"not: {_inner(part)}"


def _inner(part: Node | Condition) -> str:
    text = sentence(part)
    several = isinstance(part, All | AnyOf) and len(part.parts) > 1
    return f"({text})" if several else text


@_said.register
def _condition(node: Condition) -> str:
    return f"{named(node.property)} {compared(node.comparison)}"


@_said.register
def _attribute(node: Attribute) -> str:
    return f"{named(node.name)} {compared(node.comparison)}"


@_said.register
def _did(node: Did, verb: str = "did") -> str:
    event = _event(node.pattern, verb)
    return _words(event, measured(node.measure), window(node.within))


@_said.register
def _endmost(node: Endmost) -> str:
    event = f"the {'last' if node.latest else 'first'} {_what(node.pattern)}"
    has = f"is one {_where(node.has)}" if node.has else "is there"
    return _words(event, window(node.within), has)


@_said.register
def _sequence(node: Sequence) -> str:
    first, *rest = node.steps
    steps = [_event(first.pattern), *(_step(step) for step in rest)]
    total = (
        f"the last at most {length(node.total)} after the first, " if node.total else ""
    )
    return f"{', '.join(steps)}, {total}{_all_within(node)}"


def _all_within(node: Sequence) -> str:
    return f"all {window(node.within)}" if node.within else window(None)


def _step(step: Step) -> str:
    gap = f"within {length(step.gap)}" if step.gap else ""
    if step.absent:
        return _words("then no", _what(step.pattern), gap)
    next_ = "then, with nothing between," if step.immediately else "then"
    return _words(next_, _what(step.pattern), gap)


@_said.register
def _first_time(node: FirstTime) -> str:
    return _words(_event(node.pattern), "for the first time", window(node.within))


@_said.register
def _regularly(node: Regularly) -> str:
    often = f"at least {counted(node.times)} in each of at least {node.at_least}"
    period = lengths(node.per, node.of)
    return _words(_event(node.pattern), often, f"of the last {node.of} {period}")


@_said.register
def _stopped(node: Stopped) -> str:
    active, silent = length(node.active), length(node.silent)
    return (
        f"{_event(node.pattern, _none(node.pattern))} in the last {silent}, "
        f"but did in the {active} before"
    )


@_said.register
def _restarted(node: Restarted) -> str:
    active, silent = length(node.active), length(node.silent)
    return (
        f"{_event(node.pattern)} again in the last {active}, "
        f"after {silent} without and at some time before"
    )


@_said.register
def _related(node: Related) -> str:
    rows = _ROWS[node.quantifier].format(entity=named(node.entity), n=node.n)
    if node.quantifier in ("at_least", "at_most", "exactly") and node.n == 1:
        rows = rows.removesuffix("s")
    return _words(rows, _where(node.where))


@_said.register
def _in_segment(node: InSegment) -> str:
    return f"{'is not' if node.negated else 'is'} in the segment {node.id}"


@_said.register
def _consent(node: Consent) -> str:
    return _DECIDED[node.status].format(purpose=named(node.purpose))


@_said.register
def _in_list(node: InList) -> str:
    return f"is on the list {node.id}"


@_said.register
def _sample(node: Sample) -> str:
    share = f"is in the sample {node.salt} of {node.percent:g} % of people"
    return f"{share}, from {node.start:g} % on" if node.start else share


@_said.register
def _top(node: Top) -> str:
    end = "highest" if node.descending else "lowest"
    best = f"is among the {node.n:,} people with the {end} {named(node.by)}"
    return f"{best} of those for whom {_inner(node.of)}" if node.of else best


@_said.register
def _sql(node: Sql) -> str:
    return f"is found by the query {' '.join(node.select.split())}"


def _event(pattern: Pattern, verb: str = "did") -> str:
    """Return who did what; a verb for nothing stands alone."""
    if pattern.event is None:
        verb = f"{verb} anything" if verb == "did" else verb
        return _words(verb, _where(pattern.where))
    return f"{verb} {_what(pattern)}"


def _none(pattern: Pattern) -> str:
    return "did nothing" if pattern.event is None else "did not do"


def _what(pattern: Pattern) -> str:
    event = "event" if pattern.event is None else named(pattern.event)
    return _words(event, _where(pattern.where))


def _where(clauses: tuple[Clause, ...]) -> str:
    said = " and ".join(_inner(clause) for clause in clauses)
    return f"where {said}" if said else ""


def _words(*parts: str) -> str:
    return " ".join(part for part in parts if part)
