"""Pairs of nodes that have something in common, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dmp.identity.link.atoms import Atom, combined
from dmp.identity.link.hashing import Ints
from dmp.identity.link.nodes import Nodes
from dmp.identity.link.parallel import side_by_side


@dataclass(frozen=True)
class BlockingRule:
    """Nodes that agree on all atoms are compared, if at most `largest` share these.

    Attributes:
        atoms: places among the atoms.
        largest: largest block kept.
        pairs: pairs it makes, counted before it runs.
        gain: pseudo-matches that it adds to those of the rules before it.
    """

    atoms: tuple[int, ...]
    name: str
    largest: int
    pairs: int
    gain: float = 0.0


@dataclass(frozen=True)
class Pairs:
    """Unordered pairs of nodes, left < right, each once, in order.

    `rules` has the bit of each rule that gives the pair.
    """

    left: Ints
    right: Ints
    rules: Ints

    def __len__(self) -> int:
        return len(self.left)


def pair_budget(n_nodes: int) -> int:
    """Return the most pairs that blocking may make.

    Small files are compared in full; large ones at three pairs a record and more.
    """
    return 600_000 + 3 * n_nodes


def all_pairs(n_nodes: int) -> Pairs:
    """Return every pair."""
    left, right = np.triu_indices(n_nodes, k=1)
    return Pairs(left, right, np.ones(len(left), dtype=np.int64))


def block(nodes: Nodes, parts: Sequence[Atom], rules: Sequence[BlockingRule]) -> Pairs:
    """Return the pairs that any rule gives."""

    def keys_of(rule: BlockingRule) -> Ints:
        shared = combined([parts[i] for i in rule.atoms])
        left, right = block_pairs(shared, rule.largest)
        return left * len(nodes) + right

    keys = side_by_side(keys_of, rules)
    bits = [np.full(len(k), 1 << n, dtype=np.int64) for n, k in enumerate(keys)]
    return merged(len(nodes), np.concatenate(keys), np.concatenate(bits))


def merged(n_nodes: int, keys: Ints, bits: Ints) -> Pairs:
    """Return the pairs of keys (left * n_nodes + right), the bits of each united."""
    if not len(keys):
        return Pairs(keys, keys, bits)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    is_first = np.append(True, ordered[1:] != ordered[:-1])
    starts = np.flatnonzero(is_first)
    unique = ordered[starts]
    return Pairs(
        unique // n_nodes, unique % n_nodes, np.bitwise_or.reduceat(bits[order], starts)
    )


def block_pairs(keys: Ints, largest: int) -> tuple[Ints, Ints]:
    """Return the pairs of nodes with equal keys, in blocks of at most `largest`."""
    known = np.flatnonzero(keys >= 0)
    order = known[np.argsort(keys[known], kind="stable")]
    ordered = keys[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    sizes = np.diff(np.append(starts, len(order)))
    kept = (sizes > 1) & (sizes <= largest)
    starts, sizes = starts[kept], sizes[kept]
    # The i-th member of a block meets the members after it.
    places = np.repeat(starts, sizes) + _within(sizes)
    after = np.repeat(sizes, sizes) - 1 - _within(sizes)
    one = np.repeat(places, after)
    other = one + 1 + _within(after)
    left, right = order[one], order[other]
    return np.minimum(left, right), np.maximum(left, right)


def _within(sizes: Ints) -> Ints:
    """Return 0, 1, … size - 1 for each size, one after the other."""
    ends = np.cumsum(sizes)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes, sizes)
