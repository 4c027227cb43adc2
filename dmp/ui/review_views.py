"""What each widget of the page Match review is given to show; pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dmp.ui.drawings import Content, words
from dmp.ui.numbers import counted
from dmp.ui.review import ReviewState
from dmp.ui.review_source import (
    WHOLE_NAME,
    Asked,
    Bar,
    Cluster,
    Link,
    PairView,
)
from dmp.ui.views import panel_content, problem_content

MINUS = "\N{MINUS SIGN}"
DONE = "Every pair that the model scored is judged or decided. Thank you."
NOTHING = (
    "No pair is scored yet. Train a model and resolve people first: dmp train, then "
    "dmp resolve."
)
NAMES = ("first_name", "last_name")
NOT_GIVEN, READ_FROM_WHOLE = "not given", "read from the full name"
_BECAUSE = {
    "doubt": "the model is unsure",
    "second_opinion": "somebody else judged it: a second opinion",
    "spread": "to know how right the model is where it is sure",
    "asked": "by its address",
}


def bits(value: float) -> str:
    """Return bits as people read them.

    >>> bits(4), bits(float("inf"))
    ('+4.0', 'decided')
    """
    if abs(value) == float("inf"):
        return "decided"
    return f"{'+' if value >= 0 else MINUS}{abs(value):.1f}"


def odds(weight: float) -> str:
    """Return what a match weight means in words.

    >>> odds(10), odds(-2), odds(0.2)
    ('about 1,000 to 1 for one person', 'about 4 to 1 for two people', 'about even')
    """
    if abs(weight) < 0.6:
        return "about even"
    if abs(weight) > 40:
        return "beyond doubt for " + ("one person" if weight > 0 else "two people")
    times = 2 ** abs(weight)
    digits = max(len(str(round(times))) - 2, 0)
    rounded = round(times, -digits) if digits else round(times)
    what = "one person" if weight > 0 else "two people"
    return f"about {counted(int(rounded))} to 1 for {what}"


def pair(state: ReviewState) -> Content:
    """Return the pair: its fields, its score, what may be done with it."""
    if state.queue.problem:
        return problem_content(state.queue.problem)
    question = state.question
    if state.queue.state == "loading":
        return {"state": "loading"}
    if question is None:
        return {"state": "empty", "message": DONE if state.at else NOTHING}
    return panel_content(state.view, lambda view: _pair(state, question), empty="")


def _pair(state: ReviewState, question: Asked) -> Content:
    view = state.view.value
    assert view is not None
    steps = state.waterfall.value or ()
    return {
        "state": "ready",
        "id": f"{question.subject_id_l}-{question.subject_id_r}",
        "weight": f"{bits(question.match_weight)} bits",
        "odds": odds(question.match_weight),
        "because": f"Asked because {_BECAUSE[question.because]}"
        if question.because != "asked"
        else "Opened by its address",
        "now": "One person now" if question.is_one else "Two people now",
        "stake": _stake(question),
        "sides": [
            {"source": side.source, "kind": side.kind, "profile": side.profile_id}
            for side in view.sides
        ],
        "fields": _fields(view, steps),
        "clear": view.is_clear,
        "may_read": state.reviewer.may_read,
        "may_label": state.reviewer.may_label,
        "verdict": state.verdict or "",
        "may_undo": bool(state.order),
        "first": state.at == 0,
    }


def _stake(question: Asked) -> str:
    if question.is_one:
        return f"in a profile of {counted(question.at_stake)} records"
    return f"{counted(question.at_stake)} pairs of records would join"


def _fields(view: PairView, steps: Sequence[Bar]) -> list[Content]:
    """Return the rows; what a comparison says stands at its first field."""
    seen: set[str] = set()
    rows = []
    wholes = next(
        ((one.left, one.right) for one in view.fields if one.field == WHOLE_NAME),
        (None, None),
    )
    for each in view.fields:
        mine = [s for s in steps if s.what == each.comparison and each.comparison]
        is_first = each.comparison not in seen
        seen.add(each.comparison)
        total = sum(step.bits for step in mine)
        rows.append(
            {
                "field": words(each.field),
                "left": each.left,
                "right": each.right,
                "absent": [
                    READ_FROM_WHOLE if each.field in NAMES and whole else NOT_GIVEN
                    for whole in wholes
                ],
                "equal": view.is_clear
                and each.left is not None
                and each.left == each.right,
                "level": ", ".join(step.level for step in mine) if is_first else "",
                "bits": bits(total) if mine and is_first else "",
                "sign": (total > 0.05) - (total < -0.05) if mine and is_first else 0,
            }
        )
    return rows


def waterfall(state: ReviewState) -> Content:
    """Return the steps of the pair's score, each from where the last one ended."""
    if state.question is None:
        return {"state": "empty", "message": "No pair is open."}
    return panel_content(
        state.waterfall,
        steps_drawn,
        empty="No blocking rule brings these two together now, so no score is made.",
    )


def steps_drawn(steps: Sequence[Bar]) -> Content:
    """Return a bar a step on one scale of bits, and the total."""
    if not steps:
        return {}
    total, ends, rows = 0.0, [0.0], []
    for step in steps:
        start, total = total, total + step.bits
        ends.append(total)
        rows.append(
            {
                "label": words(step.what),
                "level": step.level,
                "from": start,
                "to": total,
                "text": bits(step.bits),
            }
        )
    return {
        "state": "ready",
        "steps": rows,
        "total": total,
        "text": f"{bits(total)} bits, {odds(total)}",
        "low": min(ends),
        "high": max(ends),
    }


def cluster(state: ReviewState) -> Content:
    """Return the picture of the pair's profiles."""
    if state.question is None:
        return {"state": "empty", "message": "No pair is open."}
    return panel_content(
        state.cluster, lambda found: _cluster(state, found), empty="Nobody is here."
    )


def _cluster(state: ReviewState, found: Cluster) -> Content:
    question = state.question
    pair = question.pair if question else ()
    places = {node.subject_id: n for n, node in enumerate(found.nodes)}
    links = [
        {
            "from": places[link.subject_id_l],
            "to": places[link.subject_id_r],
            "text": _link_words(link),
            "for": link.bits > 0,
            "bits": max(-30.0, min(30.0, link.bits)),
            "kind": link.kind,
        }
        for link in found.links
    ]
    return {
        "state": "ready",
        "nodes": [
            {
                "id": str(node.subject_id),
                "label": f"{words(node.source)} {node.kind}",
                "group": node.group,
                "in_pair": node.subject_id in pair,
                "chosen": node.subject_id in state.chosen,
            }
            for node in found.nodes
        ],
        "links": links,
        "profiles": list(found.profiles),
        "left_out": found.left_out,
        "columns": ["From", "To", "Because", "Bits"],
        "rows": [
            [
                _who(found, link.subject_id_l),
                _who(found, link.subject_id_r),
                _link_words(link),
                bits(link.bits),
            ]
            for link in found.links
        ],
    }


def _who(found: Cluster, subject_id: int) -> str:
    node = next(each for each in found.nodes if each.subject_id == subject_id)
    return f"{words(node.source)} {node.kind} {subject_id}"


def _link_words(link: Link) -> str:
    if link.kind == "decision":
        return "decided: one person" if link.bits > 0 else "decided: two people"
    if link.kind == "probabilistic":
        return "the model's score"
    return f"same {link.type.replace('_', ' ')}"


def progress(state: ReviewState) -> Content:
    """Return how far the labelling is, and how far reviewers agree."""

    def drawn(found: Any) -> Content:
        mine = found.mine
        return {
            "state": "ready",
            "mine": counted(sum(mine.values())),
            "verdicts": [
                ["Match", counted(mine["match"])],
                ["No match", counted(mine["no_match"])],
                ["Unsure", counted(mine["unsure"])],
            ],
            "everyone": f"{counted(found.everyone)} labels by "
            f"{counted(found.reviewers)} "
            + ("reviewer" if found.reviewers == 1 else "reviewers"),
            "unsure": counted(found.unsure_pairs),
            "agreement": [
                {
                    "who": row.others,
                    "text": f"{counted(row.agreed)} of {counted(row.pairs)} alike",
                    "kappa": row.kappa,
                }
                for row in found.agreement
            ],
        }

    return panel_content(state.progress, drawn, empty="Nothing is labelled yet.")


def decisions(state: ReviewState) -> Content:
    """Return what may be decided of this pair, and what was decided before."""

    def drawn(found: Any) -> Content:
        homes = state.cluster.value.profiles if state.cluster.value else ()
        open_ones = [one for one in found if not one.is_applied]
        return {
            "state": "ready",
            "may_decide": state.reviewer.may_label,
            "may_resolve": state.reviewer.may_resolve and bool(open_ones),
            "may_merge": len(homes) == 2,
            "chosen": len(state.chosen),
            "busy": state.busy,
            "waiting": len(open_ones),
            "rows": [
                {
                    "id": one.decision_id,
                    "text": ("Merged" if one.action == "merge" else "Split")
                    + (f": {one.reason}" if one.reason else ""),
                    "by": "by you" if one.is_mine else "by somebody else",
                    "state": _decision_state(one),
                    "may_undo": not one.is_withdrawn and state.reviewer.may_label,
                }
                for one in found[:8]
            ],
        }

    return panel_content(state.decisions, drawn, empty="")


def _decision_state(one: Any) -> str:
    if one.is_withdrawn:
        return "taken back" if one.is_applied else "taken back at the next run"
    return "in force" if one.is_applied else "from the next run on"
