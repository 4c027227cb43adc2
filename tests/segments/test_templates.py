"""Templates: each fits a workspace as it is, and says what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_workspace import UNTIL, copy_workspace, open_at

from dmp.core.errors import RuleInvalid, UnknownName, UsageError
from dmp.flows.segments import build_segments, new_segment
from dmp.segments.templates import filled, templates


@pytest.fixture(scope="module")
def home(resolved_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_workspace(resolved_home, tmp_path_factory.mktemp("t") / "workspace")


@pytest.mark.parametrize("template", list(templates()))
def test_a_segment_begun_from_a_template_is_built(home: Path, template: str) -> None:
    with open_at(home) as workspace:
        written = new_segment(workspace, f"my_{template}", template)
        (found,) = build_segments(workspace, [f"my_{template}"], as_of=UNTIL)
        assert (home / written).read_text().startswith("# ")
        assert 0 < found.members < found.people
        with pytest.raises(UsageError, match="already"):
            new_segment(workspace, f"my_{template}", template)


def test_what_is_no_template_or_no_id_is_refused() -> None:
    assert set(templates()) == {"churn", "lookalike", "rfm"}
    with pytest.raises(UnknownName, match="did you mean rfm"):
        filled("rfn", "mine")
    for name in ("it's", "a\nrule: {all: []}", "../up", ""):
        with pytest.raises(RuleInvalid, match="lower case letters"):
            filled("rfm", name)
