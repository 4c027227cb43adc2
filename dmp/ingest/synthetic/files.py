"""Files of a set: written whole, with rows and checksum kept for the manifest."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dmp.core.errors import UsageError
from dmp.ingest.synthetic.report import FileEntry, GenerationReport

MANIFEST = "manifest.json"


def prepare(out: Path) -> None:
    """Make the folder ready: new or empty, or with an earlier set, which is removed.

    Raises:
        UsageError: the folder holds files that no manifest names; none was touched.
    """
    out.mkdir(parents=True, exist_ok=True)
    earlier = _earlier(out / MANIFEST)
    if any(path.is_file() and path not in earlier for path in out.rglob("*")):
        raise UsageError(
            "the output folder holds files of another origin; name an empty folder"
        )
    for path in earlier:
        path.unlink(missing_ok=True)


def _earlier(manifest: Path) -> list[Path]:
    """Return the files of the set that is there, its manifest last."""
    if not manifest.exists():
        return []
    entries = json.loads(manifest.read_text("utf-8"))["files"]
    return [*(manifest.parent / entry["path"] for entry in entries), manifest]


@dataclass
class Shelf:
    """Writes the files of one set and remembers them."""

    out: Path
    entries: list[FileEntry] = field(default_factory=list)

    def put(self, path: str, data: bytes, rows: int) -> None:
        """Write one file below the folder, gzipped if its name ends in `.gz`."""
        target = self.out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        body = gzip.compress(data, 6, mtime=0) if path.endswith(".gz") else data
        target.write_bytes(body)
        self.entries.append(FileEntry(path, rows, hashlib.sha256(body).hexdigest()))


@dataclass
class GrowingTable:
    """A Parquet file that grows by one table at a time."""

    out: Path
    path: str
    schema: pa.Schema
    rows: int = 0
    writer: pq.ParquetWriter | None = None

    def append(self, table: pa.Table) -> None:
        """Write a table below what is there; an empty one changes nothing."""
        if self.writer is None:
            target = self.out / self.path
            target.parent.mkdir(parents=True, exist_ok=True)
            self.writer = pq.ParquetWriter(target, self.schema, compression="zstd")
        if table.num_rows:
            self.writer.write_table(table)
            self.rows += table.num_rows

    def close(self) -> FileEntry:
        """Finish the file and return its entry; call it after `append`."""
        if self.writer is not None:
            self.writer.close()
        with (self.out / self.path).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileEntry(self.path, self.rows, digest)


def write_manifest(out: Path, report: GenerationReport) -> None:
    """Write `manifest.json`: the report, its files with rows and checksums."""
    body = json.dumps(report.to_dict(), indent=1, ensure_ascii=False)
    (out / MANIFEST).write_text(body + "\n", "utf-8")
