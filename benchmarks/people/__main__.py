"""Resolve labelled people and print how well, beside connected components.

    python -m benchmarks.people RECORDS.parquet

RECORDS holds `record_id`, `true_id` and the columns that config/sources/people.yaml
names. The reference takes the same scored pairs of the same model in the same run and
joins everything connected at a match probability of 0.95, as Splink's documentation
does; ours clusters by evidence. The truth is used for the scores alone.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from dmp.core.sql import Query, sql
from dmp.flows.ingest import ingest
from dmp.flows.resolve import resolve_people, train_linkage
from dmp.flows.workspace import Workspace
from dmp.identity.evaluation import Scores, pairwise_scores
from dmp.identity.graph import components
from dmp.privacy.pseudonyms import subject_id_sql

HERE = Path(__file__).parent


def main() -> None:
    """Read the command line, make a workspace in a temporary folder, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("records", type=Path)
    records = parser.parse_args().records
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copytree(HERE / "config", home / "config")
        (home / "data" / "landing").mkdir(parents=True)
        shutil.copy(records, home / "data" / "landing" / "records.parquet")
        environ = {"DMP_KEY_DIR": str(home / "keys")}
        with Workspace(home, environ=environ) as workspace:
            run(workspace, records)


def run(workspace: Workspace, records: Path) -> None:
    """Ingest, train, resolve; print seconds and scores."""
    seconds = {}
    for name, step in (
        ("ingest", lambda: ingest(workspace, "people")),
        ("train", lambda: train_linkage(workspace)),
        ("resolve", lambda: resolve_people(workspace)),
    ):
        begun = time.monotonic()
        step()
        seconds[name] = time.monotonic() - begun
    stage_truth(workspace, records)
    print(f"{records.name}: " + ", ".join(f"{n} {s:.1f} s" for n, s in seconds.items()))
    print_scores("dmp, by evidence", pairwise_scores(workspace.lake, Query(OURS)))
    stage_reference(workspace)
    reference = pairwise_scores(workspace.lake, Query(REFERENCE))
    print_scores("connected at .95", reference)


OURS = """
select a.profile_key as cluster, t.true_id as truth
from true_subject as t join identity.assignment as a using (subject_id)
where a.valid_to is null
"""
REFERENCE = """
select c.component as cluster, t.true_id as truth
from true_subject as t join connected as c using (subject_id)
"""


def stage_truth(workspace: Workspace, records: Path) -> None:
    """Stage `true_subject`: the truth of each record under its subject_id."""
    key = workspace.keys.pseudonym_key("subject")
    who = Query("'record:' || trim(record_id)")
    workspace.lake.stage(
        "true_subject",
        sql(
            "select {id} as subject_id, true_id from read_parquet($file)",
            id=subject_id_sql(key, "people", who),
            file=str(records),
        ),
    )


def stage_reference(workspace: Workspace) -> None:
    """Stage `connected`: the component of each subject at a probability of 0.95."""
    lake = workspace.lake
    nodes = lake.sql("select subject_id from node order by node").fetchnumpy()
    pairs = lake.sql(
        "select l.node as l, r.node as r from scored_pair "
        "join node as l on l.subject_id = subject_id_l "
        "join node as r on r.subject_id = subject_id_r "
        "where match_probability >= 0.95 and not is_inner"
    ).fetchnumpy()
    label = components(len(nodes["subject_id"]), pairs["l"], pairs["r"])
    table = {"subject_id": nodes["subject_id"], "component": label.astype(np.int64)}
    lake.connection.register("component_arrow", pa.table(table))
    lake.stage("connected", "select * from component_arrow")


def print_scores(name: str, scores: Scores) -> None:
    """Print one line: precision, recall, F1 with its interval."""
    low, high = scores.interval
    print(
        f"{name:<18} precision {scores.precision:.4f}  recall {scores.recall:.4f}  "
        f"F1 {scores.f1:.4f} [{low:.4f}, {high:.4f}]"
    )


if __name__ == "__main__":
    main()
