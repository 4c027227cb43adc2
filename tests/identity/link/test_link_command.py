"""The command `dmp link` and its report."""

from __future__ import annotations

import html.parser
import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from people_file import PeopleFile, made, written

from dmp.cli.main import cli
from dmp.core.errors import UsageError


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> PeopleFile:
    table, person = made(80, seed=12)
    path = tmp_path_factory.mktemp("command") / "people.parquet"
    return PeopleFile(written(table, path), table, person)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["link", *map(str, arguments)])


class Page(html.parser.HTMLParser):
    """Collects what a page would load, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [v for k, v in attrs if k in ("src", "href") and v]
        if tag == "script":
            self.loads.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_what_was_found_is_told_in_words(people: PeopleFile, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    result = run(people.path, "--out", out)
    n = len(set(pq.read_table(out)["cluster_id"].to_pylist()))
    assert result.exit_code == 0, result.output
    assert f"{len(people.table)} records are {n} people" in result.output
    assert f"Written: {out}" in result.output.replace("\n", "")


def test_no_estimate_is_given_where_nothing_was_joined(tmp_path: Path) -> None:
    names = [f"{first} {last}" for first in ("Ann", "Bo", "Cy", "Di") for last in
             ("Abbot", "Berg", "Crane", "Dunn", "Eaton")]  # fmt: skip
    born = [f"19{50 + n}-0{n % 9 + 1}-1{n % 10}" for n in range(len(names))]
    rows = "\n".join(f"{name},{day}" for name, day in zip(names, born, strict=True))
    for copies, told in (
        (1, "No two records look like one person."),
        (2, "Only records that say the same in every compared column were joined."),
    ):
        path = tmp_path / f"people{copies}.csv"
        path.write_text("name,born\n" + f"{rows}\n" * copies)
        result = run(path, "--out", tmp_path / f"out{copies}.csv")
        assert told in result.output.replace("\n", " ")


def test_json_stands_alone(people: PeopleFile, tmp_path: Path) -> None:
    result = run(people.path, "--out", tmp_path / "out.csv", "--json")
    told = json.loads(result.stdout)
    assert told["records"] == len(people.table)
    assert 0 < told["estimates"]["precision"] <= 1


def test_the_report_loads_nothing_and_holds_no_value(
    people: PeopleFile, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    result = run(people.path, "--out", tmp_path / "o.parquet", "--report", report)
    assert result.exit_code == 0, result.output
    text = report.read_text()
    page = Page()
    page.feed(text)
    assert page.loads == []
    shown = " ".join(page.text)
    for column in ("last", "mail", "born", "street"):
        values = {v for v in people.table[column].to_pylist() if v and len(v) > 5}
        assert not [v for v in values if v in shown]
        assert f"columns.{column}.kind" in shown
    assert "one letter different" in shown


def test_a_column_name_cannot_write_into_the_report(tmp_path: Path) -> None:
    table, _ = made(40)
    names = ["<script>x</script>", *table.column_names[1:]]
    path = written(table.rename_columns(names), tmp_path / "f.parquet")
    report = tmp_path / "r.html"
    run(path, "--out", tmp_path / "o.parquet", "--report", report)
    page = Page()
    page.feed(report.read_text())
    assert page.loads == []
    assert "<script>x</script>" in " ".join(page.text)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "nothing to write"),
        (["--ask", "5"], "go together"),
        (["--out", "x.parquet", "--id", "recordid"], "record_id"),
        (["--out", "none/x.parquet"], "no such folder"),
        (["--out", "x.parquet", "--report", "x.parquet"], "read or written twice"),
        (["--out", "x.xlsx"], ".parquet or .csv"),
        (["--out", "x"], ".parquet or .csv"),
        (["--ask", "5", "--pairs", "x.xlsx"], "end in .csv"),
        (["--out", "-"], "name a file"),
        (["--out", "x.csv", "--model-out", "-"], "name a file"),
    ],
)
def test_what_cannot_be_done_is_told(
    people: PeopleFile, more: list[str], said: str
) -> None:
    result = run(people.path, *more)
    assert isinstance(result.exception, UsageError)
    assert said in str(result.exception)


@pytest.mark.parametrize("option", ["--out", "--report", "--pairs", "--model-out"])
def test_a_pipe_is_refused_before_the_work_begins(tmp_path: Path, option: str) -> None:
    no_people, pipe = tmp_path / "people.json", tmp_path / "pipe.csv"
    no_people.write_text("[]")
    os.mkfifo(pipe)
    more = {"--pairs": ["--ask", "5"], "--report": ["--out", tmp_path / "o.csv"]}
    result = run(no_people, option, pipe, *more.get(option, []))
    assert isinstance(result.exception, UsageError)
    assert f"{pipe}: is a pipe" in str(result.exception)
    assert pipe.is_fifo()


def test_every_result_goes_to_the_file_behind_its_link(
    people: PeopleFile, tmp_path: Path
) -> None:
    names = {"--out": "o.csv", "--pairs": "p.csv", "--model-out": "m", "--report": "r"}
    behind = tmp_path / "behind"
    behind.mkdir()
    for name in names.values():
        (behind / name).write_text("before")
        (tmp_path / name).symlink_to(behind / name)
    options = [part for o, name in names.items() for part in (o, tmp_path / name)]
    result = run(people.path, *options, "--ask", "3")
    assert result.exit_code == 0, result.output
    for name in names.values():
        assert (tmp_path / name).is_symlink()
        assert (behind / name).read_text() != "before"
    assert len([*behind.iterdir()]) == len(names)
