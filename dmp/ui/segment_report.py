"""The report of a segment: one offline HTML file to mail, aggregates only.

Counts below `minimum_cell` are not in it, all others are rounded to ten, and every
share is one of rounded counts, whoever asks: a file travels farther than its reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dmp.core.errors import UnknownName
from dmp.core.result_file import whole_text
from dmp.flows.explore import WorkspaceSegments
from dmp.flows.shapes import Funnel, SegmentSummary, Share, TrendPoint
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.ui.offline_report import filled
from dmp.ui.source import SegmentSource

ROUND_TO = 10
MOST_ATTRIBUTES = 6
_WIDTH, _HEIGHT = 640.0, 160.0


@dataclass(frozen=True)
class Bar:
    """One bar: its share of the widest, as text and as length in [0, 1].

    Attributes:
        length: None where the count is hidden.
        against: the length of the bar for everyone beside it; None for none.
    """

    label: str
    text: str
    length: float | None
    note: str = ""
    against: float | None = None
    against_text: str = ""


@dataclass(frozen=True)
class Makeup:
    """The values of an attribute that are common enough, and how many are not."""

    attribute: str
    bars: tuple[Bar, ...]
    left_out: int


@dataclass(frozen=True)
class Point:
    """One instant of a line, by its place on the drawing; y is None where hidden."""

    day: str
    text: str
    x: float
    y: float | None


@dataclass(frozen=True)
class Cells:
    """How counts are told: none below the minimum, all others to the nearest ten."""

    minimum: int

    def is_hidden(self, people: int) -> bool:
        """Say whether a count is too small to be told."""
        return people < self.minimum

    def rounded(self, people: int) -> int:
        """Return the nearest ten."""
        return (people + ROUND_TO // 2) // ROUND_TO * ROUND_TO

    def text(self, people: int) -> str:
        """Return a count for reading.

        >>> Cells(50).text(1237), Cells(50).text(49), Cells(50).text(0)
        ('1,240', '< 50', '< 50')
        """
        if self.is_hidden(people):
            return f"< {self.minimum}"
        return f"{self.rounded(people):,}"

    def share(self, people: int, of: int) -> float | None:
        """Return the share of rounded counts; None where one is hidden."""
        if self.is_hidden(people) or self.is_hidden(of):
            return None
        return min(self.rounded(people) / self.rounded(of), 1.0)


def write_segment_report(
    workspace: Workspace, segment: str, path: Path, *, attributes: Sequence[str] = ()
) -> None:
    """Write the report of a segment's newest evaluation; on record in the audit log.

    Args:
        attributes: whose make-up is shown; none takes the first that dmp knows.

    Raises:
        NotAllowed: the caller may not count.
        UnknownName: no such segment or attribute.
        UsageError: the segment was not built yet, or the file cannot be written.
    """
    workspace.allow(Permission.COUNT)
    source, cells = WorkspaceSegments(workspace), Cells(workspace.settings.minimum_cell)
    html = segment_report_html(source, segment, attributes=attributes, cells=cells)
    whole_text(path, html)
    workspace.record("report", segment=segment)


def segment_report_html(
    source: SegmentSource, segment: str, *, attributes: Sequence[str], cells: Cells
) -> str:
    """Return the report; it loads nothing, and holds no count that cells hide."""
    funnel, conditions = source.funnel(segment), source.conditions(segment)
    summary = next(one for one in source.segments() if one.segment == segment)
    people = summary.people
    return filled(
        "segment_report.html",
        segment=summary,
        cells=cells,
        share=_percent(cells.share(summary.members, summary.people)),
        as_of=_day(summary.as_of),
        funnel=funnel_bars(funnel, cells),
        conditions=[
            Bar(one.sentence, cells.text(one.people), cells.share(one.people, people))
            for one in conditions
        ],
        makeups=_makeups(source, summary, attributes, cells),
        trend=trend_points([*source.trend(segment)], cells),
        width=_WIDTH,
        height=_HEIGHT,
    )


def funnel_bars(funnel: Funnel, cells: Cells) -> list[Bar]:
    """Return a bar for each step that was reached, with what was lost on the way."""
    reached = [step for step in funnel.steps if step.people is not None]
    first = reached[0].people if reached else 0
    bars = []
    for step in reached:
        share = cells.share(step.people or 0, first or 0)
        lost = [f"{cells.text(n)} {reason}" for reason, n in step.losses if n]
        note = f"lost: {', '.join(lost)}" if lost else ""
        bars.append(Bar(step.label, cells.text(step.people or 0), share, note))
    return bars


def _makeups(
    source: SegmentSource,
    summary: SegmentSummary,
    attributes: Sequence[str],
    cells: Cells,
) -> list[Makeup]:
    known = source.attributes()
    if unknown := [name for name in attributes if name not in known]:
        raise UnknownName("attribute", unknown[0], known)
    found = [
        makeup_of(name, source.makeup(summary.segment, name), summary, cells)
        for name in attributes or known
    ]
    shown = [one for one in found if one.bars]
    return shown if attributes else shown[:MOST_ATTRIBUTES]


def makeup_of(
    attribute: str, shares: Sequence[Share], summary: SegmentSummary, cells: Cells
) -> Makeup:
    """Return the values that may be told.

    Those too rare are left out together; where they are too few together, the rarest
    value that is left goes with them, or the rest would tell it.
    """
    ordered = sorted(shares, key=lambda one: -one.people)
    kept = [one for one in ordered if not cells.is_hidden(one.people)]
    hidden = ordered[len(kept) :]
    if kept and hidden and cells.is_hidden(sum(one.people for one in hidden)):
        hidden.append(kept.pop())
    bars = []
    for one in kept:
        of_everyone = round(one.share_of_everyone * summary.people)
        mine = cells.share(one.people, summary.members)
        theirs = cells.share(of_everyone, summary.people)
        bars.append(Bar(one.value, _percent(mine), mine, "", theirs, _percent(theirs)))
    return Makeup(attribute, tuple(bars), len(hidden))


def trend_points(points: Sequence[TrendPoint], cells: Cells) -> list[Point]:
    """Return the sizes over time, placed on the drawing; fewer than two are none."""
    if len(points) < 2:
        return []
    top = max(cells.rounded(point.people) for point in points) or 1
    step = _WIDTH / (len(points) - 1)
    return [
        Point(
            _day(point.at),
            cells.text(point.people),
            n * step,
            None
            if cells.is_hidden(point.people)
            else _HEIGHT * (1 - cells.rounded(point.people) / top),
        )
        for n, point in enumerate(points)
    ]


def _percent(share: float | None) -> str:
    return "hidden" if share is None else f"{share:.0%}"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b %Y}"
