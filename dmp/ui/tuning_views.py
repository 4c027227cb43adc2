"""What the tuning widgets are given to show, from the state; pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmp.ui.drawings import Content, words
from dmp.ui.numbers import counted
from dmp.ui.review_views import bits
from dmp.ui.tuning import MOST_PRIOR_BITS, PRIOR, TuningState
from dmp.ui.views import problem_content

if TYPE_CHECKING:
    from dmp.flows.simulate import Simulation
    from dmp.flows.tuning import Preview
    from dmp.identity.measures import Measure, Three

MOST_BITS = 30.0
FEW_LABELS = 50
"""Fewer labels than this make a bootstrap interval that is too narrow."""


def weights(state: TuningState) -> Content:
    """Return every level with its weight as it is and as it was moved."""
    prior = state.source.model.prior_bits
    rows = [_row(state, PRIOR, prior, -MOST_PRIOR_BITS, MOST_PRIOR_BITS)]
    rows += [
        _row(
            state,
            (each.comparison, each.level),
            each.match_weight,
            each.least,
            each.most,
        )
        for each in state.source.levels
    ]
    widest = max(
        [12.0, *(abs(row["was"]) for row in rows), *(abs(row["now"]) for row in rows)]
    )
    return {
        "state": "ready",
        "model": state.source.model.name,
        "rows": rows,
        "widest": min(widest + 2, MOST_BITS),
        "moved": len(state.moves),
    }


def _row(
    state: TuningState, place: tuple[str, str], was: float, least: float, most: float
) -> Content:
    now = was + state.moves.get(place, 0.0)
    return {
        "comparison": place[0],
        "level": place[1],
        "group": words(place[0]),
        "was": was,
        "now": now,
        "least": least,
        "most": most,
        "text": bits(now),
        "before": bits(was) if place in state.moves else "",
    }


def effect(state: TuningState) -> Content:
    """Return what the moved weights do: to pairs at once, to people on demand."""
    shown: Content = {
        "state": "ready",
        "moved": len(state.moves),
        "pairs": None,
        "people": None,
    }
    if state.preview:
        shown["pairs"] = (
            problem_content(state.preview.problem)
            if state.preview.problem
            else _pairs(state.preview.value)
        )
    if state.simulation:
        shown["people"] = (
            {"state": "loading"}
            if state.simulation.state == "loading"
            else problem_content(state.simulation.problem)
            if state.simulation.problem
            else _people(state.simulation.value)
        )
    return shown


def _pairs(found: Preview | None) -> Content:
    assert found is not None
    lines = [
        f"{counted(found.gained)} of {counted(found.pairs)} scored pairs would newly "
        f"speak for one person, {counted(found.lost)} no longer would."
    ]
    if not found.judged:
        lines.append(
            "No scored pair is labelled yet, so nobody knows whether that is better: "
            "label some on the page Match review."
        )
    elif found.judged < FEW_LABELS:
        lines.append(
            f"{counted(found.judged)} labels are few: intervals of so few are too "
            f"narrow to trust. Label {FEW_LABELS} or more, sure pairs among them."
        )
    return {
        "state": "ready",
        "lines": lines,
        "columns": [f"By {counted(found.judged)} labelled pairs", "Now", "Then"],
        "rows": _measures(found.before, found.after),
    }


def _people(found: Simulation | None) -> Content:
    assert found is not None
    if found.is_same:
        return {
            "state": "ready",
            "lines": ["Nobody would change: every record stays with its profile."],
            "columns": [],
            "rows": [],
            "audiences": [],
        }
    before, after = found.labels_before, found.labels_after
    return {
        "state": "ready",
        "lines": [
            f"Ids that would merge: {counted(found.merged)}; that would split: "
            f"{counted(found.split)}; records that would move: "
            f"{counted(found.moved_subjects)}."
        ],
        "columns": ["", "Now", "Then"],
        "rows": [
            ["People", counted(found.people_before), counted(found.people_after)],
            ["Largest", _sizes(found.largest_before), _sizes(found.largest_after)],
            *_measures(
                before.measures if before else None, after.measures if after else None
            ),
        ],
        "audiences": [
            [
                each.segment,
                counted(each.before),
                counted(each.after),
                counted(each.entered),
                counted(each.left),
                counted(each.merged),
            ]
            for each in found.audiences
        ],
    }


def _measures(before: Three | None, after: Three | None) -> list[list[str]]:
    if before is None or after is None:
        return []
    return [
        [name, _shown(getattr(before, key)), _shown(getattr(after, key))]
        for name, key in (
            ("Precision", "precision"),
            ("Recall", "recall"),
            ("F1", "f1"),
        )
    ]


def _shown(measure: Measure) -> str:
    return f"{measure.value:.3f} ({measure.low:.3f} to {measure.high:.3f})"


def _sizes(sizes: tuple[int, ...]) -> str:
    return ", ".join(counted(size) for size in sizes) or "none"
