from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from sample_workspace import copy_workspace, open_at

from dmp.core.errors import UsageError
from dmp.flows.resolve import resolve_people
from dmp.flows.simulate import simulate
from dmp.flows.workspace import Workspace

pytestmark = pytest.mark.slow


def contents(workspace: Workspace) -> tuple[int, set[Path]]:
    folder = workspace.paths.data
    lasting = (folder / "lake" / "files", folder / "models", folder / "vault" / "blobs")
    files = {p for part in lasting for p in part.rglob("*") if p.is_file()}
    return workspace.lake.snapshot(), files


@pytest.fixture
def workspace(resolved_home: Path, tmp_path: Path) -> Iterator[Workspace]:
    with open_at(copy_workspace(resolved_home, tmp_path / "ws")) as opened:
        yield opened


def test_the_settings_as_they_are_change_nothing(workspace: Workspace) -> None:
    before = contents(workspace)
    found = simulate(workspace)
    assert found.is_same and found.people_before == found.people_after > 500
    assert all(a.before == a.after and not a.entered for a in found.audiences)
    assert contents(workspace) == before
    assert not list(workspace.paths.scratch.glob("fork-*"))


def test_it_tells_what_the_real_run_then_does(
    workspace: Workspace, tmp_path: Path
) -> None:
    config = workspace.paths.config / "identity.yaml"
    document = yaml.safe_load(config.read_text())
    document["linkage"] = None
    other = tmp_path / "identity.yaml"
    other.write_text(yaml.safe_dump(document))
    before = contents(workspace)
    told = simulate(workspace, config=other)
    assert contents(workspace) == before
    assert told.split > 0 and told.people_after > told.people_before
    assert {example.action for example in told.examples} <= {"merge", "split"}
    assert 0 < len(told.examples) <= 10
    assert told.audiences
    for a in told.audiences:
        assert a.before - a.merged - a.left + a.entered == a.after
    each = [a.entered + a.left for a in told.audiences]
    assert max(each) <= told.people_moved <= sum(each)

    config.write_text(other.read_text())
    done, _ = resolve_people(workspace)
    assert done.profiles == told.people_after
    assert done.largest_clusters == told.largest_after
    assert (done.merged, simulate(workspace).is_same) == (told.merged, True)


def test_a_model_of_other_fields_is_refused_and_may_be_trained_for_a_look(
    workspace: Workspace, tmp_path: Path
) -> None:
    document = yaml.safe_load((workspace.paths.config / "identity.yaml").read_text())
    document["linkage"]["comparisons"][-1]["fields"] = ["address", "postcode"]
    other = tmp_path / "identity.yaml"
    other.write_text(yaml.safe_dump(document))
    with pytest.raises(UsageError, match="dmp train"):
        simulate(workspace, config=other)
    models = sorted(workspace.paths.models.rglob("*"))
    assert simulate(workspace, config=other, retrain=True).people_after > 500
    assert sorted(workspace.paths.models.rglob("*")) == models
