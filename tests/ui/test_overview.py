"""The start page and the page of jobs: what they say, without widgets."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dmp.core.errors import NotAllowed, RunFailed
from dmp.flows.checks.finding import Finding, Level
from dmp.flows.overview import CheckTrend, Health, Overview, SegmentSize
from dmp.flows.shapes import Viewer
from dmp.jobs.records import RunRecord
from dmp.ui.executed import ExecutedCell, executed_cells
from dmp.ui.explorer import Loaded
from dmp.ui.home import home, next_step, shown_seconds
from dmp.ui.jobs_state import JobsState, jobs
from dmp.ui.overview_page import HomePage, JobsPage
from dmp.ui.steps import PAUSE_S, SHOWN_WITHIN_S
from dmp.ui.widgets.part import Part

AT = datetime(2026, 6, 30, tzinfo=UTC)
ADA = Viewer("Ada", ("analyst",), exact_counts=True)
MO = Viewer("Mo", ("marketer",), exact_counts=False)
SOURCE = {"source": "crm", "rows_read": 900, "rows_refused": 3, "loaded_at": AT}
GROWN = SegmentSize("grown", "Grown", 1_300, 1_000, AT)
SMALL = SegmentSize("small", "Small", 12, None, AT)
COUNTS = {"people": 20_715, "records": 1, "events": 2, "segments": 2}
FULL = Overview(
    viewer=ADA,
    counts=COUNTS,
    sources=(SOURCE,),
    segments=(GROWN, SMALL),
    last_resolved_at=AT,
    last_sync_at=None,
)
WELL = Health((), 19)
RUN = RunRecord(
    "20_resolve-1", "20_resolve", {"limit": 3}, "k", "failed", AT.isoformat(), 61.0
)


def shown(found: Overview, runs: Any = (), health: Health = WELL) -> Any:
    known = Loaded("ready", found), Loaded("ready", list(runs))
    return home(*known, Loaded("ready", health))


def test_an_empty_workspace_says_the_next_step_at_each_stage() -> None:
    empty = replace(FULL, sources=(), segments=(), counts=dict.fromkeys(COUNTS, 0))
    loaded = replace(empty, sources=(SOURCE,))
    resolved = replace(loaded, counts=COUNTS)
    steps = [next_step(one) for one in (empty, loaded, resolved, FULL)]
    assert steps[0] and "dmp demo" in steps[0]["commands"]
    assert steps[1] and "dmp resolve" in steps[1]["commands"]
    assert steps[2] and steps[2]["link"][1] == "/pages/segment_builder"
    assert steps[3] is None
    assert shown(empty)["figures"][0] == ["People", "0"]


def test_health_names_the_gravest_and_sizes_that_jump_need_attention() -> None:
    found = (Finding("lake: files", Level.PROBLEM, "gone", "dmp maintain"),)
    content = shown(FULL, health=Health(found, 19))
    assert content["health"] == {
        "state": "ready",
        "level": "problem",
        "text": "1 problem",
        "examined": 19,
    }
    assert [one["title"] for one in content["attention"]] == ["Lake: files", "Grown"]
    assert "+30%" in content["attention"][1]["text"]
    assert shown(replace(FULL, segments=()))["health"]["text"] == "All is well"


def test_who_may_not_see_exact_counts_sees_none_on_the_start_page() -> None:
    content = shown(replace(FULL, viewer=MO))
    assert content["figures"][0] == ["People", "20,720"]
    assert [one["people"] for one in content["segments"]] == ["1,300", "< 50"]
    assert {one["change"] for one in content["segments"]} == {""}


class Source:
    """Runs and checks with memory."""

    def __init__(self, *, refused: tuple[str, ...] = ()) -> None:
        self.refused, self.retried, self.checked = refused, 0, 0

    def overview(self) -> Overview:
        if "overview" in self.refused:
            raise NotAllowed("status needs a role")
        return FULL

    def health(self) -> Health:
        if "health" in self.refused:
            raise RuntimeError("nobody may read this")
        return WELL

    def runs(self) -> list[RunRecord]:
        again = [replace(RUN, run_id=f"again-{n}") for n in range(self.retried)]
        return [*again, RUN]

    def checks(self) -> list[CheckTrend]:
        series = (None, 3.0, 40.0)
        return [
            CheckTrend("freshness", "crm", "failed", "hours", 36.0, AT, series, AT),
            CheckTrend("match_rate", "", "passed", "share", 0.5, AT, (0.71,), None),
            *[
                CheckTrend(f"again_{n}", "", "passed", "share", 0.5, AT, (0.7,), None)
                for n in range(self.checked)
            ],
        ]

    def check(self) -> None:
        if "check" in self.refused:
            raise NotAllowed("maintain needs the role engineer")
        self.checked += 1

    def executed(self, run_id: str) -> list[ExecutedCell]:
        if "executed" in self.refused:
            raise NotAllowed("run_notebook needs the role analyst")
        return [ExecutedCell("code", "1/0", "", "ZeroDivisionError: x")]

    def retry(self, run_id: str) -> RunRecord:
        self.retried += 1
        if "retry" in self.refused:
            raise RunFailed("it failed again")
        return RUN


def opened(query: str = "", **options: Any) -> JobsState:
    state = JobsState(Source(**options), query)
    state.start()
    return state


def test_a_run_is_opened_by_its_address_and_run_again() -> None:
    state = opened("run=20_resolve-1")
    content = jobs(state)
    assert content["detail"]["cells"][0]["error"].startswith("ZeroDivision")
    assert content["detail"]["parameters"] == [["limit", "3"]]
    first, second = content["checks"]
    assert (first["status"], first["text"]) == ("failed", "1 failed")
    assert first["scopes"][0]["measured"] == "40 hours"
    assert second["scopes"][0]["measured"] == "71.0%"
    state.retry("20_resolve-1")
    assert len(jobs(state)["runs"]) == 2 and state.running is None
    state.retry("unknown")
    assert state.source.retried == 1  # type: ignore[attr-defined]


def test_only_one_run_is_under_way_and_a_failure_is_told() -> None:
    state = opened(refused=("retry", "executed"))
    begun: list[Any] = []
    state.beside = lambda act, done: begun.append((act, done))
    state.retry("20_resolve-1")
    state.retry("20_resolve-1")
    state.check()
    assert len(begun) == 1 and jobs(state)["running"] == "20_resolve-1"
    ((act, done),) = begun
    done(act())
    assert state.problem and "failed again" in state.problem.message
    state.open("20_resolve-1")
    assert jobs(state)["detail"]["state"] == "refused"
    state.open("gone")
    assert state.run is None and state.problem.kind == "missing"


def test_checks_run_from_the_page_and_show_what_they_found() -> None:
    state, seen = opened(), []
    state.listen(lambda change: seen.append((change, state.running)))
    before = len(jobs(state)["checks"])
    state.check()
    assert seen[0] == ("runs", "checks") and state.running is None
    assert len(jobs(state)["checks"]) == before + 1
    refused = opened(refused=("check",))
    refused.check()
    assert refused.problem and "maintain" in refused.problem.message


def test_an_executed_notebook_shows_text_and_pictures_but_no_markup(
    tmp_path: Path,
) -> None:
    data = {
        "text/html": "<script>x</script>",
        "text/plain": "a table",
        "image/png": "iV",
    }
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["one\n", "two\n"]},
        {"output_type": "display_data", "data": data, "metadata": {}},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": []},
    ]
    cell = {"cell_type": "code", "source": ["1 + 1"], "outputs": outputs}
    path = tmp_path / "run.ipynb"
    marker = {"cell_type": "markdown", "source": ["<span>An Exception</span>"],
              "metadata": {"tags": ["papermill-error-cell-tag"]}}  # fmt: skip
    empty = {"cell_type": "code", "source": [], "outputs": [], "metadata": {}}
    path.write_text(json.dumps({"cells": [marker, empty, cell]}))
    (found,) = executed_cells(path)
    assert found.output == "one\ntwo\na table" and found.error == "E: v"
    assert found.pictures == ("iV",) and "script" not in str(found)


@pytest.mark.parametrize("message", [{"kind": "open"}, {"kind": "retry"}])
def test_a_forged_message_to_the_jobs_shows_a_banner(message: Any) -> None:
    page = JobsPage(JobsState(Source()))
    page.begin()
    page.board._handle_custom_msg(message, [])
    assert page.notice.content["state"] == "failed"
    assert page.notice.content["reference"]


def test_the_start_page_shows_what_is_there_before_it_is_examined() -> None:
    page, seen = HomePage(Source()), []
    page.board.observe(lambda change: seen.append(change["new"]), "content")
    page.begin()
    assert [one["health"]["state"] for one in seen] == ["loading", "ready"]
    assert {str(one["figures"]) for one in seen} == {str(seen[0]["figures"])}


def test_the_start_page_can_be_read_again_without_waiting() -> None:
    page, health = HomePage(Source()), []

    def note(change: dict[str, Any]) -> None:
        health.append(change["new"]["health"]["state"])

    async def read(message: str, widget: Part) -> None:
        health.clear()
        widget._handle_custom_msg({"kind": message}, [])
        async with asyncio.timeout(SHOWN_WITHIN_S / 2):
            while health != ["loading", "ready"]:
                await asyncio.sleep(PAUSE_S)

    async def look() -> None:
        page.board.observe(note, "content")
        page.begin()
        await read("shown", page.address)
        await read("refresh", page.board)

    asyncio.run(look())


def test_what_cannot_be_examined_says_so_in_its_place() -> None:
    page = HomePage(Source(refused=("health",)))
    page.begin()
    content = page.board.content
    assert content["health"]["state"] == "failed" and content["figures"]
    assert "nobody may read" not in json.dumps(content)


def test_a_start_page_that_may_not_be_read_says_why() -> None:
    page = HomePage(Source(refused=("overview",)))
    page.begin()
    assert page.board.content["state"] == "refused"
    assert shown_seconds(0.04) == "0.0 s"
