from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from door import Door, opened_door
from sample_workspace import land_sample, load_all, open_at

from dmp.flows.workspace import Workspace


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with opened_door(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def loaded_sample(
    tmp_path_factory: pytest.TempPathFactory,
    isolated_environment: pytest.MonkeyPatch,
) -> Iterator[Workspace]:
    """The committed sample, loaded; not to be written to."""
    home = tmp_path_factory.mktemp("sample") / "workspace"
    land_sample(home)
    with open_at(home) as workspace:
        load_all(workspace)
        yield workspace
