"""What somebody might do to an audit log of seven records, and what that is called."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dmp.privacy.audit_check import record_hash
from dmp.privacy.audit_faults import NO_RECORD
from dmp.privacy.audit_heads import create_signing_key, load_signing_key, sign
from dmp.privacy.merkle import extend, leaf_hash, root

Lines = list[bytes]
N_RECORDS = 7


@dataclass(frozen=True)
class AuditFiles:
    """The files of one audit log: records, signed heads, the writer's state."""

    log: Path
    heads: Path
    state: Path


def lines(path: Path) -> Lines:
    return path.read_bytes().splitlines()


def put(path: Path, content: Lines) -> None:
    path.write_bytes(b"".join(line + b"\n" for line in content))


def edited(content: Lines) -> Lines:
    return [*content[:3], content[3].replace(b'"rows":3', b'"rows":4'), *content[4:]]


def last_edited(content: Lines) -> Lines:
    return [*content[:-1], content[-1].replace(b'"rows":6', b'"rows":5')]


def inserted(content: Lines) -> Lines:
    return [*content[:3], content[2], *content[3:]]


def chained(content: Lines) -> Lines:
    """Give each record its number and the hash of the one before it."""
    result: Lines = []
    previous = NO_RECORD
    for seq, line in enumerate(content):
        record = json.loads(line) | {"seq": seq, "previous": previous}
        result.append(json.dumps(record, separators=(",", ":")).encode())
        previous = record_hash(result[-1])
    return result


# attack: the records after it, the kind and the place that the verification names
LOG_ATTACKS: dict[str, tuple[Callable[[Lines], Lines], str, str]] = {
    "edit": (edited, "edited", "record 3"),
    "edit-of-the-last": (last_edited, "rehashed", "from record 6"),
    "insertion": (inserted, "inserted", "record 3"),
    "insertion-at-the-end": (lambda c: chained([*c, c[-1]]), "added", "record 7"),
    "cut-of-the-head": (lambda c: c[2:], "cut", "records 0 to 1"),
    "cut-of-the-middle": (lambda c: [*c[:3], *c[5:]], "cut", "records 3 to 4"),
    "cut-of-the-tail": (lambda c: c[:3], "cut", "records 3 to 6"),
    "cut-of-the-last": (lambda c: c[:-1], "cut", "record 6"),
    "emptied": (lambda c: [], "cut", "records 0 to 6"),
    "reordering": (lambda c: [*c[:2], c[3], c[2], *c[4:]], "reordered", "record 3"),
    "garbage": (lambda c: [*c[:2], b"\xff{", *c[3:]], "unreadable", "record 2"),
    "rehashed-edit": (lambda c: chained(edited(c)), "rehashed", "from record 3"),
    "rehashed-cut": (lambda c: chained(c[2:]), "rehashed", "from record 0"),
    "rehashed-insertion": (
        lambda c: chained(inserted(c)),
        "rehashed",
        "from record 3",
    ),
    "rehashed-reordering": (
        lambda c: chained(c[::-1]),
        "rehashed",
        "from record 0",
    ),
}

HEAD_ATTACKS: dict[str, tuple[Callable[[Lines], Lines], str, str]] = {
    "older-copy": (lambda c: c[:4], "cut heads", "after tree head 4"),
    "cut": (lambda c: c[:-1], "cut heads", "after tree head 6"),
    "emptied": (lambda c: [], "cut heads", "after tree head 0"),
    "deleted": (lambda c: [*c[:2], *c[3:]], "changed heads", "tree head 3"),
    "reordered": (lambda c: [c[1], c[0], *c[2:]], "changed heads", "tree head 1"),
    "repeated": (lambda c: [*c, c[-1]], "changed heads", "tree head 8"),
    "garbage": (lambda c: [*c[:2], b"{}", *c[3:]], "forged head", "tree head 3"),
    "forged": (
        lambda c: [*c[:2], c[2].replace(b'"root":"', b'"root":"0'), *c[3:]],
        "forged head",
        "tree head 3",
    ),
}


def rehash_and_sign(files: AuditFiles, folder: Path) -> None:
    """Rewrite log and heads as a whole, signed by a key of one's own in `folder`."""
    create_signing_key(folder / "forged.key")
    key = load_signing_key(folder / "forged.key")
    put(files.log, chained(edited(lines(files.log))))
    frontier: tuple[bytes, ...] = ()
    heads = []
    for size, line in enumerate(lines(files.log)):
        frontier = extend(frontier, size, leaf_hash(line))
        heads.append(sign(key, size + 1, root(frontier), "2026-06-30T12:00:00+00:00"))
    put(files.heads, [head.line() for head in heads])


def keep_copies(files: AuditFiles, folder: Path) -> AuditFiles:
    """Copy all three files, to bring them back later."""
    folder.mkdir()
    pairs = [(path, folder / path.name) for path in (files.log, files.heads)]
    pairs.append((files.state, folder / "state.json"))
    for path, copy in pairs:
        shutil.copy(path, copy)
    return AuditFiles(*(copy for _, copy in pairs))
