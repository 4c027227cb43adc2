"""Time a resolve run over new records alone, beside a full one that gives the same.

    python -m benchmarks.incremental [--records 1000000] [--new 10000]

Generated people are loaded and resolved; then new records of the same people and of
others are loaded. A fork of the lake is resolved in full, the lake itself by what
changed, in one process, one after the other; at the end every id is compared. A million
records and ten thousand new ones take some four minutes of processor time, 3 GB of
memory and 1 GB of disk.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.linkage_speed.people import write_people
from dmp.flows.ingest import ingest
from dmp.flows.resolve import (
    current_model,
    identity_settings,
    linkage_key,
    profile_settings,
    train_linkage,
)
from dmp.flows.workspace import Workspace
from dmp.identity.basis import Basis
from dmp.identity.profiles import ProfileBuild, build_profiles
from dmp.identity.resolve import Resolution, resolve
from dmp.storage.fork import forked
from dmp.storage.lake import Lake

HERE = Path(__file__).parent
_OUTCOME = """
select count(*), bit_xor(hash(subject_id, profile_key, component_id)) as ids
from identity.assignment where valid_to is null
"""
T = TypeVar("T")


def main() -> None:
    """Read the command line, make a workspace in a temporary folder, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--new", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copytree(HERE / "config", home / "config")
        first, second = land(home, given.records, given.new)
        environ = {"DMP_KEY_DIR": str(home / "keys")}
        with Workspace(home, environ=environ) as workspace:
            run(workspace, first, second)


def land(home: Path, records: int, new: int) -> tuple[Path, Path]:
    """Write the records to load first, and those to load after them."""
    landing = home / "data" / "landing"
    landing.mkdir(parents=True)
    everything = landing / "all.parquet"
    write_people(records + new, everything)
    rows = mistyped(pq.read_table(everything))
    first, second = landing / "first.parquet", landing / "second.parquet"
    pq.write_table(rows.slice(0, records), first)
    pq.write_table(rows.slice(records), second)
    everything.unlink()
    return first, second


def mistyped(rows: pa.Table, *, keep: tuple[str, ...] = ()) -> pa.Table:
    """Cut every fiftieth first name to its initial, and swap every hundredth's two.

    The source and the true person are left out, but for those to `keep`.
    """
    place = np.arange(len(rows))
    first, last = rows.column("first_name"), rows.column("last_name")
    initial = pc.utf8_slice_codeunits(first, 0, 1)
    is_swapped = pa.array(place % 100 == 1)
    names = {
        "first_name": pc.if_else(pa.array(place % 50 == 0), initial, first),
        "last_name": pc.if_else(is_swapped, first, last),
    }
    names["first_name"] = pc.if_else(is_swapped, last, names["first_name"])
    hidden = {"source", "true_id"} - set(keep)
    kept = rows.drop_columns([*sorted(hidden), *names])
    return pa.table(
        {**dict(zip(kept.column_names, kept.columns, strict=True)), **names}
    )


def run(workspace: Workspace, first: Path, second: Path) -> None:
    """Load, train, resolve; load what is new; resolve both ways; compare."""
    timed("load", lambda: ingest(workspace, "people", [first]))
    timed("train", lambda: train_linkage(workspace))
    show(*timed("first resolve", lambda: resolved(workspace, workspace.lake)))
    timed("profiles built", lambda: profiles_of(workspace))
    timed("load new", lambda: ingest(workspace, "people", [second]))
    scratch = workspace.paths.scratch
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    with forked(workspace.lake, scratch) as fork:
        full, full_s = timed("", lambda: resolved(workspace, fork, full=True))
        show(full, full_s)
        expected = fork.row(_OUTCOME)
    found, found_s = timed("", lambda: resolved(workspace, workspace.lake))
    show(found, found_s)
    timed("profiles built", lambda: profiles_of(workspace))
    is_same = workspace.lake.row(_OUTCOME) == expected
    print(f"{full_s / found_s:.1f} times as fast; same ids: {is_same}")


def resolved(workspace: Workspace, lake: Lake, *, full: bool = False) -> Resolution:
    """Resolve a lake by the settings and keys of the workspace."""
    settings = identity_settings(workspace)
    model = current_model(workspace, settings)
    return resolve(
        lake,
        workspace.vault,
        Basis(settings, model, linkage_key(workspace)),
        run_id="full" if full else f"run-{time.monotonic_ns()}",
        now=workspace.clock(),
        actor="benchmark",
        full=full,
    )


def profiles_of(workspace: Workspace) -> ProfileBuild:
    """Bring the profiles up to date, which each resolve command does last."""
    settings = profile_settings(workspace)
    return build_profiles(workspace.lake, settings, now=workspace.clock())


def timed(what: str, step: Callable[[], T]) -> tuple[T, float]:
    """Run a step; print and return how many seconds it took."""
    begun = time.perf_counter()
    value = step()
    took_s = time.perf_counter() - begun
    if what:
        print(f"{what:<24}{took_s:9.1f} s", flush=True)
    return value, took_s


def show(found: Resolution, seconds: float) -> None:
    """Print what a run looked at and how long it took."""
    kind = "full run" if found.is_full else "incremental run"
    print(
        f"{kind:<24}{seconds:9.1f} s   looked at {found.looked_at:,} of "
        f"{found.subjects:,} subjects; {found.profiles:,} people, "
        f"{found.merged:,} ids merged, {found.founded:,} new",
        flush=True,
    )


if __name__ == "__main__":
    main()
