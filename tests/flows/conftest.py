from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from keyed_workspace import build
from whole_job import PEOPLE, SEED, sample_workspace

from dmp.flows.demo import Summary
from dmp.flows.workspace import Workspace
from dmp.jobs.demo import run_demo


@pytest.fixture(scope="session")
def temporary(
    tmp_path_factory: pytest.TempPathFactory, isolated_environment: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The folder of temporary files of this process and those it starts."""
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", None)
        yield folder


@pytest.fixture(scope="session")
def demo_home(
    tmp_path_factory: pytest.TempPathFactory, isolated_environment: pytest.MonkeyPatch
) -> Path:
    return sample_workspace(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def summary(demo_home: Path) -> Summary:
    """What the whole job on the sample came to, run through the notebooks."""
    with Workspace(demo_home) as workspace:
        return run_demo(workspace, people=PEOPLE, seed=SEED)


@pytest.fixture(scope="session")
def base(
    tmp_path_factory: pytest.TempPathFactory, isolated_environment: pytest.MonkeyPatch
) -> Path:
    """A folder with a workspace `ws` and its `keys`, to be copied before it is used."""
    return build(tmp_path_factory.mktemp("base"))
