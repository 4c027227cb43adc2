from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk
from sample_workspace import copy_workspace, open_at


@pytest.fixture
def desk(resolved_home: Path, tmp_path: Path) -> Iterator[Desk]:
    home = copy_workspace(resolved_home, tmp_path / "workspace")
    with open_at(home) as workspace:
        yield Desk(workspace)
