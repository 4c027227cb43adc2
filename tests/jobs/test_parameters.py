from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from job_notebooks import notebook

from dmp.core.errors import ConfigInvalid
from dmp.jobs.parameters import Parameter, checked, read_parameters

CELL = """
day: str = "2026-06-30"  # the day to load
rows: int = 10  # at most
share: float = 0.5
full: bool = False  # everything, not only what is new
names: list = ["a"]
limits: dict = {"a": 1}
"""


def saved(tmp_path: Path, parameters: str | None, *cells: str) -> Path:
    path = tmp_path / "job.ipynb"
    nbformat.write(notebook(*cells, parameters=parameters), path)
    return path


def faults(error: pytest.ExceptionInfo[ConfigInvalid]) -> dict[str, str]:
    return {fault.path: f"{fault.wrong}; {fault.right}" for fault in error.value.faults}


def test_a_parameter_is_a_line_with_name_type_default_and_help(tmp_path: Path) -> None:
    assert read_parameters(saved(tmp_path, CELL)) == [
        Parameter("day", "str", "2026-06-30", "the day to load"),
        Parameter("rows", "int", 10, "at most"),
        Parameter("share", "float", 0.5, ""),
        Parameter("full", "bool", False, "everything, not only what is new"),
        Parameter("names", "list", ["a"], ""),
        Parameter("limits", "dict", {"a": 1}, ""),
    ]


def test_a_notebook_may_have_no_parameter(tmp_path: Path) -> None:
    assert read_parameters(saved(tmp_path, "")) == []


def test_without_the_tagged_cell_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="tag exactly one code cell"):
        read_parameters(saved(tmp_path, None, "rows: int = 1"))


def test_two_tagged_cells_are_one_too_many(tmp_path: Path) -> None:
    path = saved(tmp_path, "rows: int = 1", "more: int = 2")
    document = nbformat.read(path, as_version=4)
    document.cells[2].metadata["tags"] = ["parameters"]
    nbformat.write(document, path)
    with pytest.raises(ConfigInvalid, match="tag exactly one code cell"):
        read_parameters(path)


def test_every_line_that_is_no_parameter_is_named(tmp_path: Path) -> None:
    cell = "rows = 10\nday: date = '2026'\nok: int = 1\nwhen: str = now()\nimport os"
    with pytest.raises(ConfigInvalid) as error:
        read_parameters(saved(tmp_path, cell))
    assert set(faults(error)) == {"line 1", "line 2", "line 4", "line 5"}


KNOWN = [
    Parameter("day", "str", "2026-06-30", ""),
    Parameter("rows", "int", 10, ""),
    Parameter("share", "float", 0.5, ""),
    Parameter("full", "bool", False, ""),
    Parameter("names", "list", [], ""),
    Parameter("limits", "dict", {}, ""),
]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("day", "2026-07-01", "2026-07-01"),
        ("day", "", ""),
        ("day", "7", "7"),
        ("rows", "-3", -3),
        ("share", "0.25", 0.25),
        ("share", "1", 1.0),
        ("full", "true", True),
        ("names", '["web", "app"]', ["web", "app"]),
        ("limits", '{"a": 2}', {"a": 2}),
    ],
)
def test_a_value_is_read_by_its_type(name: str, text: str, value: Any) -> None:
    read = checked(KNOWN, {name: text}, "job.ipynb")[name]
    assert read == value
    assert type(read) is type(value)


def test_what_is_not_given_has_its_default() -> None:
    given = checked(KNOWN, {"rows": "3"}, "job.ipynb")
    assert given == {p.name: p.default for p in KNOWN} | {"rows": 3}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows", "3.5"),
        ("rows", "true"),
        ("rows", "three"),
        ("rows", ""),
        ("share", "[]"),
        ("share", "true"),
        ("full", "1"),
        ("full", "yes"),
        ("names", "web"),
        ("names", '{"a": 1}'),
        ("limits", "[]"),
    ],
)
def test_a_value_of_another_type_is_a_fault(name: str, text: str) -> None:
    with pytest.raises(ConfigInvalid) as error:
        checked(KNOWN, {name: text}, "job.ipynb")
    assert list(faults(error)) == [name]


def test_an_unknown_name_suggests_the_near_one() -> None:
    with pytest.raises(ConfigInvalid) as error:
        checked(KNOWN, {"row": "1"}, "job.ipynb")
    assert "did you mean rows" in faults(error)["row"]


@pytest.mark.parametrize(
    "name",
    ["api_key", "apikey", "db_password", "EMAIL", "phone", "access_token", "secrets"],
)
def test_a_name_that_promises_a_secret_is_refused(name: str) -> None:
    with pytest.raises(ConfigInvalid, match="promises a secret or personal data"):
        checked([Parameter(name, "str", "", "")], {name: "x"}, "job.ipynb")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("jo.quix@mail.example", "email"),
        ("jo.quix%40mail.example", "email"),
        ("call +44 7911 123481", "phone"),
        ("4111 1111 1111 1111", "card"),
        ("GB29 NWBK 6016 1331 9268 19", "iban"),
        ("198.51.100.7", "ip"),
    ],
)
def test_a_value_that_is_personal_is_refused_and_not_repeated(
    text: str, kind: str
) -> None:
    with pytest.raises(ConfigInvalid, match=kind) as error:
        checked(KNOWN, {"day": text}, "job.ipynb")
    assert text not in str(error.value)


def test_all_faults_come_at_once() -> None:
    given = {"row": "1", "rows": "x", "day": "jo@mail.example", "secret": "y"}
    with pytest.raises(ConfigInvalid) as error:
        checked(KNOWN, given, "job.ipynb")
    assert set(faults(error)) == {"row", "rows", "day", "secret"}
    assert len(error.value.faults) == 5
