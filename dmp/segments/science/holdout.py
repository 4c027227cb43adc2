"""Random holdouts by stable hash, and lift measured against them.

The bucket is the rule language's own `sample`: the same person with the same salt
falls on the same side in every dialect, whenever it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import md5

from dmp.core.errors import UsageError
from dmp.segments.science.lifetime import Interval

_Z = 1.959963984540054


@dataclass(frozen=True)
class Lift:
    """What a treatment did, against a random holdout that was left alone.

    Attributes:
        treated: people treated, and `treated_did` of them did what was hoped for.
        held: people held out, and `held_did` of them did it anyway.
        difference: of the two shares, with its interval.
        ratio: of the two shares less one; 0.2 is a fifth more. None where nobody who
            was held out did it.
        extra: people who did it because of the treatment, with the interval.
    """

    treated: int
    treated_did: int
    held: int
    held_did: int
    difference: Interval
    ratio: Interval | None
    extra: Interval

    @property
    def is_shown(self) -> bool:
        """Whether the interval of the difference leaves 0 out."""
        return self.difference.low > 0 or self.difference.high < 0


def bucket(profile_id: str, salt: str) -> float:
    """Return where a person falls in [0, 100), as the `sample` node says.

    >>> round(bucket("p1", "spring"), 3)
    24.467
    """
    digest = md5(f"{salt}:{profile_id}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) / 2**32 * 100


def held_out(
    profile_ids: Iterable[str], *, percent: float, salt: str
) -> tuple[list[str], list[str]]:
    """Return whom to treat and whom to hold out, each in the order given.

    Held out are those in `{sample: {percent, salt}}`.

    Raises:
        UsageError: percent is not in [0, 100], or the salt is empty.
    """
    if not 0 <= percent <= 100:
        raise UsageError(f"percent: {percent} is not in [0, 100]")
    if not salt:
        raise UsageError("salt: needs a text, such as the name of the campaign")
    treated: list[str] = []
    held: list[str] = []
    for one in profile_ids:
        (held if bucket(one, salt) < percent else treated).append(one)
    return treated, held


def lift(treated: int, treated_did: int, held: int, held_did: int) -> Lift:
    """Return the lift of a treatment, with intervals of 95 per cent.

    Of the difference: Newcombe's hybrid score interval, which holds for small counts
    too. Of the ratio: Katz's, on the logarithm.

    Raises:
        UsageError: a group is empty, or more did it than there were.
    """
    if not (0 <= treated_did <= treated and 0 <= held_did <= held):
        raise UsageError("more people did it than there were")
    if not treated or not held:
        raise UsageError("lift needs people on both sides: treated and held out")
    share, base = treated_did / treated, held_did / held
    low_t, high_t = _wilson(treated_did, treated)
    low_h, high_h = _wilson(held_did, held)
    difference = Interval(
        share - base,
        share - base - ((share - low_t) ** 2 + (high_h - base) ** 2) ** 0.5,
        share - base + ((high_t - share) ** 2 + (base - low_h) ** 2) ** 0.5,
    )
    extra = Interval(*(treated * x for x in _parts(difference)))
    ratio = _ratio(treated, treated_did, held, held_did)
    return Lift(treated, treated_did, held, held_did, difference, ratio, extra)


def _parts(interval: Interval) -> tuple[float, float, float]:
    return interval.value, interval.low, interval.high


def _wilson(did: int, people: int) -> tuple[float, float]:
    """Return the score interval of a share.

    Source: Wilson 1927; Newcombe 1998, Interval estimation for the difference between
    independent proportions, method 10.
    """
    share, z2 = did / people, _Z**2
    middle = share + z2 / (2 * people)
    reach = _Z * (share * (1 - share) / people + z2 / (4 * people**2)) ** 0.5
    whole = 1 + z2 / people
    return (middle - reach) / whole, (middle + reach) / whole


def _ratio(treated: int, treated_did: int, held: int, held_did: int) -> Interval | None:
    """Return the ratio of shares less one (Katz et al. 1978)."""
    from math import exp, inf

    if not held_did:
        return None
    ratio = treated_did / treated / (held_did / held)
    if not treated_did:
        return Interval(-1.0, -1.0, inf)
    variance = 1 / treated_did - 1 / treated + 1 / held_did - 1 / held
    factor = exp(_Z * variance**0.5)
    return Interval(ratio - 1, ratio / factor - 1, ratio * factor - 1)
