from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk
from sample_workspace import build_resolved, copy_workspace, open_at


@pytest.fixture(scope="session")
def resolved_home(
    tmp_path_factory: pytest.TempPathFactory,
    isolated_environment: pytest.MonkeyPatch,
) -> Path:
    """A folder with the committed sample, resolved; copy it, do not write to it."""
    home = tmp_path_factory.mktemp("sample") / "workspace"
    build_resolved(home)
    return home


@pytest.fixture
def desk(resolved_home: Path, tmp_path: Path) -> Iterator[Desk]:
    home = copy_workspace(resolved_home, tmp_path / "workspace")
    with open_at(home) as workspace:
        yield Desk(workspace)
