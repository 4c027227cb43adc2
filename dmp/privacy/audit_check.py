"""What was done to an audit log: edits, insertions, deletions, cuts, rehashing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from dmp.core.errors import PrivacyError
from dmp.privacy import merkle
from dmp.privacy.audit_heads import Head, is_signed, read_head

NO_RECORD = "0" * 64
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
    faults: tuple[str, ...]


def verify_log(
    log: Path, heads_path: Path, public_key: Ed25519PublicKey
) -> AuditReport:
    """Compare a log with its own chain and with the heads signed elsewhere.

    The chain shows an edit, insertion, deletion or reordering inside the log; the
    heads show a cut tail, unsigned records at the end and a log rehashed as a whole.
    Needs no secret. Some 10,000 records a second, most of it signatures.
    """
    heads, faults = _read_heads(heads_path, public_key)
    roots, chain_faults = _read_log(log)
    faults += chain_faults
    faults += _compared(roots, heads)
    shown = tuple(faults[:_SHOWN_FAULTS])
    return AuditReport(len(roots) - 1, len(heads), not faults, shown)


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
) -> tuple[list[Head | None], list[str]]:
    """Return the heads, None for one that is not to be trusted, and the faults."""
    heads: list[Head | None] = []
    faults: list[str] = []
    for number, line in enumerate(lines_of(path), 1):
        head = _trusted_head(line, public_key)
        heads.append(head)
        if head is None:
            faults.append(f"tree head {number}: not signed by the audit key")
        elif head.size != number:
            faults.append(
                f"tree head {number}: is of {head.size} records; heads were added, "
                "removed or reordered"
            )
    return heads, faults


def _trusted_head(line: bytes, public_key: Ed25519PublicKey) -> Head | None:
    try:
        head = read_head(line)
    except PrivacyError:
        return None
    return head if is_signed(head, public_key) else None


def _read_log(path: Path) -> tuple[list[str], list[str]]:
    """Return the Merkle root after 0, 1, 2, … records, and the faults of the chain."""
    frontier: merkle.Frontier = ()
    roots = [merkle.EMPTY_ROOT.hex()]
    faults: list[str] = []
    previous = NO_RECORD
    for seq, line in enumerate(lines_of(path)):
        faults += _chain_faults(line, seq, previous)
        previous = record_hash(line)
        frontier = merkle.extend(frontier, seq, merkle.leaf_hash(line))
        roots.append(merkle.root(frontier).hex())
    return roots, faults


def _chain_faults(line: bytes, seq: int, previous: str) -> list[str]:
    try:
        record = json.loads(line)
    except ValueError:
        return [f"record {seq}: no JSON"]
    if not isinstance(record, dict):
        return [f"record {seq}: no JSON object"]
    faults = []
    if record.get("seq") != seq:
        faults.append(f"record {seq}: numbered otherwise; inserted, deleted or moved")
    if record.get("previous") != previous:
        faults.append(f"record {seq}: does not follow from the record before it")
    return faults


def _compared(roots: list[str], heads: list[Head | None]) -> Iterable[str]:
    records = len(roots) - 1
    trusted = [head for head in heads if head is not None]
    signed = max((head.size for head in trusted), default=0)
    if signed > records:
        yield f"the log has {records} records, but {signed} were signed: it was cut"
    if signed < records:
        yield f"records {signed} to {records - 1}: not signed; added by somebody else"
    for head in trusted:
        if head.size <= records and roots[head.size] != head.root:
            yield (
                f"records 0 to {head.size - 1}: not what was signed at {head.at}; the "
                "first such head is right after the first record that was changed"
            )
            return
