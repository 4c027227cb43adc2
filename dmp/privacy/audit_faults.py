"""Which kind of change an audit log shows, read off its numbers, chain and roots."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from dmp.privacy.audit_heads import Head

NO_RECORD = "0" * 64


@dataclass(frozen=True)
class AuditFault:
    """One change to an audit log.

    Attributes:
        kind: edited, inserted, cut, reordered, unreadable, added, rehashed, differs
            (records); forged head, changed heads, cut heads (heads); forged state.
        place: the records, counted from 0, or heads, counted from 1.
        what: what is wrong there.
    """

    kind: str
    place: str
    what: str

    def __str__(self) -> str:
        """Return a line for people."""
        return f"{self.kind}: {self.place}: {self.what}"


@dataclass(frozen=True)
class Record:
    """What a line of the log says of its own place.

    Attributes:
        number: its own number; None where the line is no record.
        previous: the hash that it gives of the record before it.
        hash: its own.
    """

    number: int | None
    previous: str
    hash: str


def read_record(line: bytes, own_hash: str) -> Record:
    """Read a line; one that is no record has no number."""
    try:
        fields = json.loads(line)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or type(fields.get("seq")) is not int:
        return Record(None, "", own_hash)
    return Record(fields["seq"], str(fields.get("previous")), own_hash)


def record_faults(records: Sequence[Record], n_signed: int) -> list[AuditFault]:
    """Return what the records' numbers and their chain show.

    A log that was rehashed as a whole shows nothing here: see `unsigned_faults`.
    """
    faults = [*_unreadable(records), *_missing(records, n_signed), *_moved(records)]
    if _are_numbered(records):
        faults += _edited(records)
    return faults


def is_chain_whole(records: Sequence[Record]) -> bool:
    """Say whether each record has its number and follows from the one before it."""
    return _are_numbered(records) and not any(_edited(records))


def unsigned_faults(
    roots: Sequence[str], heads: Iterable[Head], *, chain_is_whole: bool
) -> Iterator[AuditFault]:
    """Give what the signed heads show beyond the records' own numbers and chain.

    Args:
        roots: Merkle root of the first 0, 1, 2, … records, in hex.
        chain_is_whole: whether the records follow from each other; where they do not,
            other faults say how they came to differ, and only the place is added.
    """
    n_records = len(roots) - 1
    signed = sorted(heads, key=lambda head: head.size)
    for head in signed:
        if head.size <= n_records and roots[head.size] != head.root:
            yield _differing(head, chain_is_whole=chain_is_whole)
            return
    n_signed = signed[-1].size if signed else 0
    if n_signed < n_records and chain_is_whole:
        yield AuditFault(
            "added",
            _range(n_signed, n_records - 1),
            "not signed; added by somebody else, or the heads were replaced by an "
            "older copy",
        )


def _differing(head: Head, *, chain_is_whole: bool) -> AuditFault:
    if not chain_is_whole:
        what = f"the first that differs from what was signed at {head.at}"
        return AuditFault("differs", f"record {head.size - 1}", what)
    return AuditFault(
        "rehashed",
        f"from record {head.size - 1}",
        f"the chain is whole, but it is not what was signed at {head.at}: the log was "
        "rewritten from here on",
    )


def _unreadable(records: Sequence[Record]) -> Iterator[AuditFault]:
    for place, record in enumerate(records):
        if record.number is None:
            yield AuditFault("unreadable", f"record {place}", "no record of ours")


def _missing(records: Sequence[Record], n_signed: int) -> Iterator[AuditFault]:
    """Give the runs of numbers that were signed and that no record has."""
    unread = {place for place, record in enumerate(records) if record.number is None}
    present = {record.number for record in records} | unread
    missing = [number for number in range(n_signed) if number not in present]
    for first, last in _runs(missing):
        part = "tail" if last == n_signed - 1 else "head" if first == 0 else "middle"
        what = f"missing from the {part} of the log"
        if first == last == n_signed - 1:
            what += "; if a crash kept it out, the next command that writes adds it"
        yield AuditFault("cut", _range(first, last), what)


def _moved(records: Sequence[Record]) -> Iterator[AuditFault]:
    """Give the records whose number was there before, or comes after a greater one."""
    seen: set[int] = set()
    greatest = -1
    for place, record in enumerate(records):
        if record.number is None:
            continue
        if record.number in seen:
            what = f"has the number {record.number}, as one before it has"
            yield AuditFault("inserted", f"record {place}", what)
        elif record.number < greatest:
            what = f"has the number {record.number}, but stands after {greatest}"
            yield AuditFault("reordered", f"record {place}", what)
        seen.add(record.number)
        greatest = max(greatest, record.number)


def _are_numbered(records: Sequence[Record]) -> bool:
    return all(record.number == place for place, record in enumerate(records))


def _edited(records: Sequence[Record]) -> Iterator[AuditFault]:
    """Give the records whose hash is not the one that the next record names."""
    if records and records[0].previous != NO_RECORD:
        what = "names a record before it, but it is the first"
        yield AuditFault("edited", "record 0", what)
    for place, (record, following) in enumerate(pairwise(records)):
        if following.previous != record.hash:
            what = f"is not what record {place + 1} follows: one of the two was edited"
            yield AuditFault("edited", f"record {place}", what)


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Give first and last of each run of successive numbers."""
    for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        yield members[0], members[-1]


def _range(first: int, last: int) -> str:
    return f"record {first}" if first == last else f"records {first} to {last}"
