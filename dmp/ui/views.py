"""What each widget is given to draw, from the explorer's state; pure functions.

Numbers become text here, so the browser never holds one that the viewer may not see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from dmp.ui.explorer import PAGE_ROWS, ExplorerState, Loaded
from dmp.ui.guard import Problem
from dmp.ui.numbers import MINIMUM_CELL, drawn_count, shown_count, shown_share
from dmp.ui.source import (
    ConditionCount,
    DestinationSummary,
    ExportOutcome,
    Funnel,
    FunnelStep,
    SegmentSummary,
    Share,
    Table,
    TrendPoint,
    Viewer,
)

Content = dict[str, Any]

NOTABLE_RATIO = 1.15
DASH = "\N{EN DASH}"

NO_SEGMENTS: Content = {
    "title": "No segments yet",
    "hint": "Add a YAML file in config/segments and evaluate it; it appears here.",
    "example": "config/segments/pricing_intent.yaml",
}


def panel_content(
    panel: Loaded[Any], draw: Callable[[Any], Content], *, empty: str
) -> Content:
    """Return a panel's content: its drawing, its problem, its wait or its emptiness."""
    if panel.state == "loading":
        return {"state": "loading"}
    if panel.problem:
        return problem_content(panel.problem)
    drawn = draw(panel.value)
    return drawn if drawn else {"state": "empty", "message": empty}


def problem_content(problem: Problem) -> Content:
    """Return a refusal or a failure as content."""
    return {
        "state": problem.kind,
        "message": problem.message,
        "reference": problem.reference,
    }


def segment_list(state: ExplorerState) -> Content:
    """Return the list of segments with the selected one and the viewer."""
    viewer = state.source.viewer
    found = state.segments.value or []
    return {
        "state": "loading" if state.segments.state == "loading" else "ready",
        "items": [_list_item(summary, viewer) for summary in found],
        "selected": state.segment,
        "viewer": _viewer(viewer),
    }


def headline(state: ExplorerState) -> Content:
    """Return the selected segment's title, facts and main numbers, or why none is."""
    if state.summary is None:
        return panel_content(state.segments, lambda _: {}, empty="") | NO_SEGMENTS
    summary, exact = state.summary, state.source.viewer.exact_counts
    share = summary.members / summary.people if summary.people else 0.0
    part = shown_share(share, summary.members, exact=exact)
    everyone = shown_count(summary.people, exact=exact)
    return {
        "state": "ready",
        "name": summary.name,
        "description": summary.description,
        "sentence": summary.sentence,
        "facts": _facts(summary),
        "tags": list(summary.tags),
        "members": shown_count(summary.members, exact=exact),
        "of": f"members, {part} of {everyone} people" if part else "members",
    }


def panel(state: ExplorerState, name: str) -> Content:
    """Return the content of the panel of this name, one of `explorer.PANELS`."""
    exact = state.source.viewer.exact_counts
    everyone = state.summary.people if state.summary else 0
    attribute = state.attribute or ""
    drawn: dict[str, tuple[Callable[[Any], Content], str]] = {
        "funnel": (
            lambda v: funnel(v, exact=exact),
            "This segment has not been evaluated yet.",
        ),
        "conditions": (
            lambda v: conditions(v, everyone=everyone, exact=exact),
            "The rule has no conditions: everyone is in.",
        ),
        "makeup": (
            lambda v: makeup(v, attribute=attribute, exact=exact),
            "There is no attribute to compare by yet.",
        ),
        "trend": (
            lambda v: trend(v, exact=exact),
            "A line appears after the second evaluation.",
        ),
        "examples": (
            lambda v: examples(v, page=state.page),
            "Nobody is in this segment.",
        ),
    }
    draw, empty = drawn[name]
    return panel_content(state.panels[name], draw, empty=empty)


def export(state: ExplorerState) -> Content:
    """Return what the last send or dry run came to; nothing before the first."""
    if state.export is None:
        return {"state": "none"}
    exact, dry_run = state.source.viewer.exact_counts, state.rehearsed
    return panel_content(
        state.export,
        lambda value: outcome(value, dry_run=dry_run, exact=exact),
        empty="",
    )


def funnel(steps: Funnel, *, exact: bool) -> Content:
    """Return the funnel's bars with the losses between them."""
    known = [s.people for s in steps.steps if s.people is not None]
    if not known:
        return {}
    top = max(drawn_count(known[0], exact=exact), 1)
    rows = [_step(step, known[0], top, exact=exact) for step in steps.steps]
    return {"state": "ready", "steps": rows}


def conditions(
    found: Sequence[ConditionCount], *, everyone: int, exact: bool
) -> Content:
    """Return one bar a condition, against everyone."""
    top = max([drawn_count(everyone, exact=exact), 1])
    if not found:
        return {}
    return {
        "state": "ready",
        "columns": ["Condition", "People"],
        "rows": [
            {
                "label": item.sentence,
                "hint": item.path,
                "bar": min(drawn_count(item.people, exact=exact) / top, 1.0),
                "text": shown_count(item.people, exact=exact),
                "cells": [item.sentence, shown_count(item.people, exact=exact)],
            }
            for item in found
        ],
    }


def makeup(found: Sequence[Share], *, attribute: str, exact: bool) -> Content:
    """Return one pair of bars a value: the segment's share beside everyone's."""
    columns = [words(attribute), "People", "In the segment", "Everyone", "Ratio"]
    rows = [_share_row(item, exact=exact) for item in found]
    if not rows:
        return {}
    top = max(max(row["bar"], row["reference"]) for row in rows) or 1.0
    for row in rows:
        row["bar"], row["reference"] = row["bar"] / top, row["reference"] / top
    return {"state": "ready", "columns": columns, "rows": rows, "compared": True}


def trend(points: Sequence[TrendPoint], *, exact: bool) -> Content:
    """Return the sizes over time; fewer than two points are no trend."""
    if len(points) < 2:
        return {}
    return {
        "state": "ready",
        "points": [
            {
                "at": point.at.isoformat(),
                "day": _day(point.at),
                "people": drawn_count(point.people, exact=exact),
                "text": shown_count(point.people, exact=exact),
            }
            for point in points
        ],
    }


def examples(table: Table, *, page: int) -> Content:
    """Return one page of the example rows."""
    if not table.rows and not table.note:
        return {}
    first = page * PAGE_ROWS
    rows = table.rows[first : first + PAGE_ROWS]
    return {
        "state": "ready",
        "columns": [words(column) for column in table.columns],
        "rows": [[_cell(cell) for cell in row] for row in rows],
        "numeric": [_numeric(table, index) for index in range(len(table.columns))],
        "note": table.note,
        "page": page,
        "pages": max(1, -(-len(table.rows) // PAGE_ROWS)),
        "first": first + 1,
        "total": len(table.rows),
    }


def outcome(result: ExportOutcome, *, dry_run: bool, exact: bool) -> Content:
    """Return what a send came to."""
    return {
        "state": "ready",
        "message": result.message,
        "lines": list(result.lines),
        "files": [
            {"name": name, "rows": shown_count(rows, exact=exact), "sha256": sha256}
            for name, rows, sha256 in result.files
        ],
        "dry_run": dry_run,
    }


def destination_label(destination: DestinationSummary) -> str:
    """Return a destination as one line of a menu."""
    needs = words(destination.purpose).lower()
    takes = words(destination.identifier).lower()
    name = words(destination.name)
    return f"{name}: {destination.kind}, takes {takes}, needs consent for {needs}"


def words(name: str) -> str:
    """Return a column or attribute name as people write it.

    >>> words("last_order_value")
    'Last order value'
    """
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def _list_item(summary: SegmentSummary, viewer: Viewer) -> Content:
    exact = viewer.exact_counts
    everyone = max(drawn_count(summary.people, exact=exact), 1)
    return {
        "segment": summary.segment,
        "name": summary.name,
        "people": shown_count(summary.members, exact=exact),
        "bar": min(drawn_count(summary.members, exact=exact) / everyone, 1.0),
        "purpose": words(summary.purpose),
    }


def _viewer(viewer: Viewer) -> Content:
    seen = "Exact counts" if viewer.exact_counts else "Counts are rounded to 10"
    hidden = "" if viewer.exact_counts else ", those under 50 are hidden"
    return {
        "name": viewer.name,
        "roles": ", ".join(words(role).lower() for role in viewer.roles),
        "counts": f"{seen}{hidden}.",
    }


def _facts(summary: SegmentSummary) -> list[list[str]]:
    facts = [
        ["Purpose", words(summary.purpose)],
        ["As of", _instant(summary.as_of)],
        ["Computed", _instant(summary.computed_at)],
        ["Owner", summary.owner],
        ["Id", summary.segment],
    ]
    return [fact for fact in facts if fact[1]]


def _step(step: FunnelStep, members: int, top: int, *, exact: bool) -> Content:
    if step.people is None:
        return {"label": step.label, "people": None}
    return {
        "label": step.label,
        "people": shown_count(step.people, exact=exact),
        "share": shown_share(step.people / max(members, 1), step.people, exact=exact),
        "bar": _length(step.people, top, exact=exact),
        "lost": shown_count(sum(n for _, n in step.losses), exact=exact),
        "losses": [
            [reason, shown_count(people, exact=exact)]
            for reason, people in step.losses
            if people
        ],
    }


def _length(people: int, top: int, *, exact: bool) -> float | None:
    if not exact and people < MINIMUM_CELL:
        return None
    return min(drawn_count(people, exact=exact) / top, 1.0)


def _share_row(item: Share, *, exact: bool) -> Content:
    digits = 3 if exact else 2
    mine, all_of_them = round(item.share, digits), round(item.share_of_everyone, digits)
    share = shown_share(item.share, item.people, exact=exact)
    everyone = f"{all_of_them:.{digits - 2}%}"
    ratio = mine / all_of_them if share and all_of_them else None
    return {
        "label": item.value,
        "bar": mine if share else 0.0,
        "reference": all_of_them,
        "text": share or "hidden",
        "against": everyone,
        "ratio": f"{ratio:.1f}\N{MULTIPLICATION SIGN}" if ratio is not None else DASH,
        "over": ratio is not None and ratio >= NOTABLE_RATIO,
        "cells": [
            item.value,
            shown_count(item.people, exact=exact),
            share or "hidden",
            everyone,
            f"{ratio:.2f}" if ratio is not None else DASH,
        ],
    }


def _numeric(table: Table, index: int) -> bool:
    cells = [row[index] for row in table.rows if row[index] is not None]
    return bool(cells) and all(
        isinstance(cell, int | float) and not isinstance(cell, bool) for cell in cells
    )


def _cell(value: Any) -> str:
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
    return _instant(value) if isinstance(value, datetime) else str(value)


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b %Y}"


def _instant(at: datetime) -> str:
    return f"{at.day} {at:%b %Y, %H:%M} UTC"
