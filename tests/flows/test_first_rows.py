"""The first rows of a source: masked by class, and in the clear only on record."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from sample_workspace import land_sample

from dmp.core.errors import NotAllowed, UnknownName
from dmp.flows.first_rows import first_rows
from dmp.flows.ingest import contracts
from dmp.flows.workspace import Workspace
from dmp.ingest.contracts import PersonalClass
from dmp.privacy.detect import kinds


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory, isolated_environment: pytest.MonkeyPatch
) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    land_sample(folder)
    return folder


def test_identifiers_are_shapes_and_ordinary_fields_are_themselves(home: Path) -> None:
    with Workspace(home) as workspace:
        for source, contract in contracts(workspace).items():
            masked = first_rows(workspace, source, rows=50)
            clear = first_rows(workspace, source, rows=50, unmask=True)
            assert len(masked) == len(clear) == 50
            specs = {path.rpartition(".")[2]: spec for path, spec in contract.specs()}
            for shown, real in zip(masked, clear, strict=True):
                for name, spec in specs.items():
                    value = real[name]
                    if spec.class_ is PersonalClass.ORDINARY:
                        assert shown[name] == value or kinds(value)
                    elif value is not None:
                        letters = {c for c in shown[name] if c.isalnum()}
                        assert letters <= {"a", "9"}


def test_unmasking_is_on_record_and_masked_rows_are_not(home: Path) -> None:
    log = home / "data" / "audit" / "log.jsonl"

    def unmasked() -> int:
        lines = log.read_text().splitlines() if log.exists() else []
        return sum(json.loads(line)["action"] == "unmask" for line in lines)

    with Workspace(home) as workspace:
        before = unmasked()
        first_rows(workspace, "crm")
        assert unmasked() == before
        first_rows(workspace, "crm", unmask=True)
        assert unmasked() == before + 1


def test_an_analyst_sees_shapes_alone(home: Path) -> None:
    analyst = {**os.environ, "DMP_ROLE": "analyst"}
    with Workspace(home, environ=analyst) as workspace:
        assert len(first_rows(workspace, "crm", rows=3)) == 3
        with pytest.raises(NotAllowed, match="read_clear"):
            first_rows(workspace, "crm", unmask=True)
    marketer = {**os.environ, "DMP_ROLE": "marketer"}
    with Workspace(home, environ=marketer) as workspace, pytest.raises(NotAllowed):
        first_rows(workspace, "crm")


def test_a_source_that_is_not_there_is_named(home: Path) -> None:
    with Workspace(home) as workspace, pytest.raises(UnknownName, match="did you mean"):
        first_rows(workspace, "crmm")
