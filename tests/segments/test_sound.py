"""The names of a faulty rule are checked where its conditions are sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dmp.segments import validate
from dmp.segments.documents import node_document
from dmp.segments.sound import sound_part

GB = {"attribute": "country", "op": "eq", "value": "GB"}
MISSPELT = {"attribute": "contry", "op": "eq", "value": "GB"}
BROKEN = {"did": {"event": "x", "within": {"last": 0, "unit": "day"}}}
NOBODY: Any = {"any": []}


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        (BROKEN, NOBODY),
        (None, NOBODY),
        ("x", NOBODY),
        (GB, GB),
        ({"all": [GB, BROKEN]}, {"all": [GB, NOBODY]}),
        ({"not": {"any": [BROKEN, GB]}}, {"not": {"any": [NOBODY, GB]}}),
        ({"all": [GB], "any": [GB]}, NOBODY),
    ],
)
def test_faulty_conditions_admit_nobody_and_the_others_stay(
    rule: Any, left: Any
) -> None:
    assert node_document(sound_part({"segment": "??", "rule": rule}).rule) == left


def test_every_fault_is_told_at_once_those_of_names_too(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("profile_id,country\na,GB\n")
    rule = {"segment": "B ad", "rule": {"all": [MISSPELT, BROKEN, {"not": BROKEN}]}}
    found = validate(rule, profiles=tmp_path / "p.csv")
    assert [fault.path for fault in found] == [
        "segment",
        "rule.all[1].did.within.last",
        "rule.all[2].not.did.within.last",
        "rule.all[0].attribute",
    ]
    assert "country" in found[-1].right
    assert len(validate(rule)) == 3


def test_a_rule_nested_too_deeply_is_told_as_that_alone(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("profile_id,country\na,GB\n")
    rule: Any = MISSPELT
    for _ in range(5_000):
        rule = {"not": rule}
    (fault,) = validate({"segment": "deep", "rule": rule}, profiles=tmp_path / "p.csv")
    assert fault.path == "rule" and "deeply" in fault.wrong
