"""The demo: synthetic people, then every pipeline notebook, then the summary."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from dmp.flows.demo import Stopwatch, Summary, generate_people, summarise
from dmp.flows.workspace import Workspace
from dmp.jobs.runner import run_notebook
from dmp.privacy import Permission

CHAIN = ("10_ingest", "20_train_linkage", "21_resolve", "30_segments", "40_activate")
NEEDED = (
    Permission.RUN_NOTEBOOK,
    Permission.GENERATE,
    Permission.INGEST,
    Permission.TRAIN,
    Permission.RESOLVE,
    Permission.BUILD_SEGMENT,
    Permission.SEND,
)
"""What the whole job does, which no single role may."""
StageProgress = Callable[[str, int, int], None]
"""Called with the stage, the steps done in it and the steps in all."""


def run_demo(
    workspace: Workspace,
    *,
    people: int,
    seed: int,
    progress: StageProgress | None = None,
    force: bool = False,
) -> Summary:
    """Generate people, run the pipeline through its notebooks, and sum up.

    A second run with the same people and seed finds everything done: it makes no new
    snapshot, and its summary says so by `changed`.

    Raises:
        NotAllowed: the caller lacks one of `NEEDED`; nothing was done.
        RunFailed: a notebook failed; the stages before it are done.
    """
    allow_demo(workspace)
    tell = progress or _silent
    watch = Stopwatch()
    before = workspace.lake.snapshot()
    had_results = workspace.lake.value("select count(*) from activation.sync") > 0
    _, folder = generate_people(
        workspace,
        people=people,
        seed=seed,
        progress=partial(tell, "generate"),
    )
    watch.lap("generate")
    as_of = _until(folder)
    for notebook in CHAIN:
        parameters = {} if notebook in CHAIN[:3] else {"as_of": as_of}
        run_notebook(
            workspace,
            notebook,
            parameters,
            force=force,
            progress=partial(tell, notebook),
        )
        watch.lap(notebook)
    changed = workspace.lake.snapshot() != before or not had_results
    return summarise(workspace, seconds=watch.seconds, changed=changed)


def _until(folder: Path) -> str:
    return str(json.loads((folder / "manifest.json").read_text())["until"])


def allow_demo(workspace: Workspace) -> None:
    """Go on only if the caller may do the whole job.

    Raises:
        NotAllowed: names the first permission that is missing.
    """
    for permission in NEEDED:
        workspace.allow(permission)


def _silent(stage: str, done: int, total: int) -> None:
    """Show nothing."""
