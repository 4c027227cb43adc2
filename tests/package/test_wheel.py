"""The built package in an environment of its own, away from the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel installed; dependencies come from this one's."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    run(sys.executable, "-m", "pip", "wheel", *options, "-w", folder, REPOSITORY)
    (wheel,) = folder.glob("dmp-*.whl")
    venv.create(folder / "env")
    target = next((folder / "env" / "lib").glob("python*/site-packages"))
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        *options[:1],
        "--no-index",
        "--quiet",
        "--ignore-installed",
        "--prefix",
        folder / "env",
        wheel,
    )
    (target / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "env"


def run(*command: str | Path, cwd: Path | None = None) -> str:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_workspace_is_made_and_used_without_the_repository(
    environment: Path, tmp_path: Path
) -> None:
    python, dmp = environment / "bin" / "python", environment / "bin" / "dmp"
    home = run(python, "-c", "import dmp; print(dmp.__file__)", cwd=tmp_path)
    assert Path(home.strip()).is_relative_to(environment)
    run(dmp, "init", "ws", cwd=tmp_path)
    workspace = tmp_path / "ws"
    assert (workspace / "notebooks" / "00_quickstart.ipynb").exists()
    assert (workspace / "dashboards" / "segment_explorer.ipynb").exists()
    run(dmp, "generate", "--people", "100", "--no-events", cwd=workspace)
    run(dmp, "ingest", "crm", cwd=workspace)
    assert "people" in run(dmp, "resolve", cwd=workspace)
