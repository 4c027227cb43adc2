from __future__ import annotations

import pytest
from cases import Stage


@pytest.fixture(scope="session")
def stage(
    tmp_path_factory: pytest.TempPathFactory,
    isolated_environment: pytest.MonkeyPatch,
) -> Stage:
    """The workspaces in which commands are killed; copy them."""
    return Stage(tmp_path_factory.mktemp("stage"))
