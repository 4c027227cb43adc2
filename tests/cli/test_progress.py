"""Bars are for people: on a terminal, unless told otherwise; never in a pipe."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import click
import pytest
from terminal import DMP, terminal

from dmp.cli import cli

GENERATE = ("generate", "--people", "100", "--no-events", "--sources", "crm")
LONG = (
    *("generate", "ingest", "train", "resolve", "maintain", "run", "demo", "sync"),
    *("segment build", "backup create", "restore", "keys rotate"),
)


@pytest.mark.parametrize("path", LONG)
def test_long_work_has_the_option(path: str) -> None:
    command: click.Command = cli
    for name in path.split():
        assert isinstance(command, click.Group)
        command = command.commands[name]
    names = [name for option in command.params for name in option.opts]
    assert "--progress" in names


@pytest.mark.parametrize(
    ("option", "is_shown"), [((), True), (("--no-progress",), False)], ids=str
)
def test_on_a_terminal(tmp_path: Path, option: tuple[str, ...], is_shown: bool) -> None:
    with terminal(*GENERATE, "--out", str(tmp_path / "out"), *option) as shell:
        assert shell.wait() == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shell.shown)
    assert bool(re.search(r"generate +━", plain)) == is_shown
    assert "written to" in shell.shown


@pytest.mark.parametrize(
    ("option", "is_shown"), [((), False), (("--progress",), True)], ids=str
)
def test_in_a_pipe(tmp_path: Path, option: tuple[str, ...], is_shown: bool) -> None:
    command = [DMP, *GENERATE, "--out", tmp_path / "out", *option]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ("generate" in done.stderr) == is_shown
    if is_shown:
        assert re.search(r"\d+/\d+ +[\d.,]+/s", done.stderr)
    assert "━" not in done.stdout
