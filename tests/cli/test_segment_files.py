"""`dmp segment …` over files, as another program calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hostile_rules import MISTAKEN

from dmp.cli.main import cli
from dmp.core.errors import DMPError, RuleInvalid, UsageError

AS_OF = "2025-05-14T17:30:00+05:30"
RULE = {"attribute": "country", "op": "eq", "value": "GB"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.csv").write_text("profile_id,country\nb,GB\na,GB\nc,\n")
    (tmp_path / "r.yaml").write_text(json.dumps({"segment": "r", "rule": RULE}))
    wrong = {"segment": "w", "rule": {**RULE, "op": "eqq"}}
    (tmp_path / "w.yaml").write_text(json.dumps(wrong))
    return tmp_path


def called(folder: Path, *words: str) -> Result:
    given = [str(folder / word) if (folder / word).exists() else word for word in words]
    return CliRunner().invoke(cli, ["segment", *given])


def called_aloud(folder: Path, *words: str) -> None:
    given = [str(folder / word) if (folder / word).exists() else word for word in words]
    CliRunner().invoke(cli, ["segment", *given], catch_exceptions=False)


ON_FILES = ("--profiles", "p.csv", "--as-of", AS_OF, "--format", "json")
ANSWERS: dict[tuple[str, ...], Any] = {
    ("members", "r.yaml", *ON_FILES): ["a", "b"],
    ("count", "r.yaml", *ON_FILES): {"members": 2},
    ("overlap", "r.yaml", "r.yaml", *ON_FILES): {"first": 2, "second": 2, "both": 2},
    ("preview", "r.yaml", "--limit", "1", *ON_FILES): [
        {"profile_id": "a", "country": "GB"}
    ],
    ("diff", "r.yaml", "r.yaml", "--format", "json"): [],
    ("diff", "r.yaml", "r.yaml", *ON_FILES): {
        "changes": [],
        "people": {"before": 2, "after": 2, "enter": 0, "leave": 0},
    },
}


@pytest.mark.parametrize("words", ANSWERS, ids=lambda words: words[0])
def test_json_stands_alone_on_standard_output(
    folder: Path, words: tuple[str, ...]
) -> None:
    found = called(folder, *words)
    assert found.exit_code == 0 and not found.stderr
    assert json.loads(found.stdout) == ANSWERS[words]
    assert json.loads(called(folder, *words[:-2], "--json").stdout) == ANSWERS[words]


def test_a_diff_on_files_says_who_enters_and_leaves(folder: Path) -> None:
    rule = {"attribute": "country", "op": "eq", "value": "nowhere"}
    (folder / "n.yaml").write_text(json.dumps({"segment": "n", "rule": rule}))
    found = called(folder, "diff", "n.yaml", "r.yaml", *ON_FILES[:-2])
    assert "0 people before, 2 after: 2 enter, 0 leave" in found.stdout


def test_a_diff_shows_conditions_as_they_are_written(folder: Path) -> None:
    more = {"did": {"event": "x" * 150, "times": {"op": "gte", "value": 2}}}
    new = {"segment": "r", "rule": {"all": [RULE, more]}, "name": "007"}
    (folder / "n.yaml").write_text(json.dumps(new))
    found = called(folder, "diff", "r.yaml", "n.yaml").stdout.splitlines()
    condition = f"{{did: {{event: {'x' * 150}, times: {{op: gte, value: 2}}}}}}"
    assert found[:2] == ["setting name", "  + '007'"]
    assert found[-1] == f"  + {condition}"


@pytest.mark.parametrize(
    ("zone", "said"),
    [("UTC", "2025-06-01 00:00 UTC"), ("Europe/London", "2025-06-01 00:00 BST")],
)
def test_explain_shows_instants_in_the_zone_of_the_rule(
    folder: Path, zone: str, said: str
) -> None:
    (folder / "p.csv").write_text("profile_id,seen\na,2025-05-02\n")
    leaf = {"attribute": "seen", "op": "this", "unit": "month"}
    rule = {"segment": "t", "timezone": zone, "rule": leaf}
    (folder / "t.yaml").write_text(json.dumps(rule))
    found = called(folder, "explain", "t.yaml", *ON_FILES[:-2])
    assert said in found.stdout and "+00:00" not in found.stdout


def test_explain_names_modes_by_their_words(folder: Path) -> None:
    found = json.loads(called(folder, "explain", "r.yaml", *ON_FILES).stdout)
    assert found["as_of"] == "2025-05-14T12:00:00+00:00"
    assert [one["mode"] for one in found["conditions"]] == ["instant"]


def test_validate_gives_its_faults_as_json(folder: Path) -> None:
    found = called(folder, "validate", "w.yaml", "--format", "json")
    (fault,) = json.loads(found.stdout)["faults"]
    assert fault["path"] == "rule.op" and "eq" in fault["right"]
    assert isinstance(found.exception, DMPError)
    valid = json.loads(called(folder, "validate", "r.yaml", "--format", "json").stdout)
    assert valid == {"valid": [str(folder / "r.yaml")], "faults": []}


def test_text_is_one_id_a_line(folder: Path) -> None:
    assert called(folder, "members", "r.yaml", *ON_FILES[:-2]).stdout == "a\nb\n"
    words = ("members", "r.yaml", *ON_FILES[:-1], "text")
    assert called(folder, *words).stdout == "a\nb\n"


@pytest.mark.parametrize("name", MISTAKEN)
def test_a_hostile_rule_is_told_its_faults(folder: Path, name: str) -> None:
    rule, words = MISTAKEN[name]
    (folder / "p.csv").write_text("profile_id,v\na,x\n")
    (folder / "e.csv").write_text("event_id,profile_id,event,occurred_at\n")
    (folder / "h.yaml").write_text(json.dumps({"segment": "h", "rule": rule}))
    given = ("--profiles", "p.csv", "--events", "e.csv")
    for verb, more in (("validate", ()), ("count", ("--as-of", AS_OF))):
        with pytest.raises(RuleInvalid) as refused:
            called_aloud(folder, verb, "h.yaml", *given, *more)
        assert refused.value.faults and words in str(refused.value)


@pytest.mark.parametrize(
    "words",
    [
        ("count", "r.yaml"),
        ("members", "r.yaml"),
        ("preview", "r.yaml"),
        ("sql", "r.yaml"),
        ("diff", "r.yaml", "r.yaml"),
    ],
    ids=lambda words: words[0],
)
def test_files_that_would_not_be_read_are_refused(
    folder: Path, words: tuple[str, ...]
) -> None:
    found = called(folder, *words, "--events", "p.csv", "--traits", ".")
    assert found.exit_code == 2
    assert "--events, --traits would not be read" in found.stderr
    assert "give --profiles too" in found.stderr


def test_files_without_a_rule_to_validate_are_refused(folder: Path) -> None:
    found = called(folder, "validate", "--profiles", "p.csv")
    assert found.exit_code == 2 and "name it" in found.stderr


HEADING = b"profile_id,country,age\n"
UNREADABLE: dict[str, tuple[bytes, str]] = {
    "ragged": (
        HEADING + b'p1,"N\nO",3\np2,DE,4,5,6\np3,DE\n',
        "line 4 has 5 cells, line 5 has 2 cells; the first has 3, and so should each",
    ),
    "too long": (HEADING + b"p1,NO,3\np3,DE,4,5\n", "line 3 has 4 cells; the first"),
    "ragged late": (HEADING + b"p,DE,3\n" * 25_000 + b"p\n", "line 25,002 has 1 cell;"),
    "Latin-1": (HEADING + b"p1,N\xe9,3\n", "is not UTF-8 in line 2; save it as UTF-8"),
    "UTF-16": ("profile_id,country\n".encode("utf-16"), "is not UTF-8 in line 1"),
    "no heading": (
        b"p1,jo@mail.example,NO\np2,DE@mail.example,NO\n",
        "has no column profile_id; its first line does not name columns, and has to",
    ),
    "empty": (b"", "is empty; a first line that names the columns is right"),
    "blank": (b"\n\n", "is empty"),
    "no such day": (
        HEADING + b"p1,NO,2026-01-31\np2,NO,2026-02-30\n",
        "age is no date in 1 row, first in row 2 below the heading; a day of the",
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read_is_told_by_its_lines(
    folder: Path, name: str
) -> None:
    written, said = UNREADABLE[name]
    (folder / "p.csv").write_bytes(written)
    with pytest.raises(UsageError) as caught:
        called_aloud(folder, "members", "r.yaml", *ON_FILES)
    assert f"p.csv: {said}" in str(caught.value)
    assert "withheld" not in str(caught.value) and "DE" not in str(caught.value)
    assert "jo@" not in str(caught.value)


@pytest.mark.parametrize("late", [False, True])
def test_events_that_cannot_be_read_are_told_by_their_rows(
    folder: Path, late: bool
) -> None:
    heading = "event_id,profile_id,event,occurred_at,properties\n"
    rows = "1,p1,x,2026-06-01T00:00:00Z,{}\n2,p1,x,01.06.2026,\n3,p1,x,Monday,\n"
    if late:
        rows = "1,p1,x,2026-06-01T00:00:00Z,{}\n" * 25_000 + "2,p1\n"
    (folder / "e.csv").write_text(heading + rows)
    with pytest.raises(UsageError) as caught:
        called_aloud(folder, "members", "r.yaml", *ON_FILES, "--events", "e.csv")
    said = "occurred_at is no instant in 2 rows, first in row 2 below the heading; "
    said += "one such as 2026-06-30T08:00:00Z is right"
    said = "line 25,002 has 2 cells; the first has 5" if late else said
    assert f"e.csv: {said}" in str(caught.value)
