"""What all tests share: an environment of their own, a lake, a workspace."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, settings
from sample_workspace import resolved_once, take_resolved

from dmp.core.accounts import current_account
from dmp.flows.workspace import Workspace
from dmp.storage.lake import Lake
from dmp.storage.migrate import migrate

REPOSITORY = Path(__file__).parent.parent
# How long an example takes is the machine's matter, not the code's.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

ROLES = ["admin", "analyst", "engineer", "marketer", "matcher", "privacy_officer"]


@pytest.fixture(scope="session", autouse=True)
def isolated_environment(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[pytest.MonkeyPatch]:
    """Keep keys in a folder of this run; forget the workspace and role of the desk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DMP_KEY_DIR", str(tmp_path_factory.mktemp("keys")))
        for name in ("DMP_HOME", "DMP_ROLE", "DMP_TIMEZONE", "DMP_REGION"):
            patch.delenv(name, raising=False)
        patch.delenv("DMP_VAULT_KEY", raising=False)
        yield patch


@pytest.fixture(scope="session")
def resolved_home(
    tmp_path_factory: pytest.TempPathFactory,
    isolated_environment: pytest.MonkeyPatch,
) -> Path:
    """A folder with the committed sample, resolved; copy it, do not write to it.

    It is built once for all processes that share the tests, and each has a copy.
    """
    base = tmp_path_factory.getbasetemp()
    built = resolved_once(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)
    return take_resolved(built, tmp_path_factory.mktemp("sample") / "workspace")


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an empty lake with all its tables, to be copied."""
    root = tmp_path_factory.mktemp("empty") / "lake"
    with Lake(root) as opened:
        migrate(opened)
    return root


@pytest.fixture
def lake(empty_lake: Path, tmp_path: Path) -> Iterator[Lake]:
    """An empty lake with all its tables."""
    with Lake(shutil.copytree(empty_lake, tmp_path / "lake")) as opened:
        yield opened


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with the repository's choices, where the caller has every role."""
    folder = tmp_path / "workspace"
    shutil.copytree(REPOSITORY / "config", folder / "config")
    users = {"users": {current_account().user: ROLES}}
    (folder / "config" / "roles.yaml").write_text(yaml.safe_dump(users))
    return folder


@pytest.fixture
def workspace(home: Path, empty_lake: Path) -> Iterator[Workspace]:
    """The workspace of `home`, opened."""
    shutil.copytree(empty_lake, home / "data" / "lake")
    with Workspace(home) as opened:
        yield opened
