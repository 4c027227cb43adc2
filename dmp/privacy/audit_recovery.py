"""Signed heads of the audit log made anew, after the place that held them was lost."""

from __future__ import annotations

import json
from pathlib import Path

from dmp.core.clock import Clock
from dmp.core.errors import PrivacyError
from dmp.privacy import merkle
from dmp.privacy.audit_check import lines_of
from dmp.privacy.audit_heads import (
    canonical,
    head_of,
    is_signed,
    load_signing_key,
    sign,
)
from dmp.privacy.private_files import exclusive, whole_file


def sign_heads_anew(
    folder: Path, heads_path: Path, signing_key_path: Path, *, clock: Clock
) -> int:
    """Write one head for each record of the log, if it is what was signed last.

    The state beside the log holds the last signed head, whose root is over all records:
    a log with any change is refused. That the records were signed one by one, and when,
    is lost with the heads. May be repeated after a crash.

    Returns:
        How many heads were signed; 0 where there is no log or the heads are there.

    Raises:
        PrivacyError: the log is not what was signed last; nothing was written.
    """
    state_path = folder / "state.json"
    with exclusive(folder / "lock"):
        if heads_path.exists() or not state_path.exists():
            return 0
        state = json.loads(state_path.read_bytes())
        last = head_of(state["head"])
        key = load_signing_key(signing_key_path)
        roots = _roots(folder / "log.jsonl")
        is_whole = len(roots) == last.size and roots[-1].hex() == last.root
        if not (is_whole and is_signed(last, key.public_key())):
            raise PrivacyError(
                f"the audit log in {folder} is not what was signed last, so no heads "
                "were signed for it; restore it from a back-up, then run this again"
            )
        at = clock().isoformat()
        heads = [sign(key, n, root, at) for n, root in enumerate(roots[:-1], 1)]
        lines = b"".join(head.line() + b"\n" for head in (*heads, last))
        with whole_file(state_path) as draft:
            draft.write_bytes(canonical({**state, "heads_bytes": len(lines)}))
        with whole_file(heads_path) as draft:
            draft.write_bytes(lines)
    return len(heads)


def _roots(log: Path) -> list[bytes]:
    """Return the Merkle root after each record."""
    frontier: merkle.Frontier = ()
    roots = []
    for size, line in enumerate(lines_of(log)):
        frontier = merkle.extend(frontier, size, merkle.leaf_hash(line))
        roots.append(merkle.root(frontier))
    return roots
