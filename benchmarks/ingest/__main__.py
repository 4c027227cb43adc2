"""Print what `dmp ingest` takes beside a bare DuckDB read and Parquet write.

Example: `python -m benchmarks.ingest --csv-gb 0.1 --events 1_000_000 --people 100_000`
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml

from benchmarks.ingest.process import Run, run
from benchmarks.ingest.sources import ONE_IN_REFUSED, Source, events, people, records
from dmp.core.sql import quote_text
from dmp.privacy.keys import KeyStore
from dmp.privacy.vault import Vault
from dmp.privacy.vault_key import VaultKey

_SAMPLE_ROWS = 20_000
_VAULT_ROWS = 200_000
_BARE = """
import duckdb, sys
read, written = sys.argv[1:]
duckdb.execute(f"copy (from {read}) to '{written}' (format parquet)")
"""


def main() -> None:
    """Make the files, load each one twice over: bare, and through the door."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        environ = {**os.environ, "DMP_KEY_DIR": str(folder / "keys")}
        home = folder / "workspace"
        run([*_DMP, "init", str(home)], environ)
        accounts = records()
        sizes = (
            (accounts, _rows_of(accounts, asked.csv_gb * 1e9, folder)),
            (events(), asked.events),
            (people(), asked.people),
        )
        for source, n_rows in sizes:
            if n_rows:
                compare(source, n_rows, home, environ)


_DMP = (str(Path(sys.executable).with_name("dmp")),)


def compare(
    source: Source, n_rows: int, home: Path, environ: Mapping[str, str]
) -> None:
    """Load one file both ways, print both, and check what was counted."""
    path = home.parent / f"{source.name}.{source.format}"
    source.write(path, n_rows)
    contract = home / "config" / "sources" / f"{source.name}.yaml"
    contract.write_text(yaml.safe_dump(source.contract))
    size = path.stat().st_size
    print(f"\n{source.name}: {n_rows:,} rows of {source.format}, {size / 1e9:.2f} GB")
    written = home.parent / "bare.parquet"
    reader = "read_csv" if source.format == "csv" else "read_json"
    reading = f"{reader}({quote_text(str(path))})"
    bare = run([sys.executable, "-c", _BARE, reading, str(written)], environ)
    written.unlink()
    _show("bare DuckDB", bare, n_rows, size)
    door = run(
        [*_DMP, "--home", str(home), "ingest", source.name, str(path), "--json"],
        environ,
    )
    _show("dmp ingest", door, n_rows, size)
    print(
        f"  ratio to bare {bare.took_s / door.took_s:.2f} by the clock, "
        f"{bare.cpu_s / door.cpu_s:.2f} by processor time"
    )
    if source.clear_columns:
        _show_vault(min(n_rows, _VAULT_ROWS), source.clear_columns)
    _check(source, door, n_rows)
    path.unlink()


def _show_vault(n_rows: int, columns: int) -> None:
    """Print the vault's own part: as many rows and columns, under new keys."""
    ids = np.arange(n_rows, dtype=np.int64)
    text = pa.array([f"some text {i}" for i in range(n_rows)])
    rows = pa.table({"subject_id": ids, **{f"c{k}": text for k in range(columns)}})
    key = VaultKey(secrets.token_bytes(32), "the benchmark")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with KeyStore(folder / "keys.sqlite", key) as keys:
            begun = time.process_time()
            Vault(folder / "blobs", keys).write("load", rows)
            cpu_s = time.process_time() - begun
    print(f"  vault alone, {columns} columns {n_rows / cpu_s:,.0f} records/s a core")


def _show(label: str, took: Run, n_rows: int, size: int) -> None:
    print(
        f"  {label:12} {took.took_s:7.1f} s {n_rows / took.took_s:11,.0f} records/s "
        f"{size / took.took_s / 1e6:6.0f} MB/s {took.cpu_s:7.1f} s of processor, "
        f"{n_rows / took.cpu_s:9,.0f} records/s a core, "
        f"peak {took.peak_bytes / 1e6:5.0f} MB"
    )


def _check(source: Source, door: Run, n_rows: int) -> None:
    report = json.loads(door.output)[0]
    refused = len(range(7, n_rows, ONE_IN_REFUSED))
    counts = report["rows_read"], report["rows_accepted"], report["rows_refused"]
    print("  rows read, accepted, refused: {:,}, {:,}, {:,}".format(*counts))
    if counts != (n_rows, n_rows - refused, refused):
        raise SystemExit(f"{source.name}: {refused} were to be refused of {n_rows}")


def _rows_of(source: Source, size: float, folder: Path) -> int:
    """Return how many rows make a file of about that size."""
    sample = folder / "sample"
    source.write(sample, _SAMPLE_ROWS)
    return int(size / sample.stat().st_size * _SAMPLE_ROWS)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--csv-gb", type=float, default=1.0, help="of accounts")
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the files are made")
    return parser.parse_args()


if __name__ == "__main__":
    main()
