"""Values that travel between packages which do not know each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

Progress = Callable[[int, int], None]
"""Called with the steps done and the steps in all, while long work goes on."""


def silent(done: int, total: int) -> None:
    """Show nothing: the progress of work that nobody watches."""


@dataclass(frozen=True)
class Evaluation:
    """One segment at one instant: its funnel as far as the lake alone tells it.

    Attributes:
        losses: (step, reason, people): whom each step lost and why.
        conditions: (path, people): how many each condition alone admits.
        is_new: False where the same evaluation was stored already.
        touched: people who were judged anew; None where everybody was.
    """

    segment: str
    version: str
    purpose: str
    as_of: datetime
    snapshot: int
    people: int
    members: int
    consented: int
    after_exclusions: int
    losses: tuple[tuple[str, str, int], ...]
    conditions: tuple[tuple[str, int], ...]
    is_new: bool = field(default=True, compare=False)
    touched: int | None = field(default=None, compare=False)
