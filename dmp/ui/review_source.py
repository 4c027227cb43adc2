"""What the page Match review needs from the rest of dmp: one Protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from dmp.flows.review_shapes import (
    MASK,
    WHOLE_NAME,
    AgreementRow,
    Asked,
    Bar,
    Cluster,
    Decided,
    FieldValues,
    Link,
    Node,
    Pair,
    PairView,
    Progress,
    Reviewer,
    Side,
)

__all__ = [
    "MASK",
    "WHOLE_NAME",
    "AgreementRow",
    "Asked",
    "Bar",
    "Cluster",
    "Decided",
    "FieldValues",
    "Link",
    "Node",
    "Pair",
    "PairView",
    "Progress",
    "ReviewSource",
    "Reviewer",
    "Side",
    "Verdict",
]

Verdict = Literal["match", "no_match", "unsure"]


class ReviewSource(Protocol):
    """Reads pairs, keeps labels and decisions, for one viewer under their roles.

    Raises:
        NotAllowed: the role may not do this; the message says who may.
        UsageError: the pair, label or decision is not there, or contradicts another.
    """

    @property
    def reviewer(self) -> Reviewer:
        """Return who looks."""
        ...

    def queue(self, limit: int) -> list[Asked]:
        """Return the pairs most worth the viewer's time, best first."""
        ...

    def asked(self, pair: Pair) -> Asked:
        """Return a pair that the address names."""
        ...

    def view(self, pair: Pair, *, clear: bool) -> PairView:
        """Return both sides, with clear values only on demand; those are logged."""
        ...

    def waterfalls(self, pairs: Sequence[Pair]) -> dict[Pair, tuple[Bar, ...]]:
        """Return how the score of each pair comes about."""
        ...

    def cluster(self, pair: Pair) -> Cluster:
        """Return the profiles of the pair as a graph."""
        ...

    def judge(self, pair: Pair, verdict: Verdict) -> str:
        """Keep a verdict; return the label's id."""
        ...

    def take_back(self, label_id: str) -> None:
        """Take a label back."""
        ...

    def merge(self, pair: Pair, reason: str) -> str:
        """Decide that the profiles of the pair are one person."""
        ...

    def split(self, profile: str, part: Sequence[int], reason: str) -> str:
        """Decide that subjects of a profile are another person."""
        ...

    def undo(self, decision_id: str) -> None:
        """Take a decision back."""
        ...

    def resolve(self) -> str:
        """Bring profiles up to date; return what came of it."""
        ...

    def decisions(self) -> list[Decided]:
        """Return the decisions, the newest first."""
        ...

    def progress(self) -> Progress:
        """Return how far the labelling is."""
        ...
