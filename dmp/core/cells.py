"""Small cells: which counts of people may be shown, and how exactly."""

from __future__ import annotations

from dataclasses import dataclass

ROUND_TO = 10


@dataclass(frozen=True)
class Cells:
    """How one viewer may see counts of people.

    Attributes:
        minimum: counts below it are hidden from who may not see exact ones.
        exact: whether this viewer sees every count as it is.
    """

    minimum: int
    exact: bool

    def shown(self, people: int) -> int | None:
        """Return the count as it may be shown: exact, rounded to 10, or None.

        >>> Cells(50, exact=False).shown(1237), Cells(50, exact=False).shown(49)
        (1240, None)
        >>> Cells(50, exact=True).shown(7)
        7
        """
        if self.exact:
            return people
        if people < self.minimum:
            return None
        return (people + ROUND_TO // 2) // ROUND_TO * ROUND_TO
