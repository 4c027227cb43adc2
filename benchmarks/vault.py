"""Print the vault's speed beside plain Parquet: `python benchmarks/vault.py [rows]`."""

from __future__ import annotations

import secrets
import sys
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


def main(n_rows: int) -> None:
    """Measure write, first and later, and read of three columns, in one process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = people(n_rows)
        key = VaultKey(secrets.token_bytes(32), "the benchmark")
        with KeyStore(folder / "keys.sqlite", key) as keys:
            measure(folder, rows, keys)


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
        begun = time.perf_counter()
        run()
        took_s = time.perf_counter() - begun
        n = 1000 if "1000" in step else len(ids)
        print(f"{step:24} {took_s:7.2f} s {n / took_s:12,.0f} records/s")


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
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
