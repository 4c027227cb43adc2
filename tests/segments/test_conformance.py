"""Every row of the specification's tables, as data in tests/cases/segments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dmp.cli.main import cli
from dmp.segments.conformance import members_of, read_cases

FOLDER = Path(__file__).parent.parent / "cases" / "segments"
CASES = [
    pytest.param(case, id=f"{table}-{case['row']}-{case['name']}")
    for table, cases in read_cases(FOLDER).items()
    for case in cases
]
IN_A_WORKSPACE = {"16", "18"}


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    assert members_of(case, tmp_path) == case["members"]


def test_every_row_of_the_meaning_table_has_a_case() -> None:
    rows = {str(case["row"]) for case in read_cases(FOLDER)["meaning"]}
    assert {str(n) for n in range(1, 22)} - rows == IN_A_WORKSPACE


def test_a_reader_can_run_the_cases(tmp_path: Path) -> None:
    runner = CliRunner()
    words = ["segment", "conformance", str(FOLDER), "--row", "13", "--format", "json"]
    found = runner.invoke(cli, words)
    outcomes = json.loads(found.stdout)
    assert found.exit_code == 0 and len(outcomes) >= 4
    assert all(one["found"] == one["expected"] for one in outcomes)
    wrong = {"name": "x", "row": 1, "rule": {"all": []}, "profiles": {"a": {}}}
    (tmp_path / "mine.yaml").write_text(json.dumps([{**wrong, "members": []}]))
    failed = runner.invoke(cli, ["segment", "conformance", str(tmp_path)])
    assert failed.exit_code == 1 and "1: x" in failed.stdout
