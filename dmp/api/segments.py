"""The addresses of segments: validate, count, preview, members, explain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query

from dmp.api import shapes
from dmp.api.calling import Calling, RuleText
from dmp.api.cursors import Cursor
from dmp.api.problems import Problem, Refused
from dmp.core.clock import instant
from dmp.core.errors import UsageError
from dmp.core.types import Evaluation
from dmp.flows import segment_answers as answers
from dmp.flows import segments as flow
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.privacy.roles import permissions_of
from dmp.segments.saved import Saved, chosen
from dmp.segments.schema import language_schema
from dmp.segments.sentence import sentence

MOST_MEMBERS, MOST_EXAMPLES = 10_000, 100

_RULE_BODY = {
    "requestBody": {
        "required": True,
        "description": "A segment's document, as GET /v1/schema describes it.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "application/yaml": {"schema": {"type": "string"}},
        },
    }
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": words}
    for status, words in {
        400: "The parameters have faults.",
        401: "No token, or one that is nobody's.",
        403: "The caller's roles do not allow it; the denial is on record.",
        404: "No such segment or profile; near names are given.",
        422: "The rule has faults; all of them, each with its path.",
    }.items()
}
router = APIRouter(prefix="/v1", responses=_PROBLEMS)
AsOf = Annotated[
    str,
    Query(description="ISO 8601 instant; UTC without an offset; default: now."),
]


@router.get("/me")
def me(workspace: Calling) -> shapes.Me:
    """Say who asks, and what that allows."""
    caller, cells = workspace.caller, answers.cells_of(workspace)
    return shapes.Me(
        actor=caller.actor,
        roles=sorted(caller.roles),
        permissions=list(permissions_of(caller)),
        exact_counts=cells.exact,
        minimum_cell=cells.minimum,
    )


@router.get("/schema")
def schema(workspace: Calling) -> dict[str, Any]:
    """Return the JSON Schema of the rule language."""
    workspace.allow(Permission.COUNT)
    return language_schema()


@router.get("/segments")
def segments(workspace: Calling) -> list[shapes.SegmentLine]:
    """List the saved segments."""
    workspace.allow(Permission.COUNT)
    saved = flow.saved_segments(workspace)
    return [shapes.SegmentLine(**_line(one)) for one in saved.values()]


@router.get("/segments/{segment}")
def definition(workspace: Calling, segment: str) -> shapes.Definition:
    """Return a saved segment's document."""
    workspace.allow(Permission.COUNT)
    one = chosen(flow.saved_segments(workspace), segment)
    return shapes.Definition(document=dict(one.document), **_line(one))


@router.post("/validate", openapi_extra=_RULE_BODY)
def validate(workspace: Calling, rule: RuleText) -> shapes.Valid:
    """Check a rule beside this workspace's attributes and properties: every fault."""
    one = answers.draft(workspace, rule)
    return shapes.Valid(**_line(one))


@router.post("/count", openapi_extra=_RULE_BODY)
def count_rule(workspace: Calling, rule: RuleText, as_of: AsOf = "") -> shapes.Count:
    """Count the people of a rule that is not saved."""
    at = _instant(workspace, as_of)
    return _count(workspace, answers.count_draft(workspace, rule, at))


@router.get("/segments/{segment}/count")
def count(workspace: Calling, segment: str, as_of: AsOf = "") -> shapes.Count:
    """Count the people of a segment, and those each condition alone admits."""
    at = _instant(workspace, as_of)
    return _count(workspace, flow.count_segment(workspace, segment, at))


@router.get("/segments/{segment}/preview")
def preview(
    workspace: Calling,
    segment: str,
    as_of: AsOf = "",
    limit: Annotated[int, Query(ge=1, le=MOST_EXAMPLES)] = 10,
) -> shapes.Preview:
    """Show example members with their attributes."""
    at = _instant(workspace, as_of)
    rows = flow.preview_segment(workspace, segment, at, limit=limit)
    return shapes.Preview(segment=segment, as_of=at, rows=rows)


@router.get("/segments/{segment}/members")
def members(
    workspace: Calling,
    segment: str,
    as_of: AsOf = "",
    limit: Annotated[int, Query(ge=1, le=MOST_MEMBERS)] = 1000,
    cursor: str = "",
) -> shapes.Members:
    """List the members, page by page.

    All pages are evaluated at the instant of the first. Whoever is a member on each of
    them comes once, whatever is loaded in between.
    """
    begun = _begun(cursor, segment, as_of)
    at = begun.as_of if begun else _instant(workspace, as_of)
    after = begun.after if begun else ""
    page = answers.members_page(workspace, segment, at, after=after, limit=limit)
    if begun and begun.version != page.version:
        raise Refused(
            HTTPStatus.CONFLICT,
            "the rule was changed since the first page; leave the cursor out to begin "
            "anew",
        )
    following = page.following
    return shapes.Members(
        **{k: v for k, v in asdict(page).items() if k != "following"},
        cursor=Cursor(segment, page.version, at, following).text()
        if following
        else None,
    )


@router.get("/segments/{segment}/members/{profile_id}")
def membership(
    workspace: Calling, segment: str, profile_id: str, as_of: AsOf = ""
) -> shapes.Membership:
    """Say whether one person is a member, and when a build found them in or out."""
    at = _instant(workspace, as_of)
    found = answers.person_in(workspace, segment, profile_id, at)
    return shapes.Membership.model_validate(found)


@router.get("/segments/{segment}/explain")
def explain(
    workspace: Calling, segment: str, as_of: AsOf = "", profile_id: str | None = None
) -> shapes.Explained:
    """Show the SQL, what each condition admits, and why one person is in or out."""
    at = _instant(workspace, as_of)
    found = answers.explain_segment(workspace, segment, at, profile_id=profile_id)
    return shapes.Explained.model_validate(found)


def _instant(workspace: Workspace, as_of: str) -> datetime:
    if not as_of:
        return workspace.clock()
    try:
        return instant(as_of)
    except ValueError as error:
        raise UsageError(
            f"as_of: {as_of!r} is no instant such as 2026-06-30T00:00:00Z"
        ) from error


def _begun(cursor: str, segment: str, as_of: str) -> Cursor | None:
    if not cursor:
        return None
    found = Cursor.read(cursor)
    if found.segment != segment:
        raise UsageError(f"cursor: it is of {found.segment!r}, not of {segment!r}")
    if as_of:
        raise UsageError("as_of: the cursor holds the instant; leave as_of out")
    return found


def _line(one: Saved) -> Mapping[str, Any]:
    segment = one.segment
    return {
        "segment": segment.id,
        "version": one.version,
        "sentence": sentence(segment.rule),
        "name": segment.name or segment.id,
        "description": segment.description,
        "owner": segment.owner,
        "tags": list(segment.tags),
        "purpose": segment.purpose,
        "timezone": segment.timezone,
    }


def _count(workspace: Workspace, found: Evaluation) -> shapes.Count:
    cells = answers.cells_of(workspace)
    shown = answers.disclosed(found, cells)
    losses, conditions = shown.pop("losses"), shown.pop("conditions")
    return shapes.Count(
        segment=found.segment,
        version=found.version,
        purpose=found.purpose,
        as_of=found.as_of,
        snapshot=found.snapshot,
        exact=cells.exact,
        losses=[
            shapes.Loss(step=step, reason=reason, people=people)
            for step, reason, people in losses
        ],
        conditions=[
            shapes.ConditionCount(path=path, people=people)
            for path, people in conditions
        ],
        **shown,
    )
