"""What was done to an audit log: edits, insertions, cuts, moves, rehashing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from dmp.core.errors import PrivacyError
from dmp.privacy import merkle
from dmp.privacy.audit_faults import (
    AuditFault,
    Record,
    is_chain_whole,
    read_record,
    record_faults,
    unsigned_faults,
)
from dmp.privacy.audit_heads import Head, is_signed, read_head

_SHOWN_FAULTS = 20


@dataclass(frozen=True)
class AuditReport:
    """What the verification of an audit log found.

    Attributes:
        records: lines in the log.
        heads: lines in the second place.
        ok: True when nothing was changed since it was written.
        faults: what is wrong and where, the first twenty.
    """

    records: int
    heads: int
    ok: bool
    faults: tuple[AuditFault, ...]


def verify_log(
    log: Path,
    heads_path: Path,
    public_key: Ed25519PublicKey,
    *,
    last_head: Head | None = None,
) -> AuditReport:
    """Compare a log with its own chain and with the heads signed elsewhere.

    Whether the log is whole is for the signed heads to say: each names the Merkle root
    of the records before it. Which kind of change it was, is read off the records'
    numbers and their chain. Needs no secret and changes nothing. Some 10,000 records a
    second, most of it signatures.

    Args:
        last_head: the head that the log's writer last knew; it tells heads that were
            cut, or replaced by an older copy, from records added by somebody else.
    """
    heads, faults = _read_heads(heads_path, public_key)
    records, roots = _read_log(log)
    known = [head for head in heads if head is not None]
    if last_head is not None and is_signed(last_head, public_key):
        faults += _older_heads(last_head, known)
        known.append(last_head)
    faults += record_faults(records, max((head.size for head in known), default=0))
    whole = is_chain_whole(records)
    faults += unsigned_faults(roots, known, chain_is_whole=whole)
    shown = tuple(faults[:_SHOWN_FAULTS])
    return AuditReport(len(records), len(heads), not faults, shown)


def record_hash(line: bytes) -> str:
    """Return the hash by which the next record names this one: 64 hex digits."""
    return hashlib.sha256(line).hexdigest()


def lines_of(path: Path) -> Iterator[bytes]:
    """Give the lines of a file without their newlines; none where it is absent."""
    if path.exists():
        with path.open("rb") as file:
            for line in file:
                yield line.removesuffix(b"\n")


def _read_heads(
    path: Path, public_key: Ed25519PublicKey
) -> tuple[list[Head | None], list[AuditFault]]:
    """Return the heads, None for one that is not to be trusted, and the faults."""
    heads: list[Head | None] = []
    faults: list[AuditFault] = []
    for number, line in enumerate(lines_of(path), 1):
        head = _trusted_head(line, public_key)
        heads.append(head)
        if head is None:
            fault = AuditFault(
                "forged head", f"tree head {number}", "not signed by the audit key"
            )
            faults.append(fault)
        elif head.size != number:
            fault = AuditFault(
                "changed heads",
                f"tree head {number}",
                f"is of {head.size} records; heads were added, removed or reordered",
            )
            faults.append(fault)
    return heads, faults


def _trusted_head(line: bytes, public_key: Ed25519PublicKey) -> Head | None:
    try:
        head = read_head(line)
    except PrivacyError:
        return None
    return head if is_signed(head, public_key) else None


def _older_heads(last_head: Head, heads: Sequence[Head]) -> Iterator[AuditFault]:
    newest = max((head.size for head in heads), default=0)
    if newest < last_head.size:
        yield AuditFault(
            "cut heads",
            f"after tree head {newest}",
            f"{last_head.size} records were signed, the last at {last_head.at}: the "
            "heads were cut, or replaced by an older copy",
        )


def _read_log(path: Path) -> tuple[list[Record], list[str]]:
    """Return the records, and the Merkle root after 0, 1, 2, … of them."""
    frontier: merkle.Frontier = ()
    roots = [merkle.EMPTY_ROOT.hex()]
    records = []
    for seq, line in enumerate(lines_of(path)):
        records.append(read_record(line, record_hash(line)))
        frontier = merkle.extend(frontier, seq, merkle.leaf_hash(line))
        roots.append(merkle.root(frontier).hex())
    return records, roots
