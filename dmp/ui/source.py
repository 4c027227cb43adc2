"""What the segment pages need from the rest of dmp: one Protocol over its values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from dmp.flows.shapes import (
    ConditionCount,
    DestinationSummary,
    Discussion,
    ExportOutcome,
    FileFormat,
    Funnel,
    FunnelStep,
    Intersection,
    Reach,
    Remark,
    SegmentSummary,
    Share,
    Table,
    TrendPoint,
    Version,
    Viewer,
    Why,
)

__all__ = [
    "ConditionCount",
    "DestinationSummary",
    "Discussion",
    "ExportOutcome",
    "FileFormat",
    "Funnel",
    "FunnelStep",
    "Intersection",
    "Reach",
    "Remark",
    "SegmentSource",
    "SegmentSummary",
    "Share",
    "Table",
    "TrendPoint",
    "Version",
    "Viewer",
    "Why",
]


class SegmentSource(Protocol):
    """Reads and sends segments for one viewer, through consent and roles.

    Every method checks the viewer's role at the moment of the call.

    Raises:
        NotAllowed: the role may not do this; the message says who may.
        UnknownName: no such segment, attribute or destination.
    """

    @property
    def viewer(self) -> Viewer:
        """Return who looks."""
        ...

    def segments(self) -> list[SegmentSummary]:
        """Return every segment with its newest evaluation, in the order to show."""
        ...

    def funnel(self, segment: str) -> Funnel:
        """Return the funnel of the segment's newest evaluation."""
        ...

    def conditions(self, segment: str) -> list[ConditionCount]:
        """Return how many people each condition admits alone, in rule order."""
        ...

    def attributes(self) -> list[str]:
        """Return the attributes that a make-up can be asked for."""
        ...

    def telling(self, segment: str) -> tuple[str, list[Share]] | None:
        """Return the make-up by what a segment is least like everyone in, if any."""
        ...

    def makeup(self, segment: str, attribute: str) -> list[Share]:
        """Return the values of the attribute in the segment, largest share first."""
        ...

    def trend(self, segment: str) -> Iterable[TrendPoint]:
        """Return the segment's sizes over time, oldest first.

        Each is evaluated when it is taken, for that takes a while.
        """
        ...

    def examples(self, segment: str, limit: int) -> Table:
        """Return at most `limit` example members, as the role allows."""
        ...

    def overlap(self, segments: Sequence[str]) -> list[Intersection]:
        """Return how many people are in exactly which of two to six segments."""
        ...

    def versions(self, segment: str) -> list[Version]:
        """Return the stored versions of the rule, the newest first."""
        ...

    def why(self, segment: str, profile_id: str) -> Why:
        """Return which conditions hold for one person; needs the analyst role."""
        ...

    def reach(self, segment: str) -> list[Reach]:
        """Return how many people each destination could get now; sends nothing."""
        ...

    def discussion(self, segment: str) -> Discussion:
        """Return what was said of the segment, and whether it is approved."""
        ...

    def comment(self, segment: str, text: str) -> None:
        """Keep a comment on the segment."""
        ...

    def approve(self, segment: str) -> None:
        """Approve the segment as it is now; its author may not."""
        ...

    def archive(self, segment: str, *, archived: bool) -> None:
        """Put the segment out of use, or bring it back."""
        ...

    def destinations(self) -> list[DestinationSummary]:
        """Return where segments can be sent."""
        ...

    def export(self, segment: str, destination: str, *, dry_run: bool) -> ExportOutcome:
        """Send the segment; a dry run says what would be sent and writes nothing."""
        ...

    def download(self, segment: str, file_format: FileFormat) -> tuple[str, bytes]:
        """Return the file's name and bytes; the download is audited by the source.

        Cells of a CSV that begin with `=`, `+`, `-` or `@` are neutralised.
        """
        ...
