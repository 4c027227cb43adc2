"""The list of segments: sizes as the caller may see them, and what is to be done."""

from __future__ import annotations

import pytest

from dmp.core.accounts import current_account
from dmp.flows.approval import approve_segment, archive_segment
from dmp.flows.segment_list import ListedSegment, list_segments
from dmp.flows.segments import build_segments
from dmp.flows.workspace import Workspace
from dmp.storage.write import commit, replace


def listed(workspace: Workspace) -> dict[str, ListedSegment]:
    found = list_segments(workspace)
    assert [one.segment for one in found] == sorted(one.segment for one in found)
    return {one.segment: one for one in found}


def test_it_tells_what_is_to_be_done(workspace: Workspace) -> None:
    at = workspace.clock()
    assert {one.state for one in listed(workspace).values()} == {("never built",)}
    build_segments(workspace, ["loyal_shoppers", "pricing_intent"], as_of=at)
    path = workspace.paths.config / "segments" / "pricing_intent.yaml"
    path.write_text(path.read_text().replace("last: 7", "last: 9"))
    archive = workspace.paths.config / "destinations" / "email_tool.yaml"
    archive.unlink()
    archive_segment(workspace, "lapsing_customers")
    found = listed(workspace)
    loyal = found["loyal_shoppers"]
    assert (loyal.members, loyal.as_of, loyal.state) == (0, at, ())
    assert loyal.used_by == ("destination warehouse",)
    assert found["pricing_intent"].state == ("changed since",)
    assert found["lapsing_customers"].state == ("archived",)
    assert found["cart_abandoners"].members is None


def test_approval_is_asked_for_where_it_is_required(workspace: Workspace) -> None:
    settings = workspace.paths.config / "dmp.yaml"
    settings.write_text(settings.read_text().replace("none  ", "required  "))
    workspace.look_anew()
    approve_segment(workspace, "loyal_shoppers")
    found = listed(workspace)
    assert found["loyal_shoppers"].state == ("never built",)
    assert found["cart_abandoners"].state == ("never built", "not approved")


@pytest.mark.parametrize(("members", "seen"), [(7, None), (1237, 1240)])
def test_who_may_not_see_exact_counts_sees_none_that_is_small(
    workspace: Workspace, members: int, seen: int | None
) -> None:
    build_segments(workspace, ["loyal_shoppers"], as_of=workspace.clock())
    sized = workspace.lake.stage(
        "sized", f"select * replace ({members} as members) from segment.result"
    )
    commit(workspace.lake, [replace("segment.result", sized)], message="sizes")
    assert listed(workspace)["loyal_shoppers"].members == members
    roles = workspace.paths.config / "roles.yaml"
    roles.write_text(f"users: {{{current_account().user}: [marketer]}}\n")
    workspace.look_anew()
    assert listed(workspace)["loyal_shoppers"].members == seen
