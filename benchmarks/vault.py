"""The vault's speed beside plain Parquet, and the cost of a great many keys.

`python -m benchmarks.vault --rows 1_000_000 --keys 10_000_000`
"""

from __future__ import annotations

import argparse
import resource
import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dmp.privacy.keys import KeyStore
from dmp.privacy.vault import Vault
from dmp.privacy.vault_key import VaultKey

COLUMNS = ("name", "email", "phone")
_SLICE = 500_000


def main() -> None:
    """Measure the rows, then the keys, in one process: the peak is that of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=0)
    asked = parser.parse_args()
    for count, run in ((asked.rows, measure_rows), (asked.keys, measure_keys)):
        if count:
            with tempfile.TemporaryDirectory() as name:
                run(Path(name), count)
            print(f"peak memory {_peak_mib():,.0f} MiB")


def measure_rows(folder: Path, n_rows: int) -> None:
    """Measure write, first and later, and read of three columns."""
    with _store(folder) as keys:
        measure(folder, people(n_rows), keys)


def measure_keys(folder: Path, count: int) -> None:
    """Make the keys of `count` subjects slice by slice, and read them back so."""
    ids = np.random.default_rng(9).permutation(count).astype(np.int64)
    slices = [ids[first : first + _SLICE] for first in range(0, count, _SLICE)]
    with _store(folder) as keys:
        for step, create in (("keys made", True), ("keys read and unwrapped", False)):
            begun = _clocks()
            for some in slices:
                if None in keys.subject_keys(some, create=create):
                    raise SystemExit("a key is missing")
            _show(step, count, begun)
    size = (folder / "keys.sqlite").stat().st_size
    print(f"on disk {size / 1e6:,.0f} MB, {size / count:.0f} bytes a key")


def _store(folder: Path) -> KeyStore:
    key = VaultKey(secrets.token_bytes(32), "the benchmark")
    return KeyStore(folder / "keys.sqlite", key)


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _show(step: str, count: int, begun: tuple[float, float]) -> None:
    took_s, cpu_s = (now - then for now, then in zip(_clocks(), begun, strict=True))
    print(
        f"{step:24} {took_s:7.2f} s, {cpu_s:6.2f} s of processor, "
        f"{count / cpu_s:10,.0f} a second and core",
        flush=True,
    )


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(folder: Path, rows: pa.Table, keys: KeyStore) -> None:
    """Print a line a step."""
    vault = Vault(folder / "blobs", keys)
    plain = folder / "plain.parquet"
    ids = rows.column("subject_id").to_numpy()
    versions = pa.table(
        {"subject_id": ids, "load_id": pa.repeat(pa.scalar("load"), len(ids))}
    )
    steps: dict[str, Callable[[], object]] = {
        "plain Parquet write": lambda: pq.write_table(rows, plain),
        "plain Parquet read": lambda: pq.read_table(plain),
        "vault write, keys made": lambda: vault.write("load", rows),
        "vault write, keys there": lambda: vault.write("load", rows),
        "keys read and unwrapped": lambda: keys.subject_keys(ids, create=False),
        "vault read, 3 columns": lambda: vault.read(versions, COLUMNS),
        "vault read, 1 column": lambda: vault.read(versions, COLUMNS[:1]),
        "vault read, 1000 rows": lambda: vault.read(versions.slice(0, 1000), COLUMNS),
        "keys destroyed": lambda: keys.destroy_subject_keys(ids),
    }
    for step, run in steps.items():
        begun = _clocks()
        run()
        n = 1000 if "1000" in step else len(ids)
        _show(step, n, begun)


def people(n_rows: int) -> pa.Table:
    """Return synthetic rows: subject_id, name, email, phone."""
    ids = np.unique(np.random.default_rng(7).integers(0, 2**62, n_rows))
    numbers = range(len(ids))
    return pa.table(
        {
            "subject_id": np.random.default_rng(8).permutation(ids),
            "name": [f"Person Number {i}" for i in numbers],
            "email": [f"person.{i}@example.com" for i in numbers],
            "phone": [f"+4477{i:08d}" for i in numbers],
        }
    )


if __name__ == "__main__":
    main()
