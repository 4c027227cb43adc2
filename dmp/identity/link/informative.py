"""Which fields say anything of who a person is, found without labels.

Records that share two or three rare values are nearly always one person's. A field on
which they agree no more often than strangers, such as the date of an order, would only
add noise, and is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dmp.identity.link.atoms import WHOLE, Atom
from dmp.identity.link.hashing import Ints
from dmp.identity.link.nodes import Nodes
from dmp.identity.link.patterns import Floats
from dmp.identity.link.pseudo_matches import agreeing_pairs, distinctive

_LEAST_PAIRS = 25
_LEAST_GAIN = 0.05
"""Agreement beyond chance, as a share of what is possible, that a field must show."""
_LEAST_ERRORS = 2.5
"""Standard errors by which its agreement must exceed chance."""
_SPARE_BITS = 4.0
_COUNTED = 3


@dataclass(frozen=True)
class Noise:
    """A field that says nothing.

    Attributes:
        field: its place.
        agreed: share of the sure pairs that agree on it.
        chance: share of the pairs of strangers that do.
    """

    field: int
    agreed: float
    chance: float


def noise(nodes: Nodes, parts: Sequence[Atom]) -> list[Noise]:
    """Return the fields that sure matches agree on no more than strangers do.

    A pair is sure for a field if the three rarest values that it agrees on elsewhere
    make it far likelier a match than not. A field with few sure pairs is kept.
    """
    whole = [part for part in parts if part.form == WHOLE]
    pairs = agreeing_pairs(nodes, distinctive(nodes, whole))
    if not len(pairs):
        return []
    bits = _agreed_bits(nodes, whole, pairs.left, pairs.right)
    needed = np.log2(len(nodes)) + _SPARE_BITS
    found = []
    for place, part in enumerate(whole):
        elsewhere = np.delete(bits, place, axis=0)
        rarest = np.sort(elsewhere, axis=0)[-_COUNTED:].sum(axis=0)
        [field] = part.fields
        forms = [p for p in parts if p.fields == part.fields]
        sure = rarest >= needed
        shown = [_shown(form, pairs.left[sure], pairs.right[sure]) for form in forms]
        if all(one is not None and not one.says_something for one in shown):
            exact = next(one for one in shown if one is not None)
            found.append(Noise(field, exact.agreed, part.chance))
    return found


def _agreed_bits(
    nodes: Nodes, whole: Sequence[Atom], left: Ints, right: Ints
) -> Floats:
    """Return the bits of each agreement by its chance, one row a field."""
    found = np.zeros((len(whole), len(left)))
    for place, part in enumerate(whole):
        one = part.keys[left]
        agree = (one >= 0) & (one == part.keys[right])
        found[place, agree] = -np.log2(max(part.chance, 1 / len(nodes)))
    return found


@dataclass(frozen=True)
class _Shown:
    agreed: float
    chance: float
    pairs: int

    @property
    def says_something(self) -> bool:
        """Whether agreement is beyond chance, and not by luck."""
        beyond = self.agreed - self.chance
        error = (self.chance * (1 - self.chance) / self.pairs) ** 0.5
        possible = 1 - self.chance
        return bool(beyond >= max(_LEAST_GAIN * possible, _LEAST_ERRORS * error))


def _shown(part: Atom, left: Ints, right: Ints) -> _Shown | None:
    """Return how often pairs agree; None of too few."""
    one, other = part.keys[left], part.keys[right]
    known = (one >= 0) & (other >= 0)
    if known.sum() < _LEAST_PAIRS:
        return None
    agreed = float((one == other)[known].mean())
    return _Shown(agreed, part.chance, int(known.sum()))
