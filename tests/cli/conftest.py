from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dmp.cli import main
from dmp.flows.initialise import initialise
from dmp.flows.resolve import resolve_people
from dmp.flows.workspace import Workspace


@dataclass(frozen=True)
class Shown:
    """What a command gave."""

    code: int
    out: str
    err: str


Call = Callable[..., Shown]


@pytest.fixture(scope="module")
def made_home(
    tmp_path_factory: pytest.TempPathFactory, isolated_environment: pytest.MonkeyPatch
) -> Path:
    """A workspace with nothing in it but the layout of profiles."""
    home = initialise(tmp_path_factory.mktemp("cli") / "ws").home
    with Workspace(home) as workspace:
        resolve_people(workspace)
    return home


@pytest.fixture
def dmp(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Call]:
    """Call the command line as the installed command does."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = {number: signal.getsignal(number) for number in numbers}

    def call(*arguments: str) -> Shown:
        monkeypatch.setattr(sys, "argv", ["dmp", *arguments])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as done:
            code = int(done.code or 0)
        return Shown(code, *capsys.readouterr())

    yield call
    for number, handler in before.items():
        signal.signal(number, handler)
    logging.getLogger().setLevel(logging.WARNING)


@pytest.fixture
def at(dmp: Call, made_home: Path) -> Call:
    """Call the command line in the workspace with nothing in it."""
    return lambda *arguments: dmp("--home", str(made_home), *arguments)
