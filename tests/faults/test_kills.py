"""Commands killed at any moment, and run again."""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

import pytest
from boxes import Box, kill
from cases import CASES, KILLED, Stage
from contents import Contents, contents, difference, rows_by_load

from dmp.storage.lake import Lake

MOMENTS = int(os.environ.get("DMP_FAULT_MOMENTS", "1"))
"""How often each command is killed; at random within equal parts of its time."""


@pytest.mark.slow
@pytest.mark.parametrize("name", KILLED)
def test_a_command_killed_at_any_moment_ends_as_if_unbroken(
    stage: Stage, name: str, tmp_path: Path
) -> None:
    whole, seconds = stage.unbroken(name)
    chance = random.Random(name)
    differing = {}
    for number in range(MOMENTS):
        moment = seconds * (number + chance.random()) / MOMENTS
        box = stage.before(name).copy(tmp_path / str(number))
        if fault := killed_and_repeated(box, name, moment, whole):
            differing[f"{moment:.3f} s"] = fault
        shutil.rmtree(box.folder)
    assert differing == {}


def killed_and_repeated(box: Box, name: str, moment: float, whole: Contents) -> str:
    """Kill the command at a moment, run it again; say what differs, else nothing."""
    process = box.start(*CASES[name].arguments)
    time.sleep(moment)
    kill(process)
    if torn := torn_loads(box):
        return f"after the kill: {torn}"
    box.run(*CASES[name].arguments)
    return difference(contents(box), whole)


def torn_loads(box: Box) -> list[str]:
    """Name the tables that hold rows of loads which were never committed."""
    root = box.home / "data" / "lake"
    if not (root / "catalog.sqlite").exists():
        return []
    with Lake(root, read_only=True) as lake:
        if not lake.exists("ops.load"):
            return []
        loads = {load for (load,) in lake.rows("select load_id from ops.load")}
        found = rows_by_load(lake)
    return [table for table, rows in found.items() if not rows.keys() <= loads]
