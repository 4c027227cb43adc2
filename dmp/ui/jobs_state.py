"""The state of the page of jobs: which run is looked at, what runs again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from urllib.parse import parse_qs, urlencode

from dmp.flows.overview import CheckTrend
from dmp.jobs.records import RunRecord
from dmp.ui.drawings import Content, words
from dmp.ui.executed import ExecutedCell
from dmp.ui.explorer import Loaded, loaded
from dmp.ui.guard import Problem
from dmp.ui.home import run_line
from dmp.ui.numbers import percent
from dmp.ui.views import problem_content

MOST_SHOWN = 100
_GRAVEST = ("failed", "not_measured", "passed")
CHECKS = "checks"
"""What `running` says while the checks of data quality run; else a run's id."""


class JobSource(Protocol):
    """Reads runs and checks for one viewer; each method checks the role when called."""

    def runs(self) -> list[RunRecord]:
        """Return the runs of notebooks, the newest first."""
        ...

    def checks(self) -> list[CheckTrend]:
        """Return the checks of data quality with their last results."""
        ...

    def check(self) -> None:
        """Run the checks of data quality now; may take long."""
        ...

    def executed(self, run_id: str) -> list[ExecutedCell]:
        """Return the cells of a run's executed copy."""
        ...

    def retry(self, run_id: str) -> RunRecord:
        """Run a notebook again with the same parameters; may take long."""
        ...


class JobsState:
    """The runs, the checks, and the run that is open.

    Listeners are called with what changed: `runs`, `checks`, `run` or `problem`.
    What takes long is done by `beside`: at once, unless a page puts something there
    that does it in a thread. It is called with what to do and with what is to be told
    of the end.
    """

    def __init__(self, source: JobSource, query: str = "") -> None:
        """Read nothing yet; `query` is the query string to open with."""
        self.source, self.asked = source, query
        self.runs: Loaded[list[RunRecord]] = Loaded()
        self.checks: Loaded[list[CheckTrend]] = Loaded()
        self.run: str | None = None
        self.executed: Loaded[list[ExecutedCell]] | None = None
        self.running: str | None = None
        self.problem: Problem | None = None
        self.beside: Callable[
            [Callable[[], Loaded[Any]], Callable[[Loaded[Any]], None]], None
        ] = lambda act, done: done(act())
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call the listener after every change, with what changed."""
        self._listeners.append(listener)

    @property
    def query(self) -> str:
        """Return the query string that opens this view."""
        return urlencode({"run": self.run}) if self.run else ""

    def start(self) -> None:
        """Read runs and checks, and open the run that the query names."""
        self.refresh()
        self.visit(self.asked)

    def refresh(self) -> None:
        """Read the checks and the runs again."""
        self.checks = loaded(self.source.checks)
        self.runs = loaded(self.source.runs)
        self._tell("checks", "runs")

    def visit(self, query: str) -> None:
        """Open the run of a query string, or none."""
        named = parse_qs(query.lstrip("?")).get("run", [""])[0]
        self.open(named or None)

    def open(self, run_id: str | None) -> None:
        """Show the executed notebook of a run; None closes it."""
        known = [run.run_id for run in self.runs.value or []]
        if run_id is not None and run_id not in known:
            self.tell(Problem("missing", "There is no such run any more."))
            run_id = None
        self.run, self.executed = run_id, None
        if run_id is not None:
            opened = run_id
            self.executed = loaded(lambda: self.source.executed(opened))
        self._tell("run")

    def retry(self, run_id: str) -> None:
        """Run a notebook again, unless what was started here is not over."""
        if run_id in [run.run_id for run in self.runs.value or []]:
            self._begin(run_id, lambda: self.source.retry(run_id))

    def check(self) -> None:
        """Run the checks of data quality, unless what was started here is not over."""
        self._begin(CHECKS, self.source.check)

    def _begin(self, name: str, act: Callable[[], object]) -> None:
        if self.running:
            return
        self.running = name
        self._tell("runs")
        self.beside(lambda: loaded(act), self._ended)

    def _ended(self, found: Loaded[Any]) -> None:
        self.running = None
        if found.problem:
            self.tell(found.problem)
        self.refresh()

    def tell(self, problem: Problem | None) -> None:
        """Show a problem to the viewer; None takes it away."""
        self.problem = problem
        self._tell("problem")

    def _tell(self, *changes: str) -> None:
        for change in changes:
            for listener in self._listeners:
                listener(change)


def jobs(state: JobsState) -> Content:
    """Return what the page of jobs shows."""
    if state.runs.state == "loading":
        return {"state": "loading"}
    if state.runs.problem:
        return problem_content(state.runs.problem)
    found = state.runs.value or []
    return {
        "state": "ready",
        "runs": [run_line(run) for run in found[:MOST_SHOWN]],
        "more": max(0, len(found) - MOST_SHOWN),
        "running": state.running,
        "open": state.run,
        "detail": _detail(state, found),
        "checks": _by_check(state.checks.value or []),
        "checks_problem": problem_content(state.checks.problem)
        if state.checks.problem
        else None,
    }


def _detail(state: JobsState, found: list[RunRecord]) -> Content | None:
    run = next((one for one in found if one.run_id == state.run), None)
    if run is None or state.executed is None:
        return None
    if state.executed.problem:
        return problem_content(state.executed.problem)
    cells = state.executed.value or []
    return {
        "state": "ready",
        **run_line(run),
        "parameters": [[name, str(value)] for name, value in run.parameters.items()],
        "versions": [list(pair) for pair in run.versions.items()],
        "commits": list(run.commits),
        "cells": [
            {
                "kind": cell.kind,
                "source": cell.source,
                "output": cell.output,
                "error": cell.error,
                "pictures": list(cell.pictures),
            }
            for cell in cells
        ],
    }


def _by_check(found: Sequence[CheckTrend]) -> list[Content]:
    """Return what each check found, those that failed first, with its scopes."""
    return [
        {
            "name": words(name),
            "status": scopes[0].status,
            "text": _tally([one.status for one in scopes]),
            "scopes": [_check(one) for one in scopes],
        }
        for name, scopes in _grouped(found).items()
    ]


def _grouped(found: Sequence[CheckTrend]) -> dict[str, list[CheckTrend]]:
    """Return the results by check; results and checks with the gravest first."""
    groups: dict[str, list[CheckTrend]] = {}
    for one in sorted(found, key=lambda one: _GRAVEST.index(one.status)):
        groups.setdefault(one.check, []).append(one)
    return groups


def _tally(statuses: Sequence[str]) -> str:
    """Return how many are in each state.

    >>> _tally(["failed", "passed", "passed"])
    '1 failed, 2 passed'
    """
    counts = Counter(statuses)
    return ", ".join(
        f"{n} {words(one).lower()}" for one in _GRAVEST if (n := counts[one])
    )


def _check(one: CheckTrend) -> Content:
    return {
        "name": words(one.check),
        "scope": one.scope,
        "status": one.status,
        "measured": _measured(one.measured[-1], one.unit),
        "bound": _measured(one.bound, one.unit),
        "points": list(one.measured),
        "line": one.bound,
        "at": one.checked_at.isoformat(),
        "since": one.open_since.isoformat() if one.open_since else "",
    }


def _measured(value: float | None, unit: str) -> str:
    if value is None:
        return "not measured"
    if unit == "share":
        return percent(value)
    return f"{value:,.1f} {unit}" if value % 1 else f"{value:,.0f} {unit}"
