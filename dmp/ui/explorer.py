"""The state of the segment explorer: plain values and the actions on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import parse_qs, urlencode

from dmp.ui.drawings import PAGE_ROWS
from dmp.ui.guard import Problem, problem_of
from dmp.ui.source import (
    DestinationSummary,
    Discussion,
    ExportOutcome,
    FileFormat,
    Intersection,
    Reach,
    SegmentSource,
    SegmentSummary,
    TrendPoint,
    Version,
    Why,
)
from dmp.ui.steps import Pace, Work, at_once

T = TypeVar("T")

EXAMPLES = 50
MOST_COMPARED = 6
PANELS = ("funnel", "conditions", "makeup", "examples", "trend")


@dataclass(frozen=True)
class Loaded(Generic[T]):
    """What a panel shows: a value, a problem, or the wait for either."""

    state: Literal["loading", "ready", "problem"] = "loading"
    value: T | None = None
    problem: Problem | None = None


@dataclass(frozen=True)
class Armed:
    """A send that waits for the viewer's confirmation."""

    segment: str
    destination: str


def loaded(read: Callable[[], T]) -> Loaded[T]:
    """Return what reading gave, as a value or as a problem."""
    try:
        return Loaded("ready", read())
    except Exception as error:
        return Loaded("problem", problem=problem_of(error))


class ExplorerState:
    """Which segment is looked at, how, and what came of the last action.

    Listeners are called with the name of the part that changed: `segments`,
    `segment`, `attribute`, `page`, `destinations`, `destination`, `export`, `busy`,
    `problem`, `news`, `overlap`, `reach`, `why`, `versions`,
    `discussion`, or a name in `PANELS`.
    A panel changes twice: to loading, then to its value.
    """

    def __init__(self, source: SegmentSource, query: str = "") -> None:
        """Read nothing yet; `query` is the query string to open with.

        A segment's panels are read by `later`: at once, unless a page puts something
        there that goes through them one by one.
        """
        self.source = source
        self.later: Callable[[Work], None] = at_once
        self.segments: Loaded[list[SegmentSummary]] = Loaded()
        self.destinations: Loaded[list[DestinationSummary]] = Loaded()
        self._all_destinations: Loaded[list[DestinationSummary]] = Loaded()
        self.attributes: list[str] = []
        self.segment: str | None = None
        self.attribute: str | None = None
        self.page = 0
        self.destination: str | None = None
        self.armed: Armed | None = None
        self.export: Loaded[ExportOutcome] | None = None
        self.compared: tuple[str, ...] = ()
        self.overlap: Loaded[list[Intersection]] | None = None
        self.reach: Loaded[list[Reach]] | None = None
        self.why: Loaded[Why] | None = None
        self.versions: Loaded[list[Version]] = Loaded()
        self.discussion: Loaded[Discussion] = Loaded()
        self.busy = ""
        self.problem: Problem | None = None
        self.news = ""
        self.panels: dict[str, Loaded[Any]] = {name: Loaded() for name in PANELS}
        self.asked = query
        self.rehearsed = False
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call the listener after every change, with what changed."""
        self._listeners.append(listener)

    @property
    def query(self) -> str:
        """Return the query string that opens this very view."""
        parts = {"segment": self.segment, "by": self.attribute}
        shown = {key: value for key, value in parts.items() if value}
        if self.compared:
            shown["with"] = ",".join(self.compared)
        if self.page:
            shown["page"] = str(self.page + 1)
        return urlencode(shown)

    @property
    def summary(self) -> SegmentSummary | None:
        """Return the selected segment, or None."""
        known = self.segments.value or []
        return next((s for s in known if s.segment == self.segment), None)

    def start(self) -> None:
        """Read the segments and open the view that the query string names."""
        self.segments = loaded(self.source.segments)
        self.attributes = loaded(self.source.attributes).value or []
        self._tell("segments")
        self.visit(self.asked)

    def visit(self, query: str) -> None:
        """Open the view of a query string; what it does not name is the default."""
        named = {key: values[0] for key, values in parse_qs(query.lstrip("?")).items()}
        known = [s.segment for s in self.segments.value or []]
        first = next(
            (s.segment for s in self.segments.value or [] if not s.archived), ""
        )
        wanted, page = named.get("segment"), named.get("page", "1")
        if not known:
            return self.later(self._read_destinations())
        if wanted and wanted not in known:
            text = f"There is no segment {wanted!r} any more; the first one is shown."
            self.tell(Problem("missing", text))
        self._set_attribute(named.get("by"))
        self._open(
            wanted if wanted in known and wanted else first or known[0],
            page=int(page) - 1 if page.isdecimal() else 0,
            others=named["with"].split(",") if named.get("with") else [],
        )

    def choose(self, segment: str) -> None:
        """Select a segment and read all its panels."""
        self._open(segment)

    def _open(self, segment: str, *, page: int = 0, others: Sequence[str] = ()) -> None:
        self.segment, self.page = segment, max(0, page)
        self.armed = self.export = self.overlap = self.reach = self.why = None
        self._set_compared(others)
        self._tell("segment", "page", "export", "overlap", "reach", "why")
        self._offer_destinations()
        for name in PANELS:
            self._set_panel(name, Loaded())
        self.later(self._read(segment))

    def _read(self, segment: str) -> Work:
        """Read a segment's panels, those that are stored before those to evaluate."""
        for name in ("funnel", "conditions"):
            self._read_panel(name)
            yield Pace.SOON
        self._discuss(segment)
        yield Pace.SOON
        self.versions = loaded(lambda: self.source.versions(segment))
        self._tell("versions")
        yield Pace.SOON
        yield from self._read_destinations()
        yield Pace.ONCE_SHOWN
        if self.panels["makeup"].state == "loading":
            self._read_makeup(segment)
            yield Pace.SOON
        self._read_panel("examples")
        self.turn_to(self.page)
        yield Pace.SOON
        if self.overlap and self.overlap.state == "loading":
            self._compare()
            yield Pace.SOON
        yield from self._read_trend(segment)

    def _read_trend(self, segment: str) -> Work:
        points: list[TrendPoint] = []
        try:
            for point in self.source.trend(segment):
                points.append(point)
                yield Pace.SOON
        except Exception as error:
            self._set_panel("trend", Loaded("problem", problem=problem_of(error)))
        else:
            self._set_panel("trend", Loaded("ready", points))

    def compare_by(self, attribute: str) -> None:
        """Show the make-up by another attribute."""
        self._set_attribute(attribute)
        self._set_panel("makeup", Loaded())
        self._read_panel("makeup")

    def turn_to(self, page: int) -> None:
        """Show a page of the examples, the nearest that exists; the first is 0."""
        table = self.panels["examples"].value
        rows = len(table.rows) if table else 0
        self.page = max(0, min(page, (rows - 1) // PAGE_ROWS))
        self._tell("page")

    def overlap_with(self, others: Sequence[str]) -> None:
        """Show the overlap with other segments, five at most; none takes it away."""
        self._set_compared(others)
        self._tell("overlap")
        if self.overlap:
            self._compare()

    def _set_compared(self, others: Sequence[str]) -> None:
        known = [one.segment for one in self.segments.value or []]
        fitting = [one for one in known if one in others and one != self.segment]
        self.compared = tuple(fitting[: MOST_COMPARED - 1])
        self.overlap = Loaded() if self.compared and self.segment else None

    def _compare(self) -> None:
        asked = [str(self.segment), *self.compared]
        self.overlap = loaded(lambda: self.source.overlap(asked))
        self._tell("overlap")

    def count_reach(self) -> None:
        """Count how many people each destination could get now."""
        segment = self.segment
        if segment is None:
            return
        self.reach = Loaded()
        self._tell("reach")
        self.reach = loaded(lambda: self.source.reach(segment))
        self._tell("reach")

    def ask_why(self, profile_id: str) -> None:
        """Show which conditions hold for one person; an empty id takes it away."""
        segment = self.segment
        self.why = None
        if segment and profile_id.strip():
            self.why = loaded(lambda: self.source.why(segment, profile_id.strip()))
        self._tell("why")

    def comment(self, text: str) -> None:
        """Keep a comment on the selected segment."""
        self._act(lambda segment: self.source.comment(segment, text), "")

    def approve(self) -> None:
        """Approve the selected segment as it is now."""
        self._act(self.source.approve, "Approved as it is now.")

    def archive(self, *, archived: bool) -> None:
        """Put the selected segment out of use, or bring it back."""
        news = (
            "Archived: it is neither built nor sent." if archived else "In use again."
        )
        self._act(lambda s: self.source.archive(s, archived=archived), news)
        self.segments = loaded(self.source.segments)
        self._tell("segments", "discussion")

    def _act(self, act: Callable[[str], None], news: str) -> None:
        segment = self.segment
        if segment is None:
            return
        done = loaded(lambda: act(segment))
        if done.problem:
            return self.tell(done.problem)
        if news:
            self.news = news
            self._tell("news")
        self._discuss(segment)

    def _discuss(self, segment: str) -> None:
        self.discussion = loaded(lambda: self.source.discussion(segment))
        self._tell("discussion")

    def choose_destination(self, destination: str | None) -> None:
        """Select where to send; nothing is sent."""
        self.destination, self.armed, self.export = destination, None, None
        self._tell("destination", "export")

    def ask_to_send(self) -> None:
        """Prepare a send; it happens only when `send` follows."""
        if self.segment and self.destination:
            self.armed = Armed(self.segment, self.destination)
            self._tell("export")

    def cancel(self) -> None:
        """Forget the prepared send."""
        self.armed = None
        self._tell("export")

    def send(self) -> None:
        """Send what was prepared; without preparation nothing happens."""
        armed, self.armed = self.armed, None
        if armed:
            self._export(armed, dry_run=False)

    def rehearse(self) -> None:
        """Run the send dry: say what would be sent."""
        if self.segment and self.destination:
            self._export(Armed(self.segment, self.destination), dry_run=True)

    def download(self, file_format: FileFormat) -> tuple[str, bytes] | None:
        """Return the segment's file; None, with `problem` set, when it failed."""
        if not self.segment:
            return None
        segment = self.segment
        self._set_busy("Preparing the file…")
        file = loaded(lambda: self.source.download(segment, file_format))
        self._set_busy("")
        if file.problem:
            self.tell(file.problem)
        elif file.value:
            self.news = f"{file.value[0]} is with your browser."
            self._tell("news")
        return file.value

    def tell(self, problem: Problem | None) -> None:
        """Show a problem to the viewer; None takes it away."""
        self.problem = problem
        self._tell("problem")

    def _export(self, armed: Armed, *, dry_run: bool) -> None:
        self.export, self.rehearsed = Loaded(), dry_run
        self._tell("export")
        self.export = loaded(
            lambda: self.source.export(
                armed.segment, armed.destination, dry_run=dry_run
            )
        )
        self._tell("export")
        if not dry_run:
            self._read_panel("funnel")

    def _read_destinations(self) -> Work:
        if self._all_destinations.state == "loading":
            self._all_destinations = loaded(self.source.destinations)
            self._offer_destinations()
            yield Pace.SOON

    def _offer_destinations(self) -> None:
        """Offer the destinations of the segment's purpose; the first is chosen."""
        purpose = self.summary.purpose if self.summary else ""
        known = self._all_destinations.value
        fitting = [d for d in known or [] if d.purpose == purpose]
        self.destinations = replace(
            self._all_destinations, value=None if known is None else fitting
        )
        self.destination = fitting[0].name if fitting else None
        self._tell("destinations", "destination")

    def _read_panel(self, name: str) -> None:
        segment = self.segment
        if segment is None:
            return
        reads: dict[str, Callable[[], Any]] = {
            "funnel": lambda: self.source.funnel(segment),
            "conditions": lambda: self.source.conditions(segment),
            "makeup": lambda: self.source.makeup(segment, self.attribute or ""),
            "examples": lambda: self.source.examples(segment, EXAMPLES),
        }
        if name == "makeup" and not self.attribute:
            self._set_panel(name, Loaded("ready", []))
        else:
            self._set_panel(name, loaded(reads[name]))

    def _read_makeup(self, segment: str) -> None:
        """Read it by the attribute that tells most, unless the viewer chose one."""
        found = None
        if self.attribute is None:
            found = loaded(lambda: self.source.telling(segment)).value
            first = next(iter(self.attributes), None)
            self._set_attribute(found[0] if found else first)
        if found:
            self._set_panel("makeup", Loaded("ready", found[1]))
        else:
            self._read_panel("makeup")

    def _set_attribute(self, wanted: str | None) -> None:
        self.attribute = wanted if wanted in self.attributes else None
        self._tell("attribute")

    def _set_panel(self, name: str, content: Loaded[Any]) -> None:
        self.panels[name] = content
        self._tell(name)

    def _set_busy(self, text: str) -> None:
        self.busy = text
        self._tell("busy")

    def _tell(self, *changes: str) -> None:
        for change in changes:
            for listener in self._listeners:
                listener(change)
