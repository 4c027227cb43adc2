"""Time fuzzy look-ups: whom a record resembles, one after the other.

    python -m benchmarks.lookup.fuzzy [--records 1000000] [--asked 2000]

Generated people are loaded, a model is trained, everybody resolved. Asked are records
that the look-up has not seen, of the same people and of others. Printed are its size,
how long reading it takes, the times of single questions with and without the line in
the audit log, and how many records each was compared with. Processor time is of the
asking thread alone: what a question costs where nobody else uses the machine.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.incremental.__main__ import HERE as PEOPLE
from benchmarks.incremental.__main__ import land, timed
from dmp.core.errors import UsageError
from dmp.flows.ingest import ingest
from dmp.flows.resolve import resolve_people, train_linkage
from dmp.flows.similar import SimilarPeople
from dmp.flows.workspace import Workspace
from dmp.identity.fuzzy import Answer

_PERCENTILES = (50, 99, 99.9, 100)


def main() -> None:
    """Read the command line, make a workspace in a temporary folder, ask, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--asked", type=int, default=2_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copytree(PEOPLE / "config", home / "config")
        known, asked = land(home, given.records, given.asked)
        environ = {"DMP_KEY_DIR": str(home / "keys")}
        with Workspace(home, environ=environ) as workspace:
            timed("load", lambda: ingest(workspace, "people", [known]))
            timed("train", lambda: train_linkage(workspace))
            timed("resolve", lambda: resolve_people(workspace))
            run(workspace, asked)


def run(workspace: Workspace, asked: Path) -> None:
    """Read the look-up; ask it, and then the service that logs each question."""
    people, _ = timed("read", lambda: SimilarPeople.open(workspace))
    lookup = people.lookup
    print(f"{len(lookup.records):,} records, {lookup.size_bytes / 1e6:,.0f} MB")
    rows = [
        {k: str(v) for k, v in row.items() if v is not None and k in people.readings}
        for row in pq.read_table(asked).to_pylist()
    ]
    ask("look-up", lookup.similar, rows)
    ask("read, looked up, logged", people.find, rows)


def ask(
    what: str,
    question: Callable[[Mapping[str, Any]], Answer],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Ask one after the other; print the times and what was compared."""
    wall_ms, own_ms, answers = [], [], []
    for row in rows:
        begun, used = time.perf_counter(), time.thread_time()
        try:
            answers.append(question(row))
        except UsageError:  # a mistyped value that no source could have read
            continue
        wall_ms.append((time.perf_counter() - begun) * 1000)
        own_ms.append((time.thread_time() - used) * 1000)
    for name, times in (("elapsed", wall_ms), ("processor", own_ms)):
        found = np.percentile(times, _PERCENTILES)
        shown = (f"p{p:g} {t:.1f} ms" for p, t in zip(_PERCENTILES, found, strict=True))
        print(f"{what}, {name}: {', '.join(shown)}", flush=True)
    compared = np.percentile([each.compared for each in answers], (50, 99, 100))
    known = sum(bool(each.similar) for each in answers) / len(answers)
    print(
        f"compared with {compared[0]:.0f} to {compared[2]:.0f}; near some: {known:.0%};"
        f" could not be read: {len(rows) - len(answers):,}"
    )


if __name__ == "__main__":
    main()
