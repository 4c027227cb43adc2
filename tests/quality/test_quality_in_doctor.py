"""`dmp doctor` reads the bounds of the checks, where there are any."""

from __future__ import annotations

from pathlib import Path

from dmp.core.config import Paths
from dmp.flows.checks.finding import Ground, Level
from dmp.flows.checks.settings import configuration


def levels(home: Path) -> dict[str, Level]:
    return {found.check: found.level for found in configuration(Ground(Paths(home)))}


def test_a_faulty_bound_is_a_problem_and_an_absent_file_is_none(home: Path) -> None:
    path = home / "config" / "quality.yaml"
    assert "config: quality.yaml" not in levels(home)
    path.write_text("freshness: soon\n")
    assert levels(home)["config: quality.yaml"] is Level.PROBLEM
    path.unlink()
    assert "config: quality.yaml" not in levels(home)
