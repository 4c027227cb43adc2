"""Values of the segment pages: what a viewer is shown of a segment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from dmp.core.cells import Cells

FileFormat = Literal["csv", "parquet"]


@dataclass(frozen=True)
class Viewer:
    """Who looks at the page.

    Attributes:
        name: how the page addresses them.
        roles: the roles they hold, as in `config/roles.yaml`.
        exact_counts: whether exact numbers may be shown; otherwise numbers below
            `minimum_cell` are hidden and others are rounded to 10.
    """

    name: str
    roles: tuple[str, ...]
    exact_counts: bool
    minimum_cell: int = 50

    @property
    def cells(self) -> Cells:
        """How this viewer may see counts of people."""
        return Cells(self.minimum_cell, self.exact_counts)


@dataclass(frozen=True)
class SegmentSummary:
    """One saved segment and its newest evaluation.

    Attributes:
        segment: the id, `[a-z][a-z0-9_]*`.
        purpose: the consent purpose for anything that leaves.
        sentence: the rule in plain English.
        members: people in the segment at `as_of`.
        people: everyone in the workspace at `as_of`.
        as_of: the instant the rule was evaluated for, UTC.
        computed_at: when it was evaluated, UTC.
        used_by: what depends on it: segments that refer to it, destinations that it
            goes to, in words.
        folder: where lists show it; empty is the top.
        archived: out of use; shown only when asked for.
    """

    segment: str
    name: str
    description: str
    purpose: str
    sentence: str
    members: int
    people: int
    as_of: datetime
    computed_at: datetime
    owner: str = ""
    tags: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    folder: str = ""
    archived: bool = False


@dataclass(frozen=True)
class Remark:
    """One thing that somebody said of a segment.

    Attributes:
        kind: saved, comment or approval.
        text: of a comment; empty otherwise.
        by: the pseudonym of whoever said it.
        stands: whether it is of the segment as it is now.
    """

    kind: str
    text: str
    by: str
    at: datetime
    stands: bool


@dataclass(frozen=True)
class Discussion:
    """What was said of a segment, the newest first.

    Attributes:
        required: whether it may leave only once it is approved as it is now.
    """

    remarks: tuple[Remark, ...]
    required: bool = False

    @property
    def approval(self) -> Remark | None:
        """Return the approval of the segment as it is now; None without one."""
        standing = (r for r in self.remarks if r.kind == "approval" and r.stands)
        return next(standing, None)


@dataclass(frozen=True)
class Intersection:
    """People who are in exactly these of several segments, and in no other of them.

    Attributes:
        inside: for each segment asked for, in its order, whether they are in it.
    """

    inside: tuple[bool, ...]
    people: int


@dataclass(frozen=True)
class Version:
    """One stored version of a segment's rule.

    Attributes:
        began_at: since when it holds.
        members: its newest stored size; None where it was never evaluated.
        changes: what differs from the version before, one line each.
    """

    began_at: datetime
    members: int | None
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Why:
    """Why one person is in a segment or not.

    Attributes:
        conditions: each condition in plain English, and whether it holds for them.
    """

    profile_id: str
    is_member: bool
    conditions: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Reach:
    """How many people of a segment one destination could get now.

    Attributes:
        people: None where the destination needs another purpose, or may not be asked.
        note: why there is no number; empty otherwise.
    """

    destination: str
    people: int | None
    note: str = ""


@dataclass(frozen=True)
class FunnelStep:
    """One step from members to accepted.

    Attributes:
        people: people left at this step; None until something was sent.
        losses: (reason, people) lost on the way to this step, largest first.
    """

    label: str
    people: int | None
    losses: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Funnel:
    """The steps members, consented, after exclusions, addressable, sent, accepted."""

    steps: tuple[FunnelStep, ...]


@dataclass(frozen=True)
class ConditionCount:
    """How many people one condition of the rule admits on its own.

    Attributes:
        path: where it stands in the rule, such as `rule.all[1].did`.
        sentence: the condition in plain English.
    """

    path: str
    sentence: str
    people: int


@dataclass(frozen=True)
class Share:
    """One value of an attribute within a segment.

    Attributes:
        share: part of the segment with this value, in [0, 1].
        share_of_everyone: part of all people with this value, in [0, 1].
    """

    value: str
    people: int
    share: float
    share_of_everyone: float


@dataclass(frozen=True)
class TrendPoint:
    """The size of a segment at one instant."""

    at: datetime
    people: int


@dataclass(frozen=True)
class Table:
    """Rows that the viewer's role may see.

    Attributes:
        rows: cells in the order of `columns`; never a direct identifier.
        note: what the role hides, in one sentence; empty when nothing is hidden.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class DestinationSummary:
    """A place that a segment can be sent to.

    Attributes:
        name: the id in `config/destinations`.
        kind: file, e-mail platform, ad platform, and so on, as people say it.
        purpose: the consent purpose it needs.
        identifier: the type of identifier it takes, such as `email_sha256`.
    """

    name: str
    kind: str
    purpose: str
    identifier: str


@dataclass(frozen=True)
class ExportOutcome:
    """What a send, or its dry run, came to.

    Attributes:
        lines: what happened or would happen, one sentence a line.
        files: (name, rows, SHA-256 in hex) of every file written.
        message: the result in one sentence.
    """

    lines: tuple[str, ...]
    files: tuple[tuple[str, int, str], ...] = field(default=())
    message: str = ""
