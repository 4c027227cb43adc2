from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fake_source import LAPSED, TINY

from dmp.core.cells import Cells
from dmp.ui import drawings, views
from dmp.ui.explorer import PANELS, ExplorerState, Loaded
from dmp.ui.numbers import drawn_count, shown_count, shown_share
from dmp.ui.source import Funnel, Table, Viewer

ROUNDED = Cells(50, exact=False)
GUEST = Viewer("Mo", ("marketer",), exact_counts=False)
Opened = Callable[..., ExplorerState]


@pytest.mark.parametrize(
    ("people", "exact", "shown"),
    [
        (0, True, "0"),
        (0, False, "< 50"),
        (49, False, "< 50"),
        (50, False, "50"),
        (1_234_564, False, "1,234,560"),
        (1_234_565, False, "1,234,570"),
        (1_234_567, True, "1,234,567"),
    ],
)
def test_counts(people: int, exact: bool, shown: str) -> None:
    assert shown_count(people, cells=Cells(50, exact)) == shown


def test_a_hidden_count_draws_the_same_bar_whatever_it_is() -> None:
    assert {drawn_count(n, cells=ROUNDED) for n in range(50)} == {25}
    assert shown_share(0.031, 12, cells=ROUNDED) == ""


def everything(state: ExplorerState) -> str:
    parts: list[Any] = [views.segment_list(state), views.headline(state)]
    parts += [views.panel(state, name) for name in PANELS if name != "examples"]
    return json.dumps(parts)


def test_no_exact_number_reaches_the_browser_of_a_guest(opened: Opened) -> None:
    for segment in (LAPSED, TINY):
        state = opened(f"segment={segment}", viewer=GUEST)
        text = everything(state)
        exact = {s.members for s in state.segments.value or []}
        exact |= {s.people for s in state.panels["funnel"].value.steps if s.people}
        hidden = drawn_count(0, cells=ROUNDED)
        for number in {n for n in exact if n % 10 and n != hidden}:
            assert f'"{number:,}"' not in text and f" {number}," not in text


def test_a_hidden_segment_has_no_bars_and_no_shares(opened: Opened) -> None:
    state = opened(f"segment={TINY}", viewer=GUEST)
    steps = views.panel(state, "funnel")["steps"]
    assert {step["people"] for step in steps[:4]} == {"< 50"}
    assert {step["bar"] for step in steps[:4]} == {None}
    rows = views.panel(state, "makeup")["rows"]
    assert {row["text"] for row in rows} == {"hidden"}
    assert {row["bar"] for row in rows} == {0.0}
    assert views.headline(state)["of"] == "members"


def test_funnel_names_losses_and_later_steps(state: ExplorerState) -> None:
    steps = views.panel(state, "funnel")["steps"]
    assert steps[1]["losses"] == [["no decision", "1,598"], ["said no", "588"]]
    assert steps[1]["lost"] == "2,186"
    assert steps[4] == {"label": "Sent", "people": None}


def test_make_up_compares_with_everyone(state: ExplorerState) -> None:
    content = views.panel(state, "makeup")
    first = content["rows"][0]
    assert content["columns"][0] == "Country"
    assert (
        first["over"]
        and first["ratio"] == "1.4\N{MULTIPLICATION SIGN}"
        and first["bar"] == 1.0
    )
    assert first["cells"][1:4] == ["4,674", "55.6%", "41.0%"]


def test_empty_panels_say_why(opened: Opened) -> None:
    state = opened()
    assert drawings.funnel(Funnel(()), cells=Cells(50, exact=True)) == {}
    assert drawings.trend([], cells=Cells(50, exact=True)) == {}
    assert drawings.examples(Table(("a",), ()), page=0) == {}
    nobody = opened(segments=[])
    assert views.headline(nobody)["title"] == "No segments yet"
    assert views.headline(state)["state"] == "ready"


def test_examples_are_cut_into_pages(state: ExplorerState) -> None:
    state.turn_to(4)
    content = views.panel(state, "examples")
    assert (content["first"], content["pages"], content["total"]) == (41, 5, 43)
    assert len(content["rows"]) == 3
    assert content["numeric"] == [False, False, True, False, False]
    assert content["rows"][0][4] in ("yes", "no")


def test_the_minimum_cell_of_the_workspace_is_that_of_the_page() -> None:
    seventy = Viewer("Mo", ("marketer",), exact_counts=False, minimum_cell=70)
    assert shown_count(69, cells=seventy.cells) == "< 70"
    assert shown_count(70, cells=seventy.cells) == "70"


def test_a_segment_without_an_owner_says_how_to_set_one(state: ExplorerState) -> None:
    def owner() -> list[str]:
        facts = views.headline(state)["facts"]
        return next(fact for fact in facts if fact[0] == "Owner")

    assert owner() == ["Owner", "growth"]
    known = state.segments.value or []
    state.segments = Loaded("ready", [replace(one, owner="") for one in known])
    link = f"/pages/segment_builder?segment={state.segment}#owner"
    assert owner() == ["Owner", "no owner yet", link]
