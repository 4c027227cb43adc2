"""Which folder a workspace id belongs to, so that a copy is told from its original.

The key folder of an id holds `home.json`: the folder that opened it last. A workspace
that was moved is recorded anew; one that was copied, beside an original that is still
there, is not.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dmp.core.config import Identity, Paths

_LOG = logging.getLogger(__name__)
_RECORD = "home.json"


@dataclass(frozen=True)
class _Record:
    """What the key folder tells.

    Attributes:
        path: the workspace folder.
        keys: device and inode of the key folder, which tell a copy of it.
    """

    path: Path
    keys: tuple[int, int]


def original_of(paths: Paths, identity: Identity, keys: Path) -> Path | None:
    """Return the workspace that this one is a copy of; None where it is none.

    A copy has the same id as a workspace that is still where it was, and shares its key
    folder `keys`. Reads only.
    """
    record = _read(keys)
    if record is None or record.keys != _place(keys):
        return None
    other = Paths(record.path).identity_file
    if not other.is_file() or not paths.identity_file.is_file():
        return None
    if other.samefile(paths.identity_file):
        return None
    return record.path if _id(other) == identity.id else None


def claim(paths: Paths, keys: Path) -> None:
    """Record that the workspace of these keys is in this folder, if that is news."""
    record = _Record(paths.home.resolve(), _place(keys))
    if _read(keys) == record:
        return
    document = {"path": str(record.path), "keys": list(record.keys)}
    draft = keys / f".{_RECORD}.tmp"
    try:
        draft.write_text(json.dumps(document))
        draft.replace(keys / _RECORD)
    except PermissionError:
        _LOG.warning("not recorded file=%s is read-only", keys / _RECORD)


def _read(keys: Path) -> _Record | None:
    document = _json(keys / _RECORD)
    if not document.keys() >= {"path", "keys"}:
        return None
    device, inode = document["keys"]
    return _Record(Path(document["path"]), (int(device), int(inode)))


def _id(file: Path) -> str:
    return str(_json(file).get("id", ""))


def _json(file: Path) -> dict[str, Any]:
    """Return the JSON of a file; of one that is absent or half written, nothing."""
    try:
        document = json.loads(file.read_text())
    except (FileNotFoundError, PermissionError, json.JSONDecodeError):
        return {}
    return document if isinstance(document, dict) else {}


def _place(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino
