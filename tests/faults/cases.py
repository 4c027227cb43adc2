"""The commands that are killed, and the workspaces that they are killed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import boxes
from boxes import AS_OF, Box
from contents import Contents, contents


@dataclass(frozen=True)
class Case:
    """A command, the workspace that it starts from, and what makes it ready."""

    arguments: tuple[str, ...]
    base: str = ""
    prepare: Callable[[Box], None] = lambda box: None


CASES = {
    "landed": Case((), prepare=boxes.land),
    "init": Case(("init", ".")),
    "ingest": Case(("ingest", "crm"), "landed"),
    "ingest one": Case(("ingest", "crm"), "landed", boxes.load_half),
    "migrate": Case(("status",), "landed", boxes.outdate),
    "resolve": Case(("resolve",), "landed", boxes.grow),
    "build": Case(("segment", "build", "--as-of", AS_OF), "sync"),
    "sync": Case(("sync", "--as-of", AS_OF, "--force"), "resolve", boxes.send),
    "maintain": Case(("maintain", "--keep-days", "0"), "sync"),
}
KILLED = ("init", "ingest", "migrate", "resolve", "sync", "maintain")


class Stage:
    """The workspaces before and after each command, made when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._before: dict[str, Box] = {}
        self._after: dict[str, tuple[Contents, float]] = {}

    def before(self, name: str) -> Box:
        """The workspace in which the command is about to run; copy it."""
        if name not in self._before:
            case, folder = CASES[name], self._folder / name
            box = self.before(case.base).copy(folder) if case.base else Box(folder)
            box.home.mkdir(parents=True, exist_ok=True)
            case.prepare(box)
            self._before[name] = box
        return self._before[name]

    def unbroken(self, name: str) -> tuple[Contents, float]:
        """What a run that nobody disturbs leaves, and the seconds it takes."""
        if name not in self._after:
            box = self.before(name).copy(self._folder / f"{name}-unbroken")
            seconds = box.run(*CASES[name].arguments)
            self._after[name] = contents(box), seconds
        return self._after[name]
