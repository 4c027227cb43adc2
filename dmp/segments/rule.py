"""The tree of a segment rule: frozen nodes, each meaning exactly one thing.

Every class is one form of `docs/segment-rules.md`; what they are made of, and
the nodes without parts, are in `terms` and may be imported from here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from dmp.segments.terms import Ago as Ago
from dmp.segments.terms import Apart as Apart
from dmp.segments.terms import Calendar as Calendar
from dmp.segments.terms import Comparison as Comparison
from dmp.segments.terms import Consent as Consent
from dmp.segments.terms import Duration as Duration
from dmp.segments.terms import InList as InList
from dmp.segments.terms import InSegment as InSegment
from dmp.segments.terms import Other as Other
from dmp.segments.terms import Property as Property
from dmp.segments.terms import Range as Range
from dmp.segments.terms import Rolling as Rolling
from dmp.segments.terms import Sample as Sample
from dmp.segments.terms import Scalar as Scalar
from dmp.segments.terms import Sql as Sql
from dmp.segments.terms import Within as Within


@dataclass(frozen=True)
class Condition:
    """One comparison of a property of an event or of a related row."""

    property: Property
    comparison: Comparison


@dataclass(frozen=True)
class All:
    """True when every part is; true of no parts."""

    parts: tuple[Node | Condition, ...]


@dataclass(frozen=True)
class AnyOf:
    """True when some part is; false of no parts."""

    parts: tuple[Node | Condition, ...]


@dataclass(frozen=True)
class Not:
    """The exact complement of its part over the whole population."""

    part: Node | Condition


Clause: TypeAlias = Condition | All | AnyOf | Not


@dataclass(frozen=True)
class Pattern:
    """Which events match.

    Attributes:
        event: one exact name; None takes every event.
        where: all must hold.
    """

    event: str | None
    where: tuple[Clause, ...] = ()


@dataclass(frozen=True)
class Attribute:
    """An attribute of the profile satisfies a comparison."""

    name: str
    comparison: Comparison


@dataclass(frozen=True)
class Total:
    """An aggregate over matching events: agg in sum, avg, min, max, distinct."""

    property: Property
    agg: str
    comparison: Comparison


@dataclass(frozen=True)
class Did:
    """The number or the total of matching events satisfies a comparison."""

    pattern: Pattern
    measure: Comparison | Total
    within: Within | None = None


@dataclass(frozen=True)
class Endmost:
    """The latest (or earliest) candidate exists and satisfies `has`."""

    pattern: Pattern
    has: tuple[Clause, ...]
    latest: bool
    within: Within | None = None


@dataclass(frozen=True)
class Step:
    """One step of a sequence.

    Attributes:
        gap: at most this long after the event chosen before.
        immediately: no other event of the profile in between.
        absent: no such event in (the event chosen before, that + gap].
    """

    pattern: Pattern
    gap: Duration | None = None
    immediately: bool = False
    absent: bool = False


@dataclass(frozen=True)
class Sequence:
    """Events can be chosen in order, one a step.

    Attributes:
        total: the last chosen at most this long after the first.
    """

    steps: tuple[Step, ...]
    within: Within | None = None
    total: Duration | None = None


@dataclass(frozen=True)
class FirstTime:
    """The first event that ever matched lies in the window."""

    pattern: Pattern
    within: Within


@dataclass(frozen=True)
class Regularly:
    """At least `times` in each of at_least of the last `of` whole periods."""

    pattern: Pattern
    times: int
    per: Duration
    at_least: int
    of: int


@dataclass(frozen=True)
class Stopped:
    """Did in `active`, which ends where `silent` begins, and not in `silent`."""

    pattern: Pattern
    active: Duration
    silent: Duration


@dataclass(frozen=True)
class Restarted:
    """Did in `active`, not in `silent` before it, and at some time before that."""

    pattern: Pattern
    silent: Duration
    active: Duration


@dataclass(frozen=True)
class Related:
    """Rows of a related table hold for any, all, none, or a number of them.

    Attributes:
        quantifier: any, all, none, at_least, at_most or exactly.
        n: the number of rows of the last three, >= 0; else None.
    """

    entity: str
    quantifier: str
    n: int | None
    where: tuple[Clause, ...]


@dataclass(frozen=True)
class Top:
    """Among the n best by an attribute; ties go to the lower profile_id."""

    n: int
    by: str
    descending: bool = True
    of: Node | None = None


Leaf: TypeAlias = (
    Attribute
    | Did
    | Endmost
    | Sequence
    | FirstTime
    | Regularly
    | Stopped
    | Restarted
    | Related
    | InSegment
    | Consent
    | InList
    | Sample
    | Top
    | Sql
)
Node: TypeAlias = All | AnyOf | Not | Leaf


@dataclass(frozen=True)
class Segment:
    """A named rule.

    Attributes:
        id: `[a-z][a-z0-9_]*`, never changes.
        purpose: consent purpose for anything that leaves; never changes membership.
        timezone: IANA name, for calendar windows and dates.
        folder: where lists show it, such as `growth/winback`; empty is the top.
        archived: kept and readable, but neither built nor sent.
    """

    id: str
    rule: Node
    name: str = ""
    description: str = ""
    purpose: str = ""
    timezone: str = "UTC"
    owner: str = ""
    tags: tuple[str, ...] = ()
    folder: str = ""
    archived: bool = False


_KEYS: dict[type, str] = {
    Attribute: "attribute",
    Did: "did",
    Sequence: "sequence",
    FirstTime: "lifecycle",
    Regularly: "lifecycle",
    Stopped: "lifecycle",
    Restarted: "lifecycle",
    Related: "related",
    InSegment: "segment",
    Consent: "consent",
    InList: "list",
    Sample: "sample",
    Top: "top",
    Sql: "sql",
}


def key_of(leaf: Node | Condition) -> str:
    """Return the key under which a node stands in the file."""
    if isinstance(leaf, Endmost):
        return "last" if leaf.latest else "first"
    return _KEYS[type(leaf)]


def leaves(node: Node | Condition, path: str = "rule") -> Iterator[tuple[str, Leaf]]:
    """Yield the conditions of a rule with their paths, in the order written.

    The tree of `top.of` is part of its leaf and not yielded.
    """
    if isinstance(node, All | AnyOf):
        key = "all" if isinstance(node, All) else "any"
        for i, part in enumerate(node.parts):
            yield from leaves(part, f"{path}.{key}[{i}]")
    elif isinstance(node, Not):
        yield from leaves(node.part, f"{path}.not")
    elif not isinstance(node, Condition):
        yield f"{path}.{key_of(node)}", node


def deep_leaves(node: Node, path: str = "rule") -> Iterator[tuple[str, Leaf]]:
    """Yield every condition with its path, those inside `top.of` too."""
    for place, leaf in leaves(node, path):
        yield place, leaf
        if isinstance(leaf, Top) and leaf.of is not None:
            yield from deep_leaves(leaf.of, f"{place}.of")


@dataclass(frozen=True)
class Computed:
    """A trait that an operator defines: an aggregate over events or related rows.

    Attributes:
        agg: count, sum, avg, min, max, most_frequent, first, last, distinct or
            time_since.
        of: the events, or the conditions on the rows of `entity`.
        entity: the related rows; empty for events.
        property: what is added up; None for count, time_since, and for the instant of
            the first or last.
        unit: of time_since.
    """

    name: str
    agg: str
    of: Pattern
    entity: str = ""
    within: Within | None = None
    property: Property | None = None
    unit: str = ""
    timezone: str = "UTC"
    description: str = ""
