"""Values of the page Match review: what a viewer is shown of a pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Because = Literal["doubt", "second_opinion", "spread", "asked"]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Reviewer:
    """Who looks, and what their roles let them do.

    Attributes:
        name: the pseudonymous actor.
        may_read: clear values; each pair that is shown with them is logged.
        may_label: give and take back labels, merge and split.
        may_resolve: start a resolve run.
    """

    name: str
    may_read: bool
    may_label: bool
    may_resolve: bool


@dataclass(frozen=True)
class Asked:
    """A pair to judge; the fields are those of `dmp.identity.questions.Question`."""

    subject_id_l: int
    subject_id_r: int
    match_weight: float
    is_one: bool
    at_stake: int
    because: Because

    @property
    def pair(self) -> Pair:
        """The two subjects, the smaller first."""
        return self.subject_id_l, self.subject_id_r


@dataclass(frozen=True)
class Side:
    """One of the two: a record, account or device, as its source knows it."""

    subject_id: int
    source: str
    kind: str
    profile_id: str


@dataclass(frozen=True)
class FieldValues:
    """What the two say of one field; None where nothing is given.

    Attributes:
        comparison: which comparison of the model the field belongs to; empty where it
            is not compared.
        left: the value, or `MASK` where the viewer may not, or will not, see it.
    """

    field: str
    comparison: str
    left: str | None
    right: str | None


MASK = "\N{BLACK CIRCLE}" * 4
WHOLE_NAME = "full_name"
"""The field that first and last name are read from where a source gives only that."""


@dataclass(frozen=True)
class PairView:
    """The two sides of a pair, field by field."""

    sides: tuple[Side, Side]
    fields: tuple[FieldValues, ...]
    is_clear: bool


@dataclass(frozen=True)
class Bar:
    """One step of a waterfall: bits that a comparison, or the prior, adds."""

    what: str
    level: str
    bits: float


@dataclass(frozen=True)
class Node:
    """A subject in the picture of a cluster; `group` is 0 or 1 by its profile."""

    subject_id: int
    source: str
    kind: str
    profile_id: str
    group: int


@dataclass(frozen=True)
class Link:
    """A reason between two subjects of the picture; bits may be infinite."""

    subject_id_l: int
    subject_id_r: int
    kind: str
    type: str
    bits: float
    is_used: bool


@dataclass(frozen=True)
class Cluster:
    """The profiles of a pair, as a graph.

    Attributes:
        left_out: subjects beyond the most that are drawn.
    """

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    left_out: int

    @property
    def profiles(self) -> tuple[str, ...]:
        """The one or two profiles, that of the pair's first subject first."""
        return tuple(dict.fromkeys(node.profile_id for node in self.nodes))


@dataclass(frozen=True)
class AgreementRow:
    """Two reviewers on the pairs that both judged; kappa as text with its interval."""

    others: str
    pairs: int
    agreed: int
    kappa: str


@dataclass(frozen=True)
class Progress:
    """How far the labelling is.

    Attributes:
        mine: labels of the viewer by verdict; `everyone` of all reviewers.
        unsure_pairs: pairs that nobody judged and the model is unsure of.
    """

    mine: dict[str, int]
    everyone: int
    reviewers: int
    unsure_pairs: int
    agreement: tuple[AgreementRow, ...]


@dataclass(frozen=True)
class Decided:
    """A merge or split on record.

    Attributes:
        is_applied: whether a resolve run has seen it.
    """

    decision_id: str
    action: str
    pairs: int
    reason: str
    is_mine: bool
    is_withdrawn: bool
    is_applied: bool
