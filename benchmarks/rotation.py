"""Rotation of the vault key over many subjects: time and memory, and who waits.

`python -m benchmarks.rotation --keys 10000000`
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from dmp.privacy.keys import KeyStore
from dmp.privacy.vault_key import VaultKey, new_vault_key

_SLICE = 500_000


def main() -> None:
    """Make keys, rotate under a writer, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    count = parser.parse_args().keys
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keys.sqlite"
        former, new = new_vault_key(), new_vault_key()
        create_s = make(path, former, count)
        rotate_s, waits = rotate(path, former, new, count)
        size = path.stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"keys                {count:>12,}")
    print(f"made in             {create_s:>12.1f} s")
    print(
        f"rewrapped in        {rotate_s:>12.1f} s  ({count / rotate_s:,.0f} a second)"
    )
    print(f"peak memory         {peak:>12.0f} MiB (making and rotating)")
    print(f"key store on disk   {size / 1e6:>12.0f} MB")
    print(f"a writer meanwhile  {np.median(waits):>12.3f} s median, {max(waits):.3f} s")


def make(path: Path, key: VaultKey, count: int) -> float:
    """Make the keys of `count` subjects; return the seconds."""
    begun = time.monotonic()
    with KeyStore(path, key) as store:
        for first in range(0, count, _SLICE):
            ids = np.arange(first, min(first + _SLICE, count), dtype=np.int64)
            store.subject_keys(ids, create=True)
    return time.monotonic() - begun


def rotate(
    path: Path, former: VaultKey, new: VaultKey, count: int
) -> tuple[float, list[float]]:
    """Rotate while another thread makes keys; return seconds and the writer's waits."""
    waits: list[float] = []
    ended = threading.Event()
    writer = threading.Thread(target=write, args=(path, former, count, waits, ended))
    writer.start()
    begun = time.monotonic()
    with KeyStore(path, former, reload=lambda: new) as store:
        rewrapping = store.rewrapping()
        rewrapping.begin(new)
        rewrapping.run()
        took = time.monotonic() - begun
        ended.set()
        writer.join()
        rewrapping.finish()
    return took, waits


def write(
    path: Path, key: VaultKey, first: int, waits: list[float], ended: threading.Event
) -> None:
    """Make a thousand keys every tenth of a second until told to end."""
    with KeyStore(path, key) as store:
        while not ended.wait(0.1):
            ids = np.arange(first, first + 1000, dtype=np.int64)
            begun = time.monotonic()
            store.subject_keys(ids, create=True)
            waits.append(time.monotonic() - begun)
            first += 1000


if __name__ == "__main__":
    main()
