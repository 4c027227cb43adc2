from __future__ import annotations

import logging
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from fake_source import LAPSED, FakeSource

from dmp.core.errors import NotAllowed
from dmp.flows.workspace import Workspace
from dmp.ui import __all__ as public
from dmp.ui import open_explorer, views
from dmp.ui.session import keep_log


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("DMP_HOME", str(tmp_path))
    monkeypatch.delenv("VOILA_PREHEAT", raising=False)
    logger = logging.getLogger("dmp.ui")
    yield
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True


def flow(monkeypatch: pytest.MonkeyPatch, **members: object) -> None:
    module = ModuleType("dmp.flows.explore")
    for name, value in members.items():
        setattr(module, name, value)
    monkeypatch.setitem(sys.modules, "dmp.flows.explore", module)


def test_it_opens_the_workspace_at_the_asked_view(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    homes: list[Path] = []
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "dmp.yaml").write_text("{}\n")

    def segment_source(workspace: Workspace) -> FakeSource:
        homes.append(workspace.paths.home)
        return FakeSource()

    flow(monkeypatch, segment_source=segment_source)
    monkeypatch.setenv("QUERY_STRING", f"segment={LAPSED}")
    state = open_explorer()
    state.start()
    assert homes == [tmp_path] and state.segment == LAPSED


def test_a_workspace_that_cannot_be_opened_gives_a_page_that_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "dmp.yaml").write_text("{}\n")

    def segment_source(_: Workspace) -> FakeSource:
        raise NotAllowed("Nobody gave you a role yet; ask an admin.")

    flow(monkeypatch, segment_source=segment_source)
    state = open_explorer()
    state.start()
    content = views.headline(state)
    assert content["state"] == "refused" and "ask an admin" in content["message"]


def test_the_log_is_private_and_holds_the_reference(tmp_path: Path) -> None:
    keep_log(tmp_path)
    keep_log(tmp_path)
    logging.getLogger("dmp.ui.guard").error("failed reference=%s", "E-1")
    path = tmp_path / "data" / "logs" / "pages.log"
    assert path.read_text().count("E-1") == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_public_names_are_sorted() -> None:
    assert public == sorted(public)
