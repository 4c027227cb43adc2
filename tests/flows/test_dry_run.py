"""A dry run of a load: mapping, refusals and classes, and not a byte written."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from sample_workspace import SAMPLE

from dmp.flows.ingest import dry_run, ingest
from dmp.flows.workspace import Workspace

pytestmark = pytest.mark.slow

CONTRACT = """
source: people
owner: tests
connector: {type: file, format: csv, path: data/landing/people/*.csv}
subject:
  - {from: id, kind: record}
fields:
  email: {from: email, type: email, class: direct, purpose: identity,
          identifier: {type: email}, on_fault: drop}
  age: {from: age, type: integer, class: quasi, purpose: analytics}
  remark: {from: remark, purpose: analytics}
"""


def contents(home: Path) -> dict[str, str]:
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def people(home: Path) -> Path:
    """A workspace with a source of 1,500 people, of whom the last has no age."""
    (home / "config" / "sources" / "people.yaml").write_text(CONTRACT)
    rows = [
        f"{n},p{n}@mail.example,{n % 90},p{n}@work.example,x" for n in range(1, 1500)
    ]
    rows[4] = "5,nobody,5,,x"
    rows[6] = ",p7@mail.example,7,,x"
    landed = home / "data" / "landing" / "people"
    landed.mkdir(parents=True)
    text = "\n".join(["id,email,age,remark,iban", *rows, "1500,,old,,x"]) + "\n"
    (landed / "people.csv").write_text(text)
    with Workspace(home) as workspace:
        assert workspace.stores.lake.snapshot() > 0
    return home


def test_the_first_thousand_rows_are_looked_at(people: Path) -> None:
    with Workspace(people) as workspace:
        (tried,) = dry_run(workspace, "people")
        assert not tried.is_whole
        assert (tried.report.rows_read, tried.report.rows_refused) == (1000, 1)
        (few,) = dry_run(workspace, "people", rows=3)
        assert (few.report.rows_read, few.is_whole) == (3, False)
        (whole,) = dry_run(workspace, "people", rows=None)
    assert whole.is_whole
    assert (whole.report.rows_read, whole.report.rows_refused) == (1500, 2)
    told = {(r.field, r.action, r.rows): (r.reason, r.right) for r in whole.refusals}
    assert set(told) == {
        ("subject", "refused", 1),
        ("age", "refused", 1),
        ("email", "dropped", 1),
    }
    assert told["subject", "refused", 1] == ("missing", "a value at id")
    assert told["age", "refused", 1] == ("not readable as integer", "a whole number")


def test_the_mapping_says_what_becomes_of_each_column(people: Path) -> None:
    with Workspace(people) as workspace:
        (tried,) = dry_run(workspace, "people")
    rows = {(m.place, m.target): m for m in tried.mapping}
    assert set(rows) == {
        ("id", "subject (record)"),
        ("email", "fields.email"),
        ("age", "fields.age"),
        ("remark", "fields.remark"),
        ("iban", ""),
    }
    email, remark = rows["email", "fields.email"], rows["remark", "fields.remark"]
    assert (email.type, email.class_, email.filled) == ("email", "direct", 1000)
    assert email.found == "direct: e-mail address"
    assert [m.place for m in tried.mapping if m.is_exposed] == ["remark"]
    assert remark.found == "direct: e-mail address"
    assert tried.classes == {"ordinary": 2, "quasi": 1, "direct": 2}


def test_nothing_is_written(people: Path) -> None:
    before = contents(people)
    with Workspace(people) as workspace:
        snapshot = workspace.lake.snapshot()
        dry_run(workspace, "people")
        dry_run(workspace, "people", rows=None)
        assert workspace.lake.snapshot() == snapshot
    assert contents(people) == before


def test_what_is_loaded_already_is_said(people: Path) -> None:
    with Workspace(people) as workspace:
        (before,) = dry_run(workspace, "people")
        ingest(workspace, "people")
        (after,) = dry_run(workspace, "people")
    assert (before.is_known, after.is_known) == (False, True)
    assert after.report.rows_accepted == 0


@pytest.mark.parametrize("source", ["web", "shop"])
def test_a_head_of_json_lines_and_of_parquet(home: Path, source: str) -> None:
    shutil.copytree(SAMPLE, home / "data" / "landing")
    with Workspace(home) as workspace:
        (tried,) = dry_run(workspace, source, rows=100)
        assert (tried.report.rows_read, tried.is_whole) == (100, False)
        targets = {m.target for m in tried.mapping}
        kind = {"web": "event", "shop": "transaction"}[source]
        assert f"{kind}.occurred_at" in targets


def test_a_quoted_line_break_ends_no_row(people: Path) -> None:
    file = people / "breaks.csv"
    file.write_text('id,email,age,remark\n1,,3,"a\nb"\n2,,4,"c\nd"\n3,,5,\n')
    with Workspace(people) as workspace:
        (tried,) = dry_run(workspace, "people", [file], rows=2)
        (all_,) = dry_run(workspace, "people", [file], rows=3)
    assert (tried.report.rows_read, tried.report.rows_refused) == (2, 0)
    assert (tried.is_whole, all_.is_whole) == (False, True)
