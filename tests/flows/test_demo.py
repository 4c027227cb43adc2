"""Every fact of the summary, recomputed by another path."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import second_path
import yaml
from sample_workspace import copy_workspace
from second_path import Files
from whole_job import PEOPLE, REPOSITORY, SEED

from dmp.core.sql import Query
from dmp.flows.demo import FunnelRow, Summary
from dmp.flows.workspace import Workspace
from dmp.jobs.demo import run_demo
from dmp.jobs.records import read_records
from dmp.jobs.runner import run_notebook
from dmp.privacy.pseudonyms import subject_id_sql
from dmp.storage.tables import TABLES

DESTINATIONS = {
    path.stem: yaml.safe_load(path.read_text())
    for path in sorted((REPOSITORY / "config" / "destinations").glob("*.yaml"))
}
PAIRS = [
    (name, segment)
    for name, destination in DESTINATIONS.items()
    for segment in destination["segments"]
]
FLOOR = 100
"""The least audience that an outside destination is sent."""


@pytest.fixture(scope="module")
def demo(demo_home: Path, summary: Summary) -> Iterator[Workspace]:
    with Workspace(demo_home) as workspace:
        yield workspace


@pytest.fixture(scope="module")
def landing(demo: Workspace) -> Path:
    return demo.paths.data / "landing"


@pytest.fixture(scope="module")
def files(landing: Path) -> Files:
    return second_path.read_files(landing, pd.Timestamp.now("UTC"))


@pytest.fixture(scope="module")
def placed(demo: Workspace, files: Files, landing: Path) -> pd.DataFrame:
    """Profile and component of each subject, by (source, kind:key)."""
    parts = [files.events, files.purchases, files.consent, files.emails]
    truth = pd.read_parquet(landing / "truth" / "subjects.parquet")
    truth = truth.assign(subject=truth.kind + ":" + truth.key)
    keys = pd.concat([part[["source", "subject"]] for part in [*parts, truth]])
    keys = keys.drop_duplicates()
    ids = []
    for source, rows in keys.groupby("source"):
        key = demo.keys.pseudonym_key("subject")
        demo.lake.connection.register("asked", rows)
        query = subject_id_sql(key, str(source), Query("subject"))
        select = f"select source, subject, {query.text} as subject_id from asked"
        ids.append(demo.lake.sql(Query(select, query.params)).df())
        demo.lake.connection.unregister("asked")
    stays = _lake(demo, "identity.assignment")
    now = stays[stays.valid_to.isna()]
    found = pd.concat(ids).merge(now, on="subject_id")
    return found.set_index(["source", "subject"])[["profile_key", "component_id"]]


def _lake(workspace: Workspace, table: str) -> pd.DataFrame:
    """Read a table of the lake by its files; none of them has deletions."""
    folder = workspace.paths.lake / "files" / table.replace(".", "/")
    return pd.concat(
        [pq.read_table(path).to_pandas() for path in sorted(folder.rglob("*.parquet"))]
    )


def test_rows_in_and_refused(summary: Summary, files: Files, landing: Path) -> None:
    planted = pd.read_parquet(landing / "truth" / "refused.parquet")
    for row in summary.sources:
        assert row.rows_read == files.rows[row.source]
        assert row.rows_refused == files.refused[row.source]
        assert row.rows_refused == (planted.source == row.source).sum()
        assert row.rows_read == (
            row.rows_accepted + row.rows_unchanged + row.rows_refused
        )
    assert [row.source for row in summary.sources] == sorted(files.rows)


def test_new_rows(summary: Summary, files: Files) -> None:
    new = {row.source: row.rows_accepted for row in summary.sources}
    for source in ("web", "app"):
        assert new[source] == (files.events.source == source).sum()
    assert new["shop"] == len(files.purchases)


def test_people_found(summary: Summary, placed: pd.DataFrame, landing: Path) -> None:
    truth = pd.read_parquet(landing / "truth" / "subjects.parquet")
    truth = truth.sort_values(["share", "person_id"], ascending=[False, True])
    truth = truth.drop_duplicates(["source", "kind", "key"])
    truth["subject"] = truth.kind + ":" + truth.key
    labelled = truth.merge(placed.reset_index(), on=["source", "subject"])
    labelled["known"] = labelled.kind.ne("device") | labelled.key.isin(
        _devices_with_a_login(landing)
    )
    known = labelled[labelled.known].reset_index(drop=True)
    found = summary.found
    assert found.anonymous == (~labelled.known).sum()
    assert found.subjects == len(known)
    assert found.people == known.profile_key.nunique()
    assert found.true_people == known.person_id.nunique()
    scores = second_path.pairwise(known.profile_key, known.person_id)
    mine = (found.scores.precision, found.scores.recall, found.scores.f1)
    assert mine == pytest.approx(scores, abs=1e-12)
    low, high = found.scores.interval
    assert low < found.scores.f1 < high
    assert found.scores.f1 > 0.9


def _devices_with_a_login(landing: Path) -> set[str]:
    web = second_path._json_lines(landing / "web")
    app = second_path._json_lines(landing / "app")
    on_web = {raw["anonymousId"] for raw in web if raw.get("userId")}
    advertising = {
        raw["device"].get("ad_id") for raw in app if raw["user"]["account_id"]
    }
    in_app = {
        raw["device"]["install_id"]
        for raw in app
        if raw["user"]["account_id"]
        or (raw["device"].get("ad_id") and raw["device"].get("ad_id") in advertising)
    }
    return on_web | in_app


@pytest.mark.parametrize(("destination", "segment"), PAIRS)
def test_a_funnel(
    summary: Summary,
    demo: Workspace,
    files: Files,
    placed: pd.DataFrame,
    destination: str,
    segment: str,
) -> None:
    profile_of, component_of = placed.profile_key, placed.component_id
    mine = second_path.members(files, profile_of)[segment]
    settings = DESTINATIONS[destination]
    gate = second_path.gate(files, settings["purpose"], component_of)
    reasons = second_path.reasons(mine, gate, profile_of, component_of)
    leaving = second_path.addresses(files, mine, gate, profile_of, component_of)
    people = len(set(leaving.values()))
    funnel = _funnel(summary, destination, segment)
    floor = 1 if settings.get("internal") else FLOOR
    assert funnel is not None
    if people < floor:
        assert (funnel.addressable, funnel.exported) == (people, 0)
        assert sum(n for step, _, n in funnel.losses if step == "sent") == people
        return
    assert funnel.members == len(mine) > 0
    assert funnel.consented == funnel.after_exclusions == reasons["granted"]
    lost = {reason: n for step, reason, n in funnel.losses if step == "consented"}
    assert lost == {r: n for r, n in reasons.items() if r != "granted"}
    assert funnel.addressable == funnel.exported == people
    left = sum(n for step, _, n in funnel.losses if step == "addressable")
    assert funnel.consented - left == funnel.addressable
    exported = _exported(demo, destination, segment)
    assert exported == {_hashed(email, settings) for email in leaving}


def test_some_audience_is_sent_and_some_is_withheld(summary: Summary) -> None:
    """Both branches of the test of funnels are taken."""
    sent = {bool(row.exported) for row in summary.funnels}
    assert sent == {True, False}
    assert {(row.destination, row.segment) for row in summary.funnels} == set(PAIRS)


def _funnel(summary: Summary, destination: str, segment: str) -> FunnelRow | None:
    rows = [
        row
        for row in summary.funnels
        if (row.destination, row.segment) == (destination, segment)
    ]
    assert len(rows) <= 1
    return rows[0] if rows else None


def _hashed(email: str, settings: dict[str, Any]) -> str:
    digest = hashlib.sha256(email.encode())
    if settings["identifier"]["encoding"] == "sha256_base64":
        return b64encode(digest.digest()).decode()
    return digest.hexdigest()


def _exported(workspace: Workspace, destination: str, segment: str) -> set[str]:
    settings = DESTINATIONS[destination]["file"]
    path = workspace.paths.home / settings["folder"] / f"{segment}.{settings['format']}"
    column = "email_sha256"
    if path.suffix == ".csv":
        values = pd.read_csv(path)[column].tolist()
    elif path.suffix == ".jsonl":
        lines = path.read_text().splitlines()
        values = [json.loads(line)[column] for line in lines]
    else:
        values = pd.read_parquet(path)[column].tolist()
    assert len(values) == len(set(values))
    return set(values)


def test_files(summary: Summary, demo: Workspace) -> None:
    assert len(summary.files) == sum(bool(row.exported) for row in summary.funnels)
    for file in summary.files:
        folder = demo.paths.home / DESTINATIONS[file["destination"]]["file"]["folder"]
        path = folder / file["name"]
        assert file["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert file["rows"] == len(_exported(demo, file["destination"], path.stem))
        manifest = json.loads(path.with_suffix(".manifest.json").read_text())
        described = {name: file[name] for name in ("name", "rows", "sha256")}
        assert manifest["files"] == [described]
    written = {p for p in (demo.paths.data / "exports").rglob("*") if p.is_file()}
    assert len(written) == 2 * len(summary.files)


def test_the_audit_is_whole(summary: Summary, demo: Workspace) -> None:
    lines = (demo.paths.audit / "log.jsonl").read_text().splitlines()
    assert summary.audit_ok
    assert summary.audit_records == len(lines)
    actions = {json.loads(line)["action"] for line in lines}
    assert actions == {"init", "ingest", "train", "resolve", "build_segment", "sync"}


def test_every_notebook_ran_within_a_minute(summary: Summary, demo: Workspace) -> None:
    stages = ["10_ingest", "20_train_linkage", "21_resolve"]
    stages += ["30_segments", "40_activate"]
    records = {record.notebook: record for record in read_records(demo.paths.runs)}
    assert sorted(records) == stages
    assert all(record.is_success for record in records.values())
    assert max(record.seconds for record in records.values()) < 60
    assert list(summary.seconds) == ["generate", *stages]
    assert summary.changed
    assert summary.snapshot == demo.lake.snapshot()
    assert json.loads(summary.to_json()) == json.loads(json.dumps(asdict(summary)))


def _contents(workspace: Workspace) -> dict[str, str]:
    return {
        table.name: str(
            workspace.lake.value(
                "select (count(*), bit_xor(hash(t)), sum(hash(t)))::varchar "
                f"from {table.name} as t"
            )
        )
        for table in TABLES
    }


@pytest.mark.slow
def test_a_second_run_changes_nothing(summary: Summary, demo: Workspace) -> None:
    """Its notebooks meet a lake that has changed since they ran; it stays as it is."""
    before = _contents(demo)
    runs = len(read_records(demo.paths.runs))
    again = run_demo(demo, people=PEOPLE, seed=SEED)
    assert not again.changed
    assert again.snapshot == summary.snapshot == demo.lake.snapshot()
    assert _contents(demo) == before
    assert len(read_records(demo.paths.runs)) == runs + 5
    same = ("sources", "found", "funnels", "files", "as_of")
    assert {name: getattr(again, name) for name in same} == {
        name: getattr(summary, name) for name in same
    }
    log = (demo.paths.audit / "log.jsonl").read_text().splitlines()
    assert len(log) == summary.audit_records
    third = run_demo(demo, people=PEOPLE, seed=SEED)
    assert not third.changed
    assert len(read_records(demo.paths.runs)) == runs + 5


SCIENCE = {
    "31_lookalike": {"save_as": "alike", "reach": "40"},
    "32_discover": {"groups": "4", "save_group": "A"},
}


@pytest.mark.slow
@pytest.mark.parametrize("notebook", SCIENCE)
def test_a_notebook_of_data_science_runs_on_the_sample_and_keeps_its_list(
    demo_home: Path, summary: Summary, tmp_path: Path, notebook: str
) -> None:
    home = copy_workspace(demo_home, tmp_path / "ws")
    given = {"as_of": summary.as_of, **SCIENCE[notebook]}
    with Workspace(home) as workspace:
        record, _ = run_notebook(workspace, notebook, given)
        assert (record.status, record.error) == ("done", "")
        kept = workspace.lake.rows(
            "select segment, count(*) from segment.membership "
            "where starts_with(segment, 'list:') group by segment"
        )
    [(name, people)] = kept
    if notebook == "31_lookalike":
        assert name == "list:alike"
        assert 25 <= people < 40  # some of the forty are held out
    else:
        assert name == "list:group_a"
        assert people >= 250
