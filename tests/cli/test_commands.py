from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import dmp as package
from dmp.cli import cli
from dmp.cli.main import exit_code
from dmp.core.errors import DMPError, KeyMissing, NotAllowed, UnknownName
from dmp.jobs.runner import RunTimedOut, WorkspaceBusy
from dmp.storage.lock import fair_lock

Call = Callable[..., Any]
DMP = Path(sys.executable).parent / "dmp"


def commands(
    command: click.Command = cli, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        for name, member in command.commands.items():
            yield from commands(member, (*path, name))


def write_notebook(home: Path, name: str, *cells: str) -> None:
    tagged = new_code_cell("rows: int = 1", metadata={"tags": ["parameters"]})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    code = [tagged, *map(new_code_cell, cells)]
    notebook = new_notebook(cells=code, metadata={"kernelspec": kernel})
    nbformat.write(notebook, home / "notebooks" / f"{name}.ipynb")


@pytest.mark.parametrize(
    "path", [*commands()], ids=lambda path: " ".join(path) or "dmp"
)
def test_help(dmp: Call, path: tuple[str, ...]) -> None:
    shown = dmp(*path, "--help")
    assert shown.code == 0
    assert shown.out.startswith(" ".join(("Usage: dmp", *path)))
    assert shown.err == ""
    assert dmp(*path, "-h") == shown
    assert "\\b" not in shown.out


def test_a_report_is_never_written_over_a_pipe(dmp: Call, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    shown = dmp("report", "buyers", "--html", pipe)
    assert (shown.code, shown.out) == (2, "")
    assert "is a pipe" in shown.err
    assert pipe.is_fifo()


def test_version(dmp: Call) -> None:
    assert dmp("--version").out == f"dmp, version {package.__version__}\n"


def test_a_workspace_is_made_and_shown(dmp: Call, tmp_path: Path) -> None:
    home = tmp_path / "new"
    made = dmp("init", str(home))
    assert made.code == 0
    assert "is a workspace" in made.out
    assert "config/roles.yaml" in made.out
    shown = dmp("--home", str(home), "status")
    assert shown.code == 0
    assert "Nothing ingested yet" in shown.out
    assert "Fences" in shown.out


JSON = [
    ("status", "--json"),
    ("runs", "--json"),
    ("audit", "verify", "--json"),
    ("segment", "validate", "--json"),
    ("segment", "count", "loyal_shoppers", "--as-of", "2026-06-30", "--json"),
    ("segment", "members", "loyal_shoppers", "--as-of", "2026-06-30", "--json"),
    ("segment", "preview", "loyal_shoppers", "--as-of", "2026-06-30", "--json"),
    ("segment", "build", "loyal_shoppers", "--as-of", "2026-06-30", "--json"),
    ("segment", "history", "loyal_shoppers", "--json"),
    ("segment", "traits", "--json"),
    ("segment", "list", "--json"),
    ("segment", "graph", "--json"),
    ("segment", "graph", "loyal_shoppers", "--json"),
    ("segment", "history", "loyal_shoppers", "--at", "2026-06-30", "--json"),
    ("segment", "history", "loyal_shoppers", "--since", "2026-01-01", "--json"),
    ("sync", "--dry-run", "--as-of", "2026-06-30", "--json"),
    ("resolve", "--json"),
    ("maintain", "--json"),
    ("ingest", "crm", "--replay", "--json"),
    ("ingest", "--replay", "--json"),
]


@pytest.mark.parametrize("command", JSON, ids=" ".join)
def test_json_stands_alone(at: Call, command: tuple[str, ...]) -> None:
    shown = at(*command)
    assert (shown.code, shown.err) == (0, "")
    assert json.loads(shown.out) is not None


@pytest.mark.parametrize("command", JSON, ids=lambda c: " ".join(c[:-1]))
def test_without_json_it_is_for_people(at: Call, command: tuple[str, ...]) -> None:
    shown = at(*command[:-1])
    assert (shown.code, shown.err) == (0, "")
    if command[1] not in {"members", "preview"}:
        with pytest.raises(ValueError):
            json.loads(shown.out)


def test_a_count_says_conditions_in_words_and_what_to_do_where_nobody_is(
    at: Call,
) -> None:
    shown = at("segment", "count", "loyal_shoppers", "--as-of", "2026-06-30")
    assert "order count is at least 3" in shown.out
    assert "2026-06-30" in shown.out and "T00:00" not in shown.out
    assert "there is nobody yet; next: dmp ingest, then" in shown.out


@pytest.mark.parametrize("until", ["2030-01-31", "today"])
def test_people_are_made_up_to_the_day_asked_for(
    dmp: Call, tmp_path: Path, until: str
) -> None:
    out = tmp_path / "people"
    options = ("--people", "100", "--sources", "crm", "--until", until)
    days = {f"{datetime.now(UTC):%Y-%m-%d}"}
    shown = dmp("generate", *options, "--out", str(out))
    assert shown.code == 0
    manifest = json.loads((out / "manifest.json").read_text())
    day, _, hour = manifest["until"].partition("T")
    days |= {f"{datetime.now(UTC):%Y-%m-%d}"}
    assert day in (days if until == "today" else {until})
    assert hour.startswith("00:00:00") and f"--as-of {day}" in shown.out


def test_without_a_source_all_that_have_files_are_loaded(
    dmp: Call, tmp_path: Path
) -> None:
    home = tmp_path / "ws"
    dmp("init", str(home))
    landing = str(home / "data" / "landing")
    dmp("generate", "--people", "100", "--sources", "crm,shop", "--out", landing)
    for dry in (("--dry-run",), ()):
        shown = dmp("--home", str(home), "ingest", *dry)
        assert shown.code == 2
        tables = re.findall(r"^ *(crm|shop)\b", shown.out, re.MULTILINE)
        assert tables[:2] == ["crm", "shop"]
        missing = re.findall(r"(\w+): no file of \1 at", shown.err)
        assert missing == ["app", "partner", "web"]


def test_without_a_source_and_contracts_the_way_to_one_is_told(
    dmp: Call, tmp_path: Path
) -> None:
    home = tmp_path / "ws"
    dmp("init", str(home))
    shutil.rmtree(home / "config" / "sources")
    shown = dmp("--home", str(home), "ingest")
    assert shown.code == 2
    assert "dmp source infer FILE" in shown.err


WRONG = {
    "source": (("ingest", "crn"), "did you mean crm?"),
    "segment": (("segment", "count", "loyal_shopers"), "did you mean loyal_shoppers?"),
    "segment_to_build": (("segment", "build", "priceing_intent"), "pricing_intent"),
    "segment_to_send": (("sync", "warehouse", "--segment", "nobody"), "known: "),
    "destination": (("sync", "warehose"), "did you mean warehouse?"),
    "notebook": (("run", "10_ingets"), "did you mean 10_ingest?"),
    "parameter": (("run", "10_ingest", "-p", "source=[]"), "did you mean sources?"),
    "type": (("run", "10_ingest", "-p", "sources=crm"), "not a value of list"),
    "no instant": (("run", "30_segments", "-p", "as_of=yesterday"), "is no instant"),
    "no_equals": (("run", "10_ingest", "-p", "sources"), "NAME=VALUE"),
    "personal": (("run", "30_segments", "-p", "as_of=jo@mail.example"), "email"),
    "no_input": (("ingest", "crm"), "no file of crm"),
    "no_file": (("ingest", "crm", "absent.csv"), "does not exist"),
    "both": (("ingest", "crm", "--dry-run", "--replay"), "do not go together"),
    "a file to replay": (("ingest", "crm", "README.md", "--replay"), "reads no file"),
    "instant": (("segment", "build", "--as-of", "soon"), "is no instant"),
    "command": (("ingets", "crm"), "No such command"),
    "option": (("status", "--jsn"), "No such option"),
    "argument": (("run",), "Missing argument"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_is_told_in_words(at: Call, case: str) -> None:
    command, words = WRONG[case]
    shown = at(*command)
    assert shown.code == 2
    assert words in shown.err
    assert "Traceback" not in shown.err
    assert "jo@mail.example" not in shown.err
    assert shown.out == ""


def test_faulty_configuration_is_wrong_use(dmp: Call, tmp_path: Path) -> None:
    dmp("init", str(tmp_path))
    (tmp_path / "config" / "dmp.yaml").write_text("timezoon: UTC\nregion: []\n")
    shown = dmp("--home", str(tmp_path), "status")
    assert shown.code == 2
    assert "timezoon" in shown.err
    assert "region" in shown.err


def test_what_a_role_lacks_is_a_failure(
    at: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DMP_ROLE", "marketer")
    shown = at("resolve")
    assert shown.code == 1
    assert "it needs the role matcher or engineer" in shown.err
    assert "Traceback" not in shown.err


def test_a_failed_run(at: Call, made_home: Path) -> None:
    write_notebook(made_home, "failing", "1 / 0")
    shown = at("run", "failing")
    assert shown.code == 1
    assert "ZeroDivisionError" in shown.err
    assert "the executed copy:" in shown.err
    assert "Traceback" not in shown.err
    assert "failed" in at("runs").out


def test_a_run_that_takes_too_long(at: Call, made_home: Path) -> None:
    write_notebook(made_home, "endless", "while True: pass")
    shown = at("run", "endless", "--timeout", "1")
    assert shown.code == 124
    assert "--timeout" in shown.err


def test_a_run_beside_another(at: Call, made_home: Path) -> None:
    write_notebook(made_home, "second", "1")
    with fair_lock(made_home / "data" / "run-lock", timeout_s=5):
        shown = at("run", "second")
    assert shown.code == 75
    assert "dmp status" in shown.err


def test_a_run(at: Call, made_home: Path) -> None:
    write_notebook(made_home, "fine", "rows + 1")
    shown = at("run", "fine", "-p", "rows=2", "--json")
    assert shown.code == 0
    assert json.loads(shown.out)["parameters"] == {"rows": 2}
    again = at("run", "fine", "-p", "rows=2")
    assert "nothing changed" in again.out
    listed = json.loads(at("runs", "--json").out)
    assert listed[0]["run_id"] == json.loads(shown.out)["run_id"]
    parameters = at("run", "fine", "--show-parameters")
    assert "rows" in parameters.out
    assert "int" in parameters.out


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnknownName("source", "a", ["b"]), 2),
        (WorkspaceBusy("busy"), 75),
        (RunTimedOut("late"), 124),
        (NotAllowed("no"), 1),
        (KeyMissing("no"), 1),
        (DMPError("no"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_exit_codes(error: DMPError, code: int) -> None:
    assert exit_code(error) == code


def test_the_home_is_named_by_option_variable_or_folder(
    dmp: Call, made_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nowhere = dmp("status", "--json")
    assert nowhere.code == 2
    assert "dmp init DIR" in nowhere.err
    monkeypatch.setenv("DMP_HOME", str(made_home))
    assert json.loads(dmp("status", "--json").out)["home"] == str(made_home)
    monkeypatch.setenv("DMP_HOME", str(tmp_path / "absent"))
    assert dmp("status", "--json").code == 2
    by_option = dmp("--home", str(made_home), "status", "--json")
    assert json.loads(by_option.out)["home"] == str(made_home)
    monkeypatch.delenv("DMP_HOME")
    monkeypatch.chdir(made_home)
    assert json.loads(dmp("status", "--json").out)["home"] == str(made_home)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    done = subprocess.run(
        [DMP],
        env={**os.environ, "_DMP_COMPLETE": f"{shell}_source"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "_DMP_COMPLETE" in done.stdout
    assert done.returncode == 0, done.stderr


def test_the_installed_command_tells_errors_by_its_exit_code(tmp_path: Path) -> None:
    done = subprocess.run(
        [DMP, "--home", tmp_path, "status"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "is no workspace" in done.stderr
    assert "Traceback" not in done.stderr
