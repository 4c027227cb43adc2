"""Raw bodies of refused rows, encrypted under a key of the source and day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dmp.core.errors import KeyMissing, PrivacyError, UsageError
from dmp.privacy.keys import KeyStore
from dmp.privacy.private_files import safe_name, whole_file
from dmp.privacy.sealing import key_id, seal, unseal

_KEY_ID = b"dmp.key_id"
_FILE_SCHEMA = pa.schema(
    [pa.field("line", pa.int64(), False), pa.field("blob", pa.large_binary(), False)]
)
_RESULT_SCHEMA = pa.schema([("line", pa.int64()), ("body", pa.string())])


class Bodies:
    """Encrypted bodies as `<folder>/<source>/<day>/<load_id>.parquet`."""

    def __init__(self, folder: Path, keys: KeyStore) -> None:
        """Use the files in `folder`, made with mode 0700 by the first write."""
        self.folder = folder
        self._keys = keys

    def write(self, source: str, day: date, load_id: str, rows: pa.Table) -> int:
        """Encrypt the bodies of a load; return how many there were.

        `rows` has `line` (int64) and `body` (text), neither null. The same load of the
        same day again replaces its file.

        Raises:
            UsageError: source or load id can't be a file name, or a value is null;
                nothing was written.
        """
        path = self._folder(source) / day.isoformat() / _file_name(load_id)
        if any(rows.column(name).null_count for name in ("line", "body")):
            raise UsageError("a refused row has a line and a body, neither null")
        key = self._keys.day_key(source, day, create=True)
        if key is None:
            raise KeyMissing(f"no key for {source} on {day}")
        cipher = AESGCM(key)
        lines = rows.column("line").to_pylist()
        blobs = [
            seal(cipher, body.encode(), _purpose(source, load_id, line))
            for line, body in zip(lines, rows.column("body").to_pylist(), strict=True)
        ]
        schema = _FILE_SCHEMA.with_metadata({_KEY_ID: key_id(key)})
        with whole_file(path) as draft:
            sealed = [rows.column("line"), _column(blobs)]
            pq.write_table(pa.table(sealed, schema=schema), draft)
        return len(lines)

    def read(self, source: str, load_id: str) -> pa.Table:
        """Return the bodies of a load: `line`, `body`, as they were written.

        Raises:
            KeyMissing: they were destroyed, or there never were any.
            PrivacyError: a body was tampered with; names file and line, no value.
        """
        files = sorted(self._folder(source).glob(f"*/{_file_name(load_id)}"))
        if not files:
            raise KeyMissing(
                f"no bodies are kept of load {load_id} of {source}: none was refused, "
                "or they were destroyed"
            )
        parts = [self._read_file(source, load_id, file) for file in files]
        return pa.concat_tables(parts).combine_chunks()

    def destroy(self, before: date) -> int:
        """Destroy keys and files of days before `before`; return how many keys.

        A second run returns 0, and removes files that a crash left.
        """
        destroyed = self._keys.destroy_day_keys(before)
        for folder in list(self._days()):
            if date.fromisoformat(folder.name) < before:
                for file in folder.iterdir():
                    file.unlink()
                folder.rmdir()
        return destroyed

    def _folder(self, source: str) -> Path:
        return self.folder / safe_name("source", source)

    def _days(self) -> Iterator[Path]:
        yield from self.folder.glob("*/????-??-??")

    def _read_file(self, source: str, load_id: str, file: Path) -> pa.Table:
        table = pq.read_table(file, partitioning=None)
        day = date.fromisoformat(file.parent.name)
        key = self._keys.day_key(source, day, create=False)
        if key is None or key_id(key) != table.schema.metadata[_KEY_ID]:
            raise KeyMissing(
                f"the bodies of load {load_id} of {source} are gone: the key of {day} "
                "was destroyed"
            )
        cipher = AESGCM(key)
        bodies = [
            _opened(cipher, blob, _purpose(source, load_id, line), file.name, line)
            for line, blob in zip(*table.to_pydict().values(), strict=True)
        ]
        return pa.table([table.column("line"), bodies], schema=_RESULT_SCHEMA)


def _opened(
    cipher: AESGCM, blob: bytes, purpose: bytes, file_name: str, line: int
) -> str:
    body = unseal(cipher, blob, purpose)
    if body is None:
        raise PrivacyError(
            f"the body of line {line} in {file_name} was tampered with; restore the "
            "file from a backup"
        )
    return body.decode()


def _column(blobs: Sequence[bytes]) -> pa.Array:
    """Return values as large binary.

    `pa.array` would import pandas: a third of a second of every process.
    """
    ends = np.cumsum([0, *map(len, blobs)], dtype=np.int64)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(blobs))]
    return pa.Array.from_buffers(pa.large_binary(), len(blobs), buffers)


def _file_name(load_id: str) -> str:
    return f"{safe_name('load id', load_id)}.parquet"


def _purpose(source: str, load_id: str, line: int) -> bytes:
    return f"{source}\x00{load_id}\x00{line}".encode()
