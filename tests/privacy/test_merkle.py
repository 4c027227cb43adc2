from __future__ import annotations

import hashlib
from typing import Any

from dmp.privacy import merkle


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, as written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(naive_root(leaves[:split]), naive_root(leaves[split:]))


def test_published_hashes(crypto: dict[str, Any]) -> None:
    hashes = {case["name"]: case["hash"] for case in crypto["rfc6962"]}
    assert merkle.root(()).hex() == hashes["empty tree"]
    assert merkle.leaf_hash(b"").hex() == hashes["leaf ''"]
    assert merkle.leaf_hash(b"L123456").hex() == hashes["leaf 'L123456'"]
    node = merkle.node_hash(b"N123", b"N456").hex()
    assert node == hashes["node 'N123','N456'"]


def test_the_frontier_gives_the_root_of_the_definition() -> None:
    leaves: list[bytes] = []
    frontier: merkle.Frontier = ()
    for size in range(70):
        assert merkle.root(frontier) == naive_root(leaves)
        assert len(frontier) == size.bit_count()
        leaf = merkle.leaf_hash(b"%d" % size)
        frontier = merkle.extend(frontier, size, leaf)
        leaves.append(leaf)
