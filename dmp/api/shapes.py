"""What the API answers, as OpenAPI tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

_Count = int | None


class Shape(BaseModel):
    """The base of all answers, made from values of the flows."""

    model_config = ConfigDict(from_attributes=True)


class Me(Shape):
    """Who asks, under a pseudonym, and what that allows.

    Attributes:
        exact_counts: whether counts are given as they are; else they are rounded to 10
            and those under `minimum_cell` are null.
    """

    actor: str
    roles: list[str]
    permissions: list[str]
    exact_counts: bool
    minimum_cell: int


class Valid(Shape):
    """A rule without faults, in words."""

    segment: str
    version: str
    sentence: str


class SegmentLine(Valid):
    """One saved segment."""

    name: str
    description: str
    owner: str
    tags: list[str]
    purpose: str
    timezone: str


class Definition(SegmentLine):
    """One saved segment with its whole document, as its file says it."""

    document: dict[str, Any]


class Loss(Shape):
    """People that one step of the funnel lost, for one reason."""

    step: str
    reason: str
    people: _Count


class ConditionCount(Shape):
    """People that one condition alone admits."""

    path: str
    people: _Count


class Count(Shape):
    """One evaluation; a count that is too small to be shown to the caller is null."""

    segment: str
    version: str
    purpose: str
    as_of: datetime
    snapshot: int
    exact: bool
    people: _Count
    members: _Count
    consented: _Count
    after_exclusions: _Count
    losses: list[Loss]
    conditions: list[ConditionCount]


class Preview(Shape):
    """Example members with their attributes, never an identifier."""

    segment: str
    as_of: datetime
    rows: list[dict[str, Any]]


class Members(Shape):
    """One page of members, sorted by profile_id.

    Attributes:
        cursor: what asks for the next page; null on the last.
    """

    segment: str
    version: str
    as_of: datetime
    snapshot: int
    profile_ids: list[str]
    cursor: str | None


class StayShape(Shape):
    """One stored stay in the segment."""

    entered_at: datetime
    left_at: datetime | None
    cause_entered: str
    cause_left: str | None


class Membership(Shape):
    """Whether one person is a member at an instant, and the stays that builds stored.

    Attributes:
        profile_id: the standing id, also where a merged one was asked for.
    """

    segment: str
    version: str
    as_of: datetime
    snapshot: int
    profile_id: str
    is_member: bool
    stays: list[StayShape]


class ConditionShape(Shape):
    """One condition: whom it alone admits, and what can change that.

    Attributes:
        mode: instant (an event), tick (time alone, next at `next_at`), or batch.
        holds: for the person asked about.
    """

    path: str
    admits: int
    mode: str
    next_at: datetime | None
    holds: bool | None


class PropertyShape(Shape):
    """One event property that the rule reads, and from where."""

    property: str
    paths: list[str]
    storage: str
    saves_ms: float


class Explained(Shape):
    """Why a segment gives what it gives."""

    segment: str
    as_of: datetime
    sql: str
    profiles: int
    members: int
    conditions: list[ConditionShape]
    properties: list[PropertyShape]
    profile_id: str | None
    holds: bool | None
