"""Merkle trees of append-only logs, kept as a frontier of O(log n) hashes.

Source: RFC 6962, section 2.1 (Merkle hash trees).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

Frontier = tuple[bytes, ...]
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(record: bytes) -> bytes:
    """Return the hash of one record: SHA-256(0x00 || record)."""
    return hashlib.sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def extend(frontier: Sequence[bytes], size: int, leaf: bytes) -> Frontier:
    """Return the frontier of `size` + 1 leaves.

    A frontier holds the roots of the full subtrees of a tree, the largest first: one
    for each set bit of its number of leaves.
    """
    grown = [*frontier]
    node = leaf
    while size & 1:
        node = node_hash(grown.pop(), node)
        size >>= 1
    return (*grown, node)


def root(frontier: Sequence[bytes]) -> bytes:
    """Return the tree's root hash; SHA-256 of nothing for no leaves."""
    if not frontier:
        return EMPTY_ROOT
    *rest, node = frontier
    for left in reversed(rest):
        node = node_hash(left, node)
    return node
