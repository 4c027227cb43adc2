"""The vault: direct identifiers, one encrypted blob a version of a subject.

A blob is the key's id (8 bytes), a nonce (12), then AES-256-GCM of the row's texts
under the subject's own key, bound to that id, subject, load and columns. Destroying the
key makes every copy unreadable.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dmp.core.errors import PrivacyError, UsageError
from dmp.privacy.blobs import decode, encode
from dmp.privacy.keys import KeyStore
from dmp.privacy.private_files import safe_name, whole_file
from dmp.privacy.sealing import KEY_ID_BYTES, drawn, key_id, seal, unseal

_BATCH_ROWS = 65_536
_COLUMNS = b"dmp.columns"
_TEXT = (pa.string(), pa.large_string())
_FILE_SCHEMA = pa.schema(
    [pa.field("subject_id", pa.int64(), False), pa.field("blob", pa.binary(), False)]
)


@dataclass(frozen=True)
class _Wanted:
    """The versions asked for of one load.

    Attributes:
        subject_ids: sorted, once each.
        rows: for each, its row in the caller's table.
    """

    load_id: str
    subject_ids: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]


class Vault:
    """Encrypted blobs in append-only Parquet files, one a load, under `folder`."""

    def __init__(self, folder: Path, keys: KeyStore) -> None:
        """Use the files in `folder`, made with mode 0700 by the first write."""
        self.folder = folder
        self._keys = keys

    def write(self, load_id: str, rows: pa.Table) -> int:
        """Encrypt the rows of a load; return how many there were.

        `rows` has `subject_id` (int64, each once) and any text columns, nullable; a
        subject without a key gets one. The same load again replaces its file. The
        lake decides whether a load counts: a file without a committed load is an
        orphan that nobody asks for.

        Raises:
            UsageError: the load id can't be a file name, or the rows are not as said;
                nothing was written.
        """
        _text_columns(rows.schema)
        _check_once(rows.column("subject_id"))
        ordered = rows.sort_by("subject_id")
        return self.write_sorted(load_id, ordered.to_reader(_BATCH_ROWS))

    def write_sorted(self, load_id: str, rows: pa.RecordBatchReader) -> int:
        """Encrypt the rows of a load as `write` does, batch by batch as they come.

        `rows` is in ascending order of `subject_id`; a batch at a time is in memory.

        Raises:
            UsageError: as `write`; keys of subjects in earlier batches may be made.
        """
        path = self._path(load_id)
        columns = _text_columns(rows.schema)
        names = json.dumps(columns).encode()
        schema = _FILE_SCHEMA.with_metadata({_COLUMNS: names})
        binding = _binding(load_id, columns)
        with (
            whole_file(path) as draft,
            pq.ParquetWriter(
                draft, schema, compression="none", use_dictionary=False
            ) as writer,
        ):
            n_rows, last = 0, np.int64(-1)
            for batch in rows:
                last = _check_order(batch.column("subject_id"), last)
                writer.write_batch(self._sealed(batch, columns, schema, binding))
                n_rows += batch.num_rows
        return n_rows

    def read(self, versions: pa.Table, columns: Sequence[str]) -> pa.Table:
        """Decrypt versions of subjects, only the columns asked for.

        `versions` has `subject_id` (int64) and `load_id` (text), each pair once. The
        result has both and `columns` (text), in the order of `versions`. Left out are
        versions whose key is destroyed, also where the subject came back since, and
        those that were never written; a column that a load did not have is null.

        Raises:
            PrivacyError: a blob was tampered with, or a file of living subjects is
                not there; names file and row, no value.
        """
        parts = [
            part
            for wanted in _by_load(versions)
            for part in self._read_load(wanted, columns)
        ]
        schema = _result_schema(columns)
        if not parts:
            return schema.empty_table()
        found = pa.concat_tables(parts).sort_by("row")
        return found.drop_columns(["row"]).combine_chunks().cast(schema)

    def _path(self, load_id: str) -> Path:
        return self.folder / f"{safe_name('load id', load_id)}.parquet"

    def _sealed(
        self,
        batch: pa.RecordBatch,
        columns: Sequence[str],
        schema: pa.Schema,
        binding: bytes,
    ) -> pa.RecordBatch:
        ids = batch.column("subject_id").to_numpy()
        keys = self._keys.subject_keys(ids, create=True)
        texts = [batch.column(name).cast(pa.large_string()) for name in columns]
        rows = encode(texts) if columns else [b""] * len(ids)
        blobs = [
            _blob(key, row, subject + binding, nonce)
            for key, row, subject, nonce in zip(
                keys, rows, _packed(ids), drawn(len(ids)), strict=True
            )
            if key is not None
        ]
        return pa.record_batch([ids, pa.array(blobs, pa.binary())], schema=schema)

    def _read_load(self, wanted: _Wanted, columns: Sequence[str]) -> Iterator[pa.Table]:
        path = self._path(wanted.load_id)
        if not path.exists():
            if any(self._keys.subject_keys(wanted.subject_ids, create=False)):
                raise PrivacyError(
                    f"the vault file {path.name} of living subjects is not there; "
                    "restore it from a backup"
                )
            return
        with pq.ParquetFile(path) as file:
            stored = json.loads(file.schema_arrow.metadata[_COLUMNS])
            binding = _binding(wanted.load_id, stored)
            reader = _Reader(path.name, stored, binding, self._keys)
            for batch in _batches(file, wanted.subject_ids):
                yield reader.table(batch, wanted, columns)


@dataclass(frozen=True)
class _Reader:
    """Decrypts the batches of one file that has the columns `stored`."""

    file_name: str
    stored: Sequence[str]
    binding: bytes
    keys: KeyStore

    def table(
        self, batch: pa.RecordBatch, wanted: _Wanted, columns: Sequence[str]
    ) -> pa.Table:
        """Return the rows of a batch that can be read, with their caller's `row`."""
        places = np.searchsorted(wanted.subject_ids, batch.column("subject_id"))
        plain = self._opened(batch)
        kept = np.array([row is not None for row in plain], bool)
        rows = [row for row in plain if row is not None]
        known = [name for name in columns if name in self.stored]
        numbers = [self.stored.index(name) for name in known]
        texts = dict(zip(known, decode(rows, len(self.stored), numbers), strict=True))
        nothing = pa.nulls(len(rows), pa.string())
        found: dict[str, Any] = {
            "row": wanted.rows[places[kept]],
            "subject_id": wanted.subject_ids[places[kept]],
            "load_id": pa.repeat(pa.scalar(wanted.load_id), len(rows)),
        }
        return pa.table(found | {name: texts.get(name, nothing) for name in columns})

    def _opened(self, batch: pa.RecordBatch) -> list[bytes | None]:
        """Return the rows; None where one was written under a key not there now."""
        ids = batch.column("subject_id").to_numpy()
        keys = self.keys.subject_keys(ids, create=False)
        blobs, subjects = batch.column("blob").to_pylist(), _packed(ids)
        binding, rows = self.binding, []
        for blob, key, subject in zip(blobs, keys, subjects, strict=True):
            row = None
            if key is not None:
                name, sealed = blob[:KEY_ID_BYTES], blob[KEY_ID_BYTES:]
                row = unseal(AESGCM(key), sealed, name + subject + binding)
                if row is None:
                    self._check_destroyed(name, subject)
            rows.append(row)
        return rows

    def _check_destroyed(self, key_name: bytes, subject: bytes) -> None:
        if not self.keys.was_destroyed(key_name):
            number = int.from_bytes(subject, "little")
            raise PrivacyError(
                f"the blob of subject {number} in the vault file {self.file_name} was "
                "tampered with; restore the file from a backup"
            )


def _batches(
    file: pq.ParquetFile, subject_ids: npt.NDArray[np.int64]
) -> Iterator[pa.RecordBatch]:
    """Give the rows of the subjects, passing over row groups that hold none."""
    for group in range(file.num_row_groups):
        column = file.metadata.row_group(group).column(0).statistics
        first = np.searchsorted(subject_ids, column.min, "left")
        if first == np.searchsorted(subject_ids, column.max, "right"):
            continue
        rows = file.read_row_group(group)
        held = np.isin(rows.column("subject_id"), subject_ids, assume_unique=True)
        yield from rows.filter(held).combine_chunks().to_batches()


def _by_load(versions: pa.Table) -> Iterator[_Wanted]:
    """Give the versions load by load."""
    loads = versions.column("load_id").combine_chunks().dictionary_encode()
    codes = loads.indices.to_numpy()
    ids = versions.column("subject_id").to_numpy()
    for code, load_id in enumerate(loads.dictionary.to_pylist()):
        rows = np.flatnonzero(codes == code)
        unique, firsts = np.unique(ids[rows], return_index=True)
        yield _Wanted(load_id, unique, rows[firsts])


def _text_columns(schema: pa.Schema) -> list[str]:
    names = [name for name in schema.names if name != "subject_id"]
    if len(names) == len(schema.names):
        raise UsageError("rows of the vault need a column subject_id")
    if schema.field("subject_id").type != pa.int64():
        raise UsageError("subject_id of the vault's rows is int64")
    wrong = [name for name in names if schema.field(name).type not in _TEXT]
    if wrong:
        raise UsageError(f"columns of the vault are text; these are not: {wrong}")
    return names


_NOT_ONCE = "a load has each subject once; none may be null"


def _check_once(ids: pa.ChunkedArray) -> None:
    if ids.null_count or pc.count_distinct(ids).as_py() != len(ids):
        raise UsageError(_NOT_ONCE)


def _check_order(ids: pa.Array, last: np.int64) -> np.int64:
    """Return the last of ids that ascend, from beyond `last` on."""
    if ids.null_count:
        raise UsageError(_NOT_ONCE)
    values = ids.to_numpy()
    if len(values) and (values[0] <= last or (np.diff(values) <= 0).any()):
        raise UsageError(_NOT_ONCE)
    return values[-1] if len(values) else last


def _blob(key: bytes, row: bytes, purpose: bytes, nonce: bytes) -> bytes:
    name = key_id(key)
    return name + seal(AESGCM(key), row, name + purpose, nonce)


def _binding(load_id: str, columns: Sequence[str]) -> bytes:
    """Return what a blob is bound to beside its subject."""
    return json.dumps([load_id, *columns]).encode()


def _packed(ids: npt.NDArray[np.int64]) -> list[bytes]:
    raw = ids.astype("<i8").tobytes()
    return [raw[start : start + 8] for start in range(0, len(raw), 8)]


def _result_schema(columns: Sequence[str]) -> pa.Schema:
    texts = [(name, pa.string()) for name in columns]
    return pa.schema([("subject_id", pa.int64()), ("load_id", pa.string()), *texts])
