"""What each widget is given to show, from the explorer's state; pure functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from dmp.core.cells import Cells
from dmp.ui import drawings
from dmp.ui.drawings import Content, words
from dmp.ui.explorer import MOST_COMPARED, ExplorerState, Loaded
from dmp.ui.guard import Problem
from dmp.ui.numbers import drawn_count, shown_count, shown_share
from dmp.ui.source import (
    DestinationSummary,
    Discussion,
    ExportOutcome,
    SegmentSummary,
    Version,
    Viewer,
    Why,
)

NO_SEGMENTS: Content = {
    "title": "No segments yet",
    "hint": "Add a YAML file in config/segments and evaluate it; it appears here.",
    "example": "config/segments/pricing_intent.yaml",
}

SAID = {"saved": "saved it", "comment": "wrote", "approval": "approved it"}

EMPTY = {
    "funnel": "This segment has not been evaluated yet.",
    "conditions": "The rule has no conditions: everyone is in.",
    "makeup": "There is no attribute to compare by yet.",
    "trend": "A line appears after the second evaluation.",
    "examples": "Nobody is in this segment.",
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


def no_destination(state: ExplorerState) -> Content:
    """Return what stands where no destination takes the segment's purpose."""
    purpose = words(state.summary.purpose) if state.summary else "no purpose"
    return {
        "state": "empty",
        "message": f"No destination takes the purpose {purpose!r}. Add one in "
        "config/destinations.",
        "reference": "",
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
    summary, cells = state.summary, state.source.viewer.cells
    share = summary.members / summary.people if summary.people else 0.0
    part = shown_share(share, summary.members, cells=cells)
    everyone = shown_count(summary.people, cells=cells)
    return {
        "state": "ready",
        "name": summary.name,
        "description": summary.description,
        "sentence": summary.sentence,
        "facts": _facts(summary),
        "tags": [*summary.tags, *(["Archived"] if summary.archived else [])],
        "links": [
            ["Edit the rule", f"/pages/segment_builder?segment={summary.segment}"],
            ["Duplicate", f"/pages/segment_builder?segment={summary.segment}&copy=1"],
            ["New segment", "/pages/segment_builder"],
        ],
        "members": shown_count(summary.members, cells=cells),
        "of": f"members, {part} of {everyone} people" if part else "members",
    }


def panel(state: ExplorerState, name: str) -> Content:
    """Return the content of the panel of this name, one of `explorer.PANELS`."""
    cells = state.source.viewer.cells
    everyone = state.summary.people if state.summary else 0
    by = state.attribute or ""
    draw: dict[str, Callable[[Any], Content]] = {
        "funnel": lambda v: drawings.funnel(v, cells=cells),
        "conditions": lambda v: drawings.conditions(v, everyone=everyone, cells=cells),
        "makeup": lambda v: drawings.makeup(v, attribute=by, cells=cells),
        "trend": lambda v: drawings.trend(v, cells=cells),
        "examples": lambda v: drawings.examples(v, page=state.page),
    }
    return panel_content(state.panels[name], draw[name], empty=EMPTY[name])


def overlap(state: ExplorerState) -> Content:
    """Return the overlap of the segment with others, and which can be chosen."""
    known = state.segments.value or []
    options = [
        [one.segment, one.name, one.segment in state.compared]
        for one in known
        if one.segment != state.segment
    ]
    names = {one.segment: one.name for one in known}
    shown = [names.get(one, one) for one in (state.segment or "", *state.compared)]
    full = len(state.compared) >= MOST_COMPARED - 1
    common = {"options": options, "names": shown, "full": full}
    if state.overlap is None:
        return {"state": "ready", "rows": [], **common}
    cells = state.source.viewer.cells
    drawn = panel_content(
        state.overlap,
        lambda v: drawings.overlap(v, shown, cells=cells),
        empty="Nobody.",
    )
    return {**common, **drawn}


def versions(state: ExplorerState) -> Content:
    """Return the versions of the rule: since when, how many people, what changed."""
    cells = state.source.viewer.cells

    def draw(found: list[Version]) -> Content:
        rows = [
            [
                drawings.shown_instant(one.began_at),
                "not evaluated"
                if one.members is None
                else shown_count(one.members, cells=cells),
                "; ".join(one.changes) or "no condition",
            ]
            for one in found
        ]
        return {"state": "ready", "rows": rows} if rows else {}

    return panel_content(
        state.versions, draw, empty="A version is stored with its first evaluation."
    )


def discussion(state: ExplorerState) -> Content:
    """Return what was said of the segment, its approval, and what can be done."""
    me, archived = (
        state.source.viewer.name,
        bool(state.summary and state.summary.archived),
    )

    def draw(found: Discussion) -> Content:
        given = found.approval
        by = "you" if given and given.by == me else given.by if given else ""
        said = f"Approved by {by}" if given else "Not approved as it is now"
        return {
            "state": "ready",
            "approved": bool(given),
            "approval": said,
            "at": given.at.isoformat() if given else None,
            "needed": found.required and not given,
            "archived": archived,
            "remarks": [
                {
                    "by": "you" if one.by == me else one.by,
                    "at": one.at.isoformat(),
                    "did": SAID[one.kind],
                    "text": one.text,
                }
                for one in found.remarks
            ],
        }

    return panel_content(state.discussion, draw, empty="")


def why(state: ExplorerState) -> Content:
    """Return why one person is in the segment or not, or how to ask."""
    if state.why is None:
        return {"state": "none"}

    def draw(found: Why) -> Content:
        verdict = "is in this segment" if found.is_member else "is not in this segment"
        rows = [
            [said, "holds" if holds else "does not"] for said, holds in found.conditions
        ]
        verdict = f"{found.profile_id} {verdict}."
        return {"state": "ready", "verdict": verdict, "rows": rows}

    return panel_content(state.why, draw, empty="")


def reach(state: ExplorerState) -> Content:
    """Return how many people each destination could get."""
    if state.reach is None:
        hint = "Press “Count” to see how many people each destination could get now."
        return {"state": "empty", "message": hint, "reference": ""}
    cells = state.source.viewer.cells
    members = state.summary.members if state.summary else 0
    return panel_content(
        state.reach,
        lambda v: drawings.reach(v, members=members, cells=cells),
        empty="There is no destination yet. Add one in config/destinations.",
    )


def export(state: ExplorerState) -> Content:
    """Return what the last send or dry run came to; nothing before the first."""
    if state.export is None:
        return {"state": "none"}
    cells, dry_run = state.source.viewer.cells, state.rehearsed
    return panel_content(
        state.export,
        lambda value: outcome(value, dry_run=dry_run, cells=cells),
        empty="",
    )


def outcome(result: ExportOutcome, *, dry_run: bool, cells: Cells) -> Content:
    """Return what a send came to."""
    return {
        "state": "ready",
        "message": result.message,
        "lines": list(result.lines),
        "files": [
            {"name": name, "rows": shown_count(rows, cells=cells), "sha256": sha256}
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


def _list_item(summary: SegmentSummary, viewer: Viewer) -> Content:
    cells = viewer.cells
    everyone = max(drawn_count(summary.people, cells=cells), 1)
    return {
        "segment": summary.segment,
        "name": summary.name,
        "people": shown_count(summary.members, cells=cells),
        "bar": min(drawn_count(summary.members, cells=cells) / everyone, 1.0),
        "purpose": words(summary.purpose),
        "folder": summary.folder,
        "archived": summary.archived,
        "search": " ".join((summary.folder, summary.owner, *summary.tags)),
    }


def _viewer(viewer: Viewer) -> Content:
    seen, hidden = "Exact counts", ""
    if not viewer.exact_counts:
        seen = "Counts are rounded to 10"
        hidden = f", those under {viewer.minimum_cell} are hidden"
    return {
        "name": viewer.name,
        "roles": ", ".join(words(role).lower() for role in viewer.roles),
        "counts": f"{seen}{hidden}.",
    }


def _facts(summary: SegmentSummary) -> list[list[str]]:
    """Return term and value of each fact; an owner that is missing has a third, a link.

    A file written by hand, or by `dmp segment new`, names nobody.
    """
    builder = f"/pages/segment_builder?segment={quote(summary.segment)}#owner"
    owner = [summary.owner] if summary.owner else ["no owner yet", builder]
    facts = [
        ["Purpose", words(summary.purpose)],
        ["As of", drawings.shown_instant(summary.as_of)],
        ["Computed", drawings.shown_instant(summary.computed_at)],
        ["Owner", *owner],
        ["Folder", summary.folder],
        ["Id", summary.segment],
        ["Used by", ", ".join(summary.used_by)],
    ]
    return [fact for fact in facts if fact[1]]
