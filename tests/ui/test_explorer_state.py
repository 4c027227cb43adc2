from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from fake_source import LAPSED, PRICING, TINY, FakeSource

from dmp.ui import views
from dmp.ui.drawings import PAGE_ROWS
from dmp.ui.explorer import PANELS, ExplorerState

Opened = Callable[..., ExplorerState]


def test_it_opens_on_the_first_segment_with_every_panel_ready(
    state: ExplorerState,
) -> None:
    assert state.segment == PRICING
    assert state.attribute == "country"
    assert {state.panels[name].state for name in PANELS} == {"ready"}


def test_choosing_a_segment_changes_every_panel(state: ExplorerState) -> None:
    before = {name: state.panels[name].value for name in PANELS}
    state.choose(LAPSED)
    assert all(
        state.panels[name].value != before[name]
        for name in PANELS
        if name != "examples"
    )
    assert state.query == f"segment={LAPSED}&by=country"


def test_a_panel_is_loading_before_it_is_ready(state: ExplorerState) -> None:
    seen: list[tuple[str, str]] = []
    state.listen(
        lambda part: (
            seen.append((part, state.panels[part].state)) if part in PANELS else None
        )
    )
    state.choose(LAPSED)
    assert seen == [(n, "loading") for n in PANELS] + [(n, "ready") for n in PANELS]


def test_comparing_by_another_attribute_reads_only_the_make_up(
    state: ExplorerState,
) -> None:
    source = state.source
    assert isinstance(source, FakeSource)
    source.calls.clear()
    state.compare_by("age_band")
    assert source.calls == ["makeup"]
    assert state.panels["makeup"].value[0].value == "18 to 24"


def test_a_link_opens_the_same_view(state: ExplorerState, opened: Opened) -> None:
    state.choose(LAPSED)
    state.compare_by("age_band")
    state.turn_to(2)
    other = opened(state.query)
    assert (other.segment, other.attribute, other.page) == (LAPSED, "age_band", 2)
    assert other.query == state.query == f"segment={LAPSED}&by=age_band&page=3"


@pytest.mark.parametrize(
    ("query", "page"),
    [("page=99", 4), ("page=0", 0), ("page=x", 0), ("page=-3", 0), ("", 0)],
)
def test_a_page_that_does_not_exist_becomes_the_nearest(
    opened: Opened, query: str, page: int
) -> None:
    assert opened(query).page == page


def test_a_link_to_an_unknown_segment_says_so(opened: Opened) -> None:
    state = opened("segment=gone&by=nothing")
    assert state.segment == PRICING and state.attribute == "country"
    assert state.problem and "'gone'" in state.problem.message


def test_turning_stays_within_the_pages(state: ExplorerState) -> None:
    rows = len(state.panels["examples"].value.rows)
    state.turn_to(100)
    assert state.page == (rows - 1) // PAGE_ROWS
    state.turn_to(-1)
    assert state.page == 0


def test_a_refusal_stays_in_its_panel(opened: Opened) -> None:
    state = opened(refused=("examples",))
    problem = state.panels["examples"].problem
    assert problem and problem.kind == "refused" and not problem.reference
    assert "role analyst" in problem.message
    assert state.panels["funnel"].state == "ready"


def test_a_failure_is_logged_under_its_reference_and_not_shown(
    opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger="dmp.ui"):
        problem = opened(broken=("trend",)).panels["trend"].problem
    assert problem and problem.kind == "failed"
    assert "person@example.com" not in problem.message
    assert problem.reference in caplog.text and "RuntimeError" in caplog.text


def test_nothing_is_sent_without_a_confirmation(state: ExplorerState) -> None:
    source = state.source
    assert isinstance(source, FakeSource)
    state.send()
    state.rehearse()
    state.ask_to_send()
    state.cancel()
    state.send()
    assert source.sent == []
    state.ask_to_send()
    state.send()
    assert source.sent == [(PRICING, "ads")]
    state.send()
    assert len(source.sent) == 1


def test_changing_the_choice_drops_the_question(state: ExplorerState) -> None:
    state.ask_to_send()
    state.choose(LAPSED)
    assert state.armed is None
    state.ask_to_send()
    state.choose_destination("ads")
    assert state.armed is None


def test_a_send_fills_the_later_steps_of_the_funnel(state: ExplorerState) -> None:
    assert state.panels["funnel"].value.steps[4].people is None
    state.ask_to_send()
    state.send()
    assert state.panels["funnel"].value.steps[4].people == 4377


def test_a_refused_send_is_an_outcome_and_a_refused_download_a_problem(
    opened: Opened,
) -> None:
    state = opened(refused=("export", "download"))
    state.rehearse()
    assert state.export and state.export.problem
    assert state.export.problem.kind == "refused"
    assert state.download("csv") is None
    assert state.problem and "download" in state.problem.message
    assert state.busy == ""


def test_a_download_gives_the_file_and_says_so(state: ExplorerState) -> None:
    file = state.download("csv")
    assert file and file[0] == f"{PRICING}.csv"
    assert state.news.startswith(file[0])


def test_no_segments_and_refused_segments_are_states(opened: Opened) -> None:
    empty, refused = opened(segments=[]), opened(refused=("segments", "destinations"))
    assert empty.segment is None and empty.segments.state == "ready"
    assert refused.segment is None and refused.segments.state == "problem"
    assert refused.destinations.problem
    refused.rehearse()
    refused.ask_to_send()
    assert refused.export is None and refused.download("csv") is None


def test_the_back_button_is_a_visit(state: ExplorerState) -> None:
    state.choose(TINY)
    state.visit(f"?segment={LAPSED}&by=age_band")
    assert (state.segment, state.attribute) == (LAPSED, "age_band")


def test_only_destinations_of_the_segments_purpose_are_offered(
    state: ExplorerState,
) -> None:
    purposes = {s.segment: s.purpose for s in state.segments.value or []}
    everywhere = {d.name: d.purpose for d in state.source.destinations()}
    for segment, purpose in purposes.items():
        state.choose(segment)
        offered = [d.name for d in state.destinations.value or []]
        assert offered == [name for name in everywhere if everywhere[name] == purpose]
        assert state.destination == (offered[0] if offered else None)


def test_segments_are_compared_and_the_address_keeps_them(
    state: ExplorerState, opened: Callable[..., ExplorerState]
) -> None:
    others = [one.segment for one in state.segments.value or []][1:]
    state.overlap_with([*others, "unknown", str(state.segment)])
    assert list(state.compared) == others and state.overlap
    assert views.overlap(state)["rows"][0]["label"]
    again = opened(state.query)
    assert again.compared == state.compared and again.query == state.query
    state.choose(others[0])
    assert state.compared == () and views.overlap(state)["rows"] == []


def test_reach_is_counted_only_when_asked(
    state: ExplorerState, opened: Callable[..., ExplorerState]
) -> None:
    assert "reach" not in state.source.calls  # type: ignore[attr-defined]
    state.count_reach()
    rows = views.reach(state)["rows"]
    assert [row["text"] for row in rows] == ["4,206", "\N{EN DASH}"]
    refused = opened(refused=("reach",))
    refused.count_reach()
    assert views.reach(refused)["state"] == "refused"


def test_why_a_person_is_out_is_told_to_who_may_ask(
    state: ExplorerState, opened: Callable[..., ExplorerState]
) -> None:
    assert views.why(state)["state"] == "none"
    state.ask_why(" p1 ")
    assert views.why(state)["verdict"] == "p1 is not in this segment."
    assert views.why(state)["rows"][1] == ["is new", "does not"]
    state.ask_why("")
    assert state.why is None
    refused = opened(refused=("why",))
    refused.ask_why("p1")
    assert views.why(refused)["state"] == "refused"


def test_versions_say_what_changed(state: ExplorerState) -> None:
    rows = views.versions(state)["rows"]
    assert [row[1:] for row in rows] == [
        ["8,412", "added: country is GB"],
        ["not evaluated", "first stored version"],
    ]


def test_a_segment_is_talked_over_approved_and_archived() -> None:
    state = ExplorerState(FakeSource(), f"segment={LAPSED}")
    state.start()
    assert views.discussion(state)["needed"]
    state.comment("Fewer than in May?")
    state.approve()
    shown = views.discussion(state)
    assert shown["approved"] and not shown["needed"]
    assert [one["did"] for one in shown["remarks"]] == ["approved it", "wrote"]
    state.archive(archived=True)
    assert views.discussion(state)["archived"]
    assert "Archived" in views.headline(state)["tags"]
    assert state.news.startswith("Archived")


def test_who_may_not_approve_is_told() -> None:
    state = ExplorerState(FakeSource(refused=("approve", "archive")))
    state.start()
    state.approve()
    assert state.problem and state.problem.kind == "refused"
    assert not views.discussion(state)["approved"]
    state.archive(archived=True)
    assert not views.discussion(state)["archived"]


def test_an_archived_segment_is_not_the_one_that_opens_first() -> None:
    source = FakeSource()
    source.archive(PRICING, archived=True)
    state = ExplorerState(source)
    state.start()
    assert state.segment == LAPSED
