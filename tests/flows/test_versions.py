from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from dmp.flows.explore import segment_source
from dmp.flows.initialise import initialise
from dmp.flows.rule_building import rule_source
from dmp.flows.workspace import Workspace

AS_OF = datetime(2026, 6, 30, tzinfo=UTC)


def rule(percent: int, *more: Any) -> dict[str, Any]:
    sample = {"sample": {"percent": percent, "salt": "a"}}
    return {"segment": "half", "name": "Half", "rule": {"all": [sample, *more]}}


def test_versions_and_sizes_of_an_empty_lake_and_who_saved_first(
    tmp_path: Path,
) -> None:
    initialise(tmp_path)
    for path in (tmp_path / "config" / "segments").glob("*.yaml"):
        path.unlink()
    with Workspace(tmp_path) as workspace, Workspace(tmp_path) as beside:
        rules = rule_source(workspace, beside)
        assert rules.save(rule(50), None) == "config/segments/half.yaml"
        assert rules.sizes.count(rule(50)).members == 0
        assert rules.sizes.estimate(rule(50)) is None
        rules.build("half")
        top = {"top": {"n": 3, "by": "order_total"}}
        written = rule(50, top)
        rules.save(written, rule(50))
        rules.build("half")
        first, second = segment_source(workspace).versions("half")
        assert first.changes == (
            "added: is among the 3 people with the highest order total",
        )
        assert second.changes == ("first stored version",)
        assert first.members == second.members == 0
        check_conflicts(rules, tmp_path / "config" / "segments" / "half.yaml")


def check_conflicts(rules: Any, path: Path) -> None:
    """Neither a taken id nor a file changed meanwhile is written over."""
    before = path.read_text()
    for begun in (None, rule(50)):
        try:
            rules.save(rule(10), begun)
        except ValueError as error:
            assert "already" in str(error) or "somebody else" in str(error)
        else:
            raise AssertionError("it was written over")
    assert path.read_text() == before and yaml.safe_load(before)["name"] == "Half"
