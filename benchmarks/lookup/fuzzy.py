"""Time fuzzy look-ups: whom a record resembles, one after the other.

    python -m benchmarks.lookup.fuzzy [--records 2300000] [--trained 20000] [--asked N]

A model is trained on some generated people, who are loaded and resolved. Then the
records of everybody, a million people by default, go straight into memory, each under
its true person: how long a question takes depends on neither the vault nor a resolve
run. Asked are records that the look-up has not seen, of the same people and of others.
Printed are its size, how long reading takes (out of the vault for those trained on, of
clear values for everybody), the times of single questions with and without the line in
the audit log, and how many records each was compared with. Processor time is of the
asking thread alone: what a question costs where nobody else uses the machine.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.incremental.__main__ import HERE as PEOPLE
from benchmarks.incremental.__main__ import land, mistyped, timed
from benchmarks.linkage_speed.people import write_people
from dmp.core.errors import UsageError
from dmp.core.sql import Query, quote_name
from dmp.flows.ingest import ingest
from dmp.flows.resolve import (
    current_model,
    identity_settings,
    linkage_key,
    resolve_people,
    train_linkage,
)
from dmp.flows.similar import SimilarPeople
from dmp.flows.workspace import Workspace
from dmp.identity.basis import Basis
from dmp.identity.fuzzy import Answer, FuzzyLookup
from dmp.identity.records import clear_fields, normal_record_sql
from dmp.storage.write import append, commit

_PERCENTILES = (50, 99, 99.9, 100)
NAMES = {"street": "address", "city": "town"}
"""Column of the generated file to the field that it is loaded as."""


def main() -> None:
    """Read the command line, make a workspace in a temporary folder, ask, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=2_300_000)
    parser.add_argument("--trained", type=int, default=20_000)
    parser.add_argument("--asked", type=int, default=2_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copytree(PEOPLE / "config", home / "config")
        known, _ = land(home, given.trained, 0)
        environ = {"DMP_KEY_DIR": str(home / "keys")}
        with Workspace(home, environ=environ) as workspace:
            timed("load", lambda: ingest(workspace, "people", [known]))
            timed("train", lambda: train_linkage(workspace))
            timed("resolve", lambda: resolve_people(workspace))
            small, _ = timed("read from the vault", lambda: opened(workspace))
            print(f"{len(small.records):,} records")
            file = home / "everybody.parquet"
            timed("generate", lambda: write_people(given.records + given.asked, file))
            everybody = pq.read_table(file)
            known_rows = mistyped(everybody, keep=("true_id",))
            run(
                workspace,
                known_rows.slice(0, given.records),
                known_rows.slice(given.records),
            )


def run(workspace: Workspace, known: pa.Table, asked: pa.Table) -> None:
    """Read the look-up; ask it, and then the service that logs each question."""
    lookup, _ = timed("read clear values", lambda: of_clear(workspace, known))
    people = SimilarPeople.over(workspace, lookup)
    n_people = len(pc.unique(lookup.records.column("profile_id")))
    print(
        f"{len(lookup.records):,} records of {n_people:,} people, "
        f"{lookup.size_bytes / 1e6:,.0f} MB"
    )
    named = asked.rename_columns([NAMES.get(n, n) for n in asked.column_names])
    rows = [
        {k: str(v) for k, v in row.items() if v is not None and k in people.readings}
        for row in named.to_pylist()
    ]
    ask("look-up", lookup.similar, rows)
    ask("read, looked up, logged", people.find, rows)
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{peak_gb:.1f} GB at most")


def basis_of(workspace: Workspace) -> Basis:
    """Return what the workspace resolves by."""
    settings = identity_settings(workspace)
    model = current_model(workspace, settings)
    return Basis(settings, model, linkage_key(workspace))


def opened(workspace: Workspace) -> FuzzyLookup:
    """Read the look-up as a service does."""
    return FuzzyLookup.read(workspace.lake, workspace.vault, basis_of(workspace))


def of_clear(workspace: Workspace, known: pa.Table) -> FuzzyLookup:
    """Give each record a subject and each true person a profile; read the look-up."""
    lake, basis = workspace.lake, basis_of(workspace)
    if basis.linkage is None:
        raise UsageError("no linkage model was trained")
    _, settings = basis.linkage
    lake.connection.register("known_arrow", known)
    first = {"first": lake.value("select max(subject_id) + 1 from identity.subject")}
    lake.stage("known", Query(_KNOWN, first))
    lake.connection.unregister("known_arrow")
    for table, text in (("profile", _PROFILE), ("assignment", _ASSIGNMENT)):
        commit(lake, [append(f"identity.{table}", Query(text))], message=table)
    held = {NAMES.get(name, name): name for name in known.column_names}
    cells = ", ".join(
        f"{quote_name(held[name]) if name in held else 'null'}::varchar "
        f"as {quote_name(name)}"
        for name in clear_fields(settings)
    )
    clear = Query(f"select subject_id, {cells} from known")
    lake.stage("linkage_record", normal_record_sql(settings, clear))
    lake.execute("drop table known")
    return FuzzyLookup.of_staged(lake, basis, ())


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


_KNOWN = """
select *, $first + row_number() over () as subject_id,
    $first + dense_rank() over (order by true_id) as person
from known_arrow
"""
_PROFILE = """
select distinct person as profile_key, printf('p%015x', person) as profile_id,
    1 as generation, null::bigint as alias_of
from known
"""
_ASSIGNMENT = """
select subject_id, subject_id as component_id, person as profile_key,
    'benchmark' as run_id, now() as valid_from, null::timestamptz as valid_to
from known
"""


if __name__ == "__main__":
    main()
