"""A workspace in a folder beside its keys, so that both can be copied and lost."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sample_workspace import NOW, SAMPLE, land_sample

from dmp.flows.ingest import ingest
from dmp.flows.resolve import resolve_people
from dmp.flows.workspace import Workspace

PART_ROWS = 25


def environ_of(folder: Path) -> dict[str, str]:
    return {**os.environ, "DMP_KEY_DIR": str(folder / "keys")}


def at(folder: Path, name: str = "ws") -> Workspace:
    """Open the workspace `name` of a folder, with the keys of that folder."""
    return Workspace(folder / name, environ=environ_of(folder), clock=lambda: NOW)


def part(folder: Path, number: int) -> Path:
    """Write a few rows of the customers' file, the same for the same number."""
    content = (SAMPLE / "crm" / "part-00000-a.csv").read_bytes()
    header, *rows = content.splitlines(keepends=True)
    few = rows[number * PART_ROWS : (number + 1) * PART_ROWS]
    file = folder / f"part-{number}.csv"
    file.write_bytes(header + b"".join(few))
    return file


def build(folder: Path) -> Path:
    """Make a workspace of some customers and the partner's list, resolved."""
    land_sample(folder / "ws")
    with at(folder) as workspace:
        ingest(workspace, "crm", [part(folder, 0)])
        ingest(workspace, "partner")
        resolve_people(workspace)
    return folder


def emails(workspace: Workspace) -> list[Any]:
    """Return the clear addresses of all versions in the vault."""
    versions = workspace.lake.sql(
        "select subject_id, load_id from core.record order by all"
    ).to_arrow_table()
    found: list[Any] = workspace.vault.read(versions, ["email"]).column("email")
    return [value.as_py() for value in found]
