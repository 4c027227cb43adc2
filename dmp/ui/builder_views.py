"""What the builder's widgets are given to show; pure functions of its state."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from dmp.core.cells import Cells
from dmp.core.types import Evaluation
from dmp.ui import rule_words as words
from dmp.ui.builder import BuilderState, Tally
from dmp.ui.drawings import Content, shown_instant
from dmp.ui.drawings import words as in_words
from dmp.ui.numbers import counted, drawn_count, shown_count, shown_share
from dmp.ui.rule_edits import Place
from dmp.ui.rule_fields import Form, told
from dmp.ui.rule_form import rule_form
from dmp.ui.views import problem_content

UNFINISHED = "Fill in the marked fields to see how many people this is."
ABOUT_EQUAL = "\N{ALMOST EQUAL TO} "


def form(state: BuilderState) -> Content:
    """Return the rule as a form, with its faults where they belong."""
    drawn = Form(state.catalog, [f for f in state.faults if f.path.startswith("rule")])
    kinds = [[key, *both] for key, both in words.NODES.items()]
    if not state.catalog.lists:
        kinds = [kind for kind in kinds if kind[0] != "list"]
    return {
        "state": "ready",
        "root": rule_form(state.document["rule"], drawn),
        "kinds": kinds,
        "templates": [
            [one["segment"], one["name"], one["description"]]
            for one in (state.templates if state.is_blank else [])
        ],
        "undo": bool(state.done),
        "redo": bool(state.undone),
        "focus": list(state.focus) if state.focus else None,
    }


def counts(state: BuilderState) -> dict[str, str]:
    """Return how many people each condition admits alone, by its place as JSON."""
    found = state.tally.exact.value
    if found is None:
        return {}
    cells = state.source.viewer.cells
    return {
        json.dumps(place_of(path), separators=(",", ":")): shown_count(n, cells=cells)
        for path, n in found.conditions
    }


def place_of(path: str) -> Place:
    """Return the place that a path names.

    >>> place_of("rule.all[1].did")
    ('rule', 'all', 1, 'did')
    """
    parts = path.replace("[", ".[").split(".")
    return tuple(int(p[1:-1]) if p.startswith("[") else p for p in parts)


def size(state: BuilderState, *, cancellable: bool = False) -> Content:
    """Return the size of the rule, its estimate, or why there is none."""
    if any(fault.path.startswith("rule") for fault in state.faults):
        return {"state": "waiting", "message": UNFINISHED}
    said = {"sentence": state.sentence, "as_of": _as_of(state)}
    tally, cells = state.tally, state.source.viewer.cells
    if tally.exact.problem:
        return {**problem_content(tally.exact.problem), **said}
    if tally.exact.value is None:
        return {"state": "loading", "cancellable": cancellable, **said,
                **_about(tally, cells=cells)}  # fmt: skip
    return {"state": "ready", **said, **_funnel(tally.exact.value, cells=cells)}


def _as_of(state: BuilderState) -> str:
    return shown_instant(state.source.as_of)


def _about(tally: Tally, *, cells: Cells) -> Content:
    if tally.about is None:
        return {}
    low, high = (
        shown_count(n, cells=cells) for n in (tally.about.low, tally.about.high)
    )
    people = shown_count(tally.about.people, cells=replace(cells, exact=False))
    return {
        "about": ABOUT_EQUAL + people,
        "of": f"between {low} and {high} (95 %), by "
        f"{counted(tally.about.sampled)} people; counting exactly…",
    }


def _funnel(found: Evaluation, *, cells: Cells) -> Content:
    share = found.members / found.people if found.people else 0.0
    part = shown_share(share, found.members, cells=cells)
    everyone = shown_count(found.people, cells=cells)
    steps = [("Everyone", found.people), ("Members", found.members)]
    if found.purpose:
        steps.append((f"May get {in_words(found.purpose).lower()}", found.consented))
    top = max(found.people, 1)
    return {
        "members": shown_count(found.members, cells=cells),
        "of": f"{part} of {everyone} people" if part else f"of {everyone} people",
        "steps": [
            {
                "label": label,
                "people": shown_count(people, cells=cells),
                "bar": min(drawn_count(people, cells=cells) / top, 1.0),
            }
            for label, people in steps
        ],
    }


def yaml(state: BuilderState) -> Content:
    """Return the rule as YAML with what is wrong with it."""
    faults = state.yaml_faults or (state.faults if state.yaml_draft is None else [])
    return {
        "state": "ready",
        "text": state.yaml,
        "faults": [f"{fault.path}: {told(fault)}" for fault in faults],
    }


def details(state: BuilderState) -> Content:
    """Return what the segment says of itself, and what can be done with it."""
    document = state.document
    purposes = list(state.catalog.purposes)
    chosen = document.get("purpose", "")
    if chosen and chosen not in purposes:
        purposes.append(chosen)
    return {
        "state": "ready",
        "name": document.get("name", ""),
        "id": document.get("segment", ""),
        "purpose": chosen,
        "purposes": [[name, in_words(name)] for name in purposes],
        "description": document.get("description", ""),
        "owner": document.get("owner", ""),
        "tags": " ".join(document.get("tags", [])),
        "folder": document.get("folder", ""),
        "timezone": document.get("timezone", ""),
        "existing": state.before is not None,
        "faults": {
            fault.path: told(fault)
            for fault in state.faults
            if not fault.path.startswith("rule") and document.get("name")
        },
        "savable": state.is_changed and not state.faults,
        "saved": state.before is not None and not state.is_changed,
        **_status(state),
    }


def _status(state: BuilderState) -> dict[str, Any]:
    if state.built is not None:
        cells = state.source.viewer.cells
        members = shown_count(state.built.members, cells=cells)
        segment = quote(str(state.document["segment"]))
        return {
            "status": f"Evaluated: {members} members. ",
            "link": f"/pages/segment_explorer?segment={segment}",
            "link_text": "Explore and export it",
        }
    if state.saved_at:
        return {"status": f"Saved as {state.saved_at}. Evaluate it to use it."}
    if state.before is not None:
        return {"status": "Changed, not saved." if state.is_changed else ""}
    return {"status": "A new segment, not saved yet." if state.is_changed else ""}
