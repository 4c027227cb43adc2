from __future__ import annotations

import inspect
import re

import pytest

from dmp.core import errors
from dmp.core.errors import (
    ConfigInvalid,
    DMPError,
    Fault,
    KeyMissing,
    LakeBusy,
    NotAllowed,
    RuleInvalid,
    Terminal,
    Transient,
    UnknownName,
    UsageError,
)

PUBLIC = [
    kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, DMPError) and name[0] != "_"
]


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_the_tree_on_top_names_every_error(kind: type[DMPError]) -> None:
    tree = (errors.__doc__ or "").partition("`Transient`")[0]
    assert re.search(rf"\b{kind.__name__}\b", tree)


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_no_error_is_worth_a_retry_and_not(kind: type[DMPError]) -> None:
    assert not (issubclass(kind, Transient) and issubclass(kind, Terminal))


@pytest.mark.parametrize(
    ("kind", "built_in"),
    [
        (UsageError, ValueError),
        (ConfigInvalid, ValueError),
        (RuleInvalid, ValueError),
        (UnknownName, KeyError),
        (NotAllowed, PermissionError),
        (LakeBusy, Transient),
        (KeyMissing, Terminal),
    ],
)
def test_errors_are_also_what_they_resemble(
    kind: type[Exception], built_in: type
) -> None:
    assert issubclass(kind, built_in)


def test_all_faults_stand_in_the_message() -> None:
    faults = [Fault("a.b", "not a date", "2026-06-30"), Fault("line 3", "no field")]
    error = ConfigInvalid("config/x.yaml", faults)
    assert str(error) == (
        "config/x.yaml: 2 faults\n  a.b: not a date; 2026-06-30\n  line 3: no field"
    )
    assert error.faults == tuple(faults)


def test_one_fault_is_one_fault() -> None:
    assert str(RuleInvalid("rule", [Fault("a", "b")])) == "rule: 1 fault\n  a: b"


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        (
            "shp",
            ["web", "shop"],
            "no source named 'shp'; did you mean shop? known: shop, web",
        ),
        ("x", ["shop"], "no source named 'x'; known: shop"),
        ("x", [], "no source named 'x'; known: none yet"),
    ],
    ids=["near", "far", "none"],
)
def test_unknown_names_are_answered_with_known_ones(
    name: str, known: list[str], message: str
) -> None:
    assert str(UnknownName("source", name, known)) == message
