"""Weighted choice: words with their odds."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate


def zipf(n: int, exponent: float) -> list[float]:
    """Return n weights that fall as rank ** -exponent and add up to 1."""
    weights = [rank**-exponent for rank in range(1, n + 1)]
    total = sum(weights)
    return [weight / total for weight in weights]


@dataclass(frozen=True)
class Odds:
    """Words and the upper ends of their shares of [0, total).

    Attributes:
        words: what can be picked.
        ends: running total of the weights, one per word.
    """

    words: Sequence[str]
    ends: Sequence[float]

    @classmethod
    def of(cls, words: Sequence[str], weights: Sequence[float]) -> Odds:
        """Return odds from one weight per word; weights need not add up to 1."""
        return cls(words, tuple(accumulate(weights)))

    def pick(self, dice: random.Random) -> str:
        """Return one word."""
        spot = bisect_right(self.ends, dice.random() * self.ends[-1])
        return self.words[min(spot, len(self.words) - 1)]


def chance(dice: random.Random, probability: float) -> bool:
    """Return True with the given probability in [0, 1]."""
    return dice.random() < probability
