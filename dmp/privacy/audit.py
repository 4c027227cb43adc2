"""The audit log: who did what, in records that cannot be changed unseen.

Each record carries the hash of the one before; the Merkle root over all of them is
signed after each and written to a second place. A record is first written to a state
file together with its signed head, then to the heads, then to the log: after a crash
the next append completes what the state tells, and nothing unsigned is ever adopted.
"""

from __future__ import annotations

import json
import logging
import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dmp.core.clock import Clock, now
from dmp.core.errors import PrivacyError
from dmp.privacy import merkle
from dmp.privacy.audit_check import AuditReport, lines_of, record_hash, verify_log
from dmp.privacy.audit_faults import NO_RECORD, AuditFault
from dmp.privacy.audit_heads import (
    Head,
    canonical,
    head_of,
    is_signed,
    load_signing_key,
    read_head,
    sign,
)
from dmp.privacy.detect import kinds
from dmp.privacy.private_files import (
    append_bytes,
    exclusive,
    shared,
    touch_private,
    whole_file,
)

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class _State:
    """The log after its last record.

    Attributes:
        log_bytes: size of the log's file.
        heads_bytes: size of the file of heads.
        frontier: of the Merkle tree over all records.
        record: the last record's line.
        head: the signed head after it.
    """

    log_bytes: int
    heads_bytes: int
    frontier: merkle.Frontier
    record: bytes
    head: Head

    @property
    def record_end(self) -> tuple[int, bytes]:
        """Where the log ends, and in which line."""
        return self.log_bytes, self.record

    @property
    def head_end(self) -> tuple[int, bytes]:
        """Where the heads end, and in which line."""
        return self.heads_bytes, self.head.line()


class AuditLog:
    """An append-only log in `folder`, with its signed heads at `heads_path`.

    The heads belong to another place than the log (another disk, host or account),
    and the signing key to another role. Processes and threads may append at once.
    """

    def __init__(
        self,
        folder: Path,
        heads_path: Path,
        signing_key_path: Path,
        *,
        clock: Clock = now,
    ) -> None:
        """Open the log, which may not be there yet.

        Raises:
            KeyMissing: there is no signing key; `create_signing_key` makes one.
        """
        self.path = folder / "log.jsonl"
        self.heads_path = heads_path
        self._state_path = folder / "state.json"
        self._lock_path = folder / "lock"
        self._key = load_signing_key(signing_key_path)
        self._public_key = self._key.public_key()
        self._clock = clock

    def append(
        self, action: str, *, actor: str, role: str, detail: Mapping[str, Any]
    ) -> int:
        """Write a record; on disk and signed when this returns its sequence number.

        `detail` holds counts and pseudonyms alone. Takes some milliseconds whatever
        the length of the log.

        Raises:
            PrivacyError: a text looks like a direct identifier, or the log is not what
                was signed last; nothing was written.
        """
        _refuse_identifiers({"action": action, "actor": actor, "role": role})
        _refuse_identifiers(detail)
        with exclusive(self._lock_path):
            state = self._completed_state()
            seq = state.head.size if state else 0
            line = canonical(
                {
                    "seq": seq,
                    "at": self._clock().isoformat(),
                    "actor": actor,
                    "role": role,
                    "action": action,
                    "detail": dict(detail),
                    "previous": record_hash(state.record) if state else NO_RECORD,
                }
            )
            self._write(self._next_state(state, line))
        return seq

    def complete(self) -> None:
        """Write what a crash kept from a record that was already signed; else nothing.

        Raises:
            PrivacyError: the log is not what was signed last; nothing was written.
        """
        if self._state_path.exists():
            with exclusive(self._lock_path):
                self._completed_state()

    def verify(self) -> AuditReport:
        """Say whether any record was edited, added, removed, moved or cut off.

        Changes nothing. A record that a crash kept from the log counts as cut off
        until `complete`, or the next append, adds it.
        """
        with shared(self._lock_path):
            return self._verified()

    def _verified(self) -> AuditReport:
        """Compare log, heads and state; a lost state is no fault, it is rebuilt."""
        places = self.path, self.heads_path, self._public_key
        if not self._state_path.exists():
            return verify_log(*places)
        try:
            head = self._read_state().head
        except PrivacyError:
            what = "it is not what the log's writer left there"
            fault = AuditFault("forged state", self._state_path.name, what)
            report = verify_log(*places)
            return replace(report, ok=False, faults=(fault, *report.faults))
        return verify_log(*places, last_head=head)

    def _next_state(self, state: _State | None, line: bytes) -> _State:
        size = state.head.size if state else 0
        leaf = merkle.leaf_hash(line)
        frontier = merkle.extend(state.frontier if state else (), size, leaf)
        at = self._clock().isoformat()
        head = sign(self._key, size + 1, merkle.root(frontier), at)
        log_bytes = (state.log_bytes if state else 0) + len(line) + 1
        heads_bytes = (state.heads_bytes if state else 0) + len(head.line()) + 1
        return _State(log_bytes, heads_bytes, frontier, line, head)

    def _write(self, state: _State) -> None:
        with whole_file(self._state_path) as draft:
            draft.write_bytes(_state_line(state))
        append_bytes(self.heads_path, state.head.line() + b"\n")
        append_bytes(self.path, state.record + b"\n")

    def _completed_state(self) -> _State | None:
        """Return the state, after finishing a record that a crash cut short."""
        state = self._read_state() if self._state_path.exists() else self._rebuilt()
        if state is not None:
            missing = (
                (self.heads_path, _missing(self.heads_path, *state.head_end)),
                (self.path, _missing(self.path, *state.record_end)),
            )
            for path, rest in missing:
                if rest:
                    _LOG.warning("completed file=%s bytes=%d", path.name, len(rest))
                    append_bytes(path, rest)
        return state

    def _read_state(self) -> _State:
        state = _read_state_line(self._state_path.read_bytes())
        genuine = is_signed(state.head, self._public_key)
        grown = merkle.root(state.frontier).hex()
        if not genuine or grown != state.head.root:
            raise _changed("its state was not signed by the audit key")
        return state

    def _rebuilt(self) -> _State | None:
        """Return the state from the whole log, if that is all that was signed."""
        report = self._verified()
        if not report.ok:
            raise _changed(str(report.faults[0]))
        frontier: merkle.Frontier = ()
        record = b""
        for size, record in enumerate(lines_of(self.path)):
            frontier = merkle.extend(frontier, size, merkle.leaf_hash(record))
        if not frontier:
            return None
        ends = self.path.stat().st_size, self.heads_path.stat().st_size
        [head] = deque(lines_of(self.heads_path), maxlen=1)
        return _State(*ends, frontier, record, read_head(head))


def _missing(path: Path, end: int, line: bytes) -> bytes:
    """Return what a crash kept from `path`, which should end at byte `end` in `line`.

    Raises:
        PrivacyError: the file ends in anything else.
    """
    touch_private(path)
    whole = line + b"\n"
    start = end - len(whole)
    with path.open("rb") as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(max(0, start))
        tail = file.read()
    if not start <= length <= end or not whole.startswith(tail):
        raise _changed(f"{path.name} does not end in what was signed last")
    return whole[len(tail) :]


def _state_line(state: _State) -> bytes:
    return canonical(
        {
            "log_bytes": state.log_bytes,
            "heads_bytes": state.heads_bytes,
            "frontier": [node.hex() for node in state.frontier],
            "record": state.record.decode(),
            "head": json.loads(state.head.line()),
        }
    )


def _read_state_line(line: bytes) -> _State:
    try:
        fields = json.loads(line)
        return _State(
            int(fields["log_bytes"]),
            int(fields["heads_bytes"]),
            tuple(bytes.fromhex(node) for node in fields["frontier"]),
            fields["record"].encode(),
            head_of(fields["head"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _changed("its state cannot be read") from error


def _changed(what: str) -> PrivacyError:
    return PrivacyError(
        f"the audit log was changed: {what}; nothing was written, run the audit's "
        "verification and restore the log"
    )


def _refuse_identifiers(detail: Any, place: str = "detail") -> None:
    """Raise if a text anywhere in `detail` looks like a direct identifier."""
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            _refuse_identifiers(str(key), f"a key of {place}")
            _refuse_identifiers(value, f"{place}.{key}")
    elif isinstance(detail, list | tuple | set | frozenset):
        for value in detail:
            _refuse_identifiers(value, place)
    elif isinstance(detail, str) and (found := kinds(detail)):
        raise PrivacyError(
            f"{place} of an audit record looks like {', '.join(sorted(found))}; "
            "give a pseudonym or a count"
        )
