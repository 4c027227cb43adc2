"""Pairs that are almost surely matches, found without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from dmp.identity.link.atoms import WHOLE, Atom, combined
from dmp.identity.link.block_sizes import SAMPLED, SampledBlockSizes
from dmp.identity.link.blocking import Pairs, block_pairs, merged
from dmp.identity.link.columns import Kind
from dmp.identity.link.hashing import Ints, mix
from dmp.identity.link.nodes import Nodes

_PAIRS = 300_000
_MOST = 40_000
"""Pseudo-matches kept, about, chosen by hash."""
_MOST_DISTINCTIVE = 12
_LARGEST = 200


@dataclass(frozen=True)
class PseudoMatches:
    """Pairs that are almost surely matches, and how much each counts."""

    left: Ints
    right: Ints
    weight: npt.NDArray[np.float64]


def pseudo_matches(nodes: Nodes, parts: Sequence[Atom]) -> PseudoMatches:
    """Find pairs that agree on far more than chance gives.

    A naive score (90 % agreement among matches) keeps the agreeing pairs that are more
    likely a match than not. Pairs that many proposals find count less: the hard ones
    stand for those that none finds.
    """
    whole = [part for part in parts if part.form == WHOLE]
    pairs = agreeing_pairs(nodes, distinctive(nodes, whole))
    if not len(pairs):
        return PseudoMatches(pairs.left, pairs.right, np.zeros(0))
    kept = np.flatnonzero(_naive_score(nodes, whole, pairs) > 0)
    share = np.uint64(len(kept) // _MOST + 1)
    kept = kept[mix([pairs.left[kept], pairs.right[kept]]) % share == 0]
    found_by = np.bitwise_count(pairs.rules[kept].astype(np.uint64)).astype(np.float64)
    return PseudoMatches(pairs.left[kept], pairs.right[kept], 1 / found_by)


def distinctive(nodes: Nodes, whole: Sequence[Atom]) -> list[Atom]:
    """Return the dozen fields that tell the most records apart, in their order."""

    def worth(place: int) -> float:
        part = whole[place]
        filled = float((part.keys >= 0).mean())
        return filled * -float(np.log2(max(part.chance, 1 / len(nodes))))

    best = sorted(range(len(whole)), key=worth, reverse=True)[:_MOST_DISTINCTIVE]
    return [whole[place] for place in sorted(best)]


def agreeing_pairs(nodes: Nodes, whole: Sequence[Atom]) -> Pairs:
    """Return pairs that agree on two whole fields, a sample where there are many.

    `rules` has a bit for each pair of fields that proposes the pair.
    """
    keys, bits = [], []
    doubles = [
        pair
        for pair in combinations(whole, 2)
        if pair[0].chance * pair[1].chance < 50.0 / len(nodes)
    ]
    each = _PAIRS // max(len(doubles), 1)
    for number, pair in enumerate(doubles):
        left, right = _sampled_pairs(combined(pair), each)
        keys.append(left * len(nodes) + right)
        bits.append(np.full(len(left), 1 << (number % 62), dtype=np.int64))
    none = np.zeros(0, dtype=np.int64)
    if not keys:
        return Pairs(none, none, none)
    return merged(len(nodes), np.concatenate(keys), np.concatenate(bits))


def _sampled_pairs(keys: Ints, n_pairs: int) -> tuple[Ints, Ints]:
    """Return the pairs of some blocks, chosen by hash so that few are made."""
    [estimate] = SampledBlockSizes.of(keys[:SAMPLED], len(keys)).pairs([_LARGEST])
    if estimate > n_pairs:
        share = np.uint64(estimate // n_pairs + 1)
        keys = np.where(mix([keys]) % share == 0, keys, -1)
    left, right = block_pairs(keys, _LARGEST)
    return left[: 4 * n_pairs], right[: 4 * n_pairs]


_ADDRESS = {Kind.STREET, Kind.HOUSE_NUMBER, Kind.PLACE, Kind.POSTCODE, Kind.CATEGORY}


def _naive_score(
    nodes: Nodes, whole: Sequence[Atom], pairs: Pairs
) -> npt.NDArray[np.float64]:
    n = len(nodes)
    score = np.full(len(pairs), -np.log2(n / 2))
    address = np.zeros(len(pairs))
    for part in whole:
        left, right = part.keys[pairs.left], part.keys[pairs.right]
        known = (left >= 0) & (right >= 0)
        bits = np.where(left == right, np.log2(0.9 / max(part.chance, 1 / n)), -2.5)
        if nodes.fields[part.fields[0]].kind in _ADDRESS:
            address = np.maximum(address, np.where(known, bits, 0))
        else:
            score += np.where(known, bits, 0)
    return score + address
