"""The start page: how the workspace is, what ran last, what to do next."""

from __future__ import annotations

from typing import Protocol

from dmp.core.cells import Cells
from dmp.flows.checks.finding import Finding, Level
from dmp.flows.overview import MOST_SEGMENTS, Health, Overview, SegmentSize
from dmp.jobs.records import RunRecord
from dmp.ui.drawings import Content, words
from dmp.ui.explorer import Loaded
from dmp.ui.numbers import counted, shown_count
from dmp.ui.views import problem_content

MOST_RUNS = 6
JUMP = 0.25
GRAVE = Level.PROBLEM


class HomeSource(Protocol):
    """Reads the start page for one viewer; the role is checked at each call."""

    def overview(self) -> Overview:
        """Return how the workspace is."""
        ...

    def health(self) -> Health:
        """Return what needs attention; takes a second."""
        ...

    def runs(self) -> list[RunRecord]:
        """Return the runs of notebooks, the newest first."""
        ...


def home(
    overview: Loaded[Overview],
    runs: Loaded[list[RunRecord]],
    health: Loaded[Health],
) -> Content:
    """Return what the start page shows, whatever could be read of it."""
    if overview.state == "loading":
        return {"state": "loading"}
    if overview.problem:
        return problem_content(overview.problem)
    found = overview.value
    assert found is not None
    cells = found.viewer.cells
    return {
        "state": "ready",
        "figures": [
            [words(name), shown_count(n, cells=cells) if n else "0"]
            for name, n in found.counts.items()
        ],
        "next": next_step(found),
        "health": _health(health),
        "attention": _attention(health) + _jumps(found),
        "segments": [
            _segment(one, cells=cells) for one in found.segments[:MOST_SEGMENTS]
        ],
        "more_segments": max(0, len(found.segments) - MOST_SEGMENTS),
        "runs": [run_line(one) for one in (runs.value or [])[:MOST_RUNS]],
        "runs_problem": problem_content(runs.problem) if runs.problem else None,
        "sources": [_source(one) for one in found.sources],
        "resolved_at": _iso(found.last_resolved_at),
        "synced_at": _iso(found.last_sync_at),
    }


def next_step(found: Overview) -> Content | None:
    """Return the one next step of a workspace that is not complete yet, or None."""
    if not found.sources:
        return {
            "title": "Bring in the first data",
            "text": "This workspace is empty. Load your files, or see everything at "
            "work on synthetic people first.",
            "commands": ["dmp demo", "dmp source draft FILE"],
        }
    if not found.counts["people"]:
        return {
            "title": "Find out who is who",
            "text": "Records are here, but no people yet: train the linkage once, then "
            "resolve.",
            "commands": ["dmp train", "dmp resolve"],
        }
    if not found.segments:
        return {
            "title": "Build the first segment",
            "text": "People are here. Say by clicking whom you are looking for.",
            "link": ["Build a segment", "/pages/segment_builder"],
        }
    return None


def run_line(run: RunRecord) -> Content:
    """Return one run of a notebook as a line."""
    return {
        "run": run.run_id,
        "name": words(run.notebook.removesuffix(".ipynb").lstrip("0123456789_")),
        "status": run.status,
        "at": run.started_at,
        "seconds": shown_seconds(run.seconds),
        "error": run.error,
    }


def shown_seconds(seconds: float) -> str:
    """Return a duration as people say it.

    >>> shown_seconds(3.21), shown_seconds(125), shown_seconds(7300)
    ('3.2 s', '2 min 5 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _health(health: Loaded[Health]) -> Content:
    if health.problem:
        return problem_content(health.problem)
    if health.value is None:
        return {"state": "loading"}
    found = health.value
    grave = sum(one.level is GRAVE for one in found.attention)
    minor = len(found.attention) - grave
    level = "problem" if grave else "warning" if minor else "ok"
    parts = [_counted(grave, "problem"), _counted(minor, "warning")]
    text = " and ".join(part for part in parts if part) or "All is well"
    return {
        "state": "ready",
        "level": level,
        "text": text,
        "examined": found.examined,
    }


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}" if n else ""


def _attention(health: Loaded[Health]) -> list[Content]:
    found = health.value.attention if health.value else ()
    return [_finding(one) for one in found]


def _finding(one: Finding) -> Content:
    level = "problem" if one.level is GRAVE else "warning"
    area, _, thing = one.check.partition(": ")
    title = words(area) + (f": {thing}" if thing else "")
    return {"level": level, "title": title, "text": one.text, "mend": one.mend}


def _jumps(found: Overview) -> list[Content]:
    """Return a notice for each segment whose size moved by a quarter or more."""
    cells = found.viewer.cells
    return [
        {
            "level": "warning",
            "title": one.name or one.segment,
            "text": f"The size moved by {_change(one.members, one.before)} since the "
            f"evaluation before: {shown_count(one.members, cells=cells)} members now.",
            "link": f"/pages/segment_explorer?segment={one.segment}",
        }
        for one in found.segments
        if one.before and abs(one.members - one.before) / one.before >= JUMP
    ]


def _change(now: int, before: int | None) -> str:
    return f"{(now - before) / before:+.0%}" if before else ""


def _segment(one: SegmentSize, *, cells: Cells) -> Content:
    moved = _change(one.members, one.before) if cells.exact else ""
    return {
        "segment": one.segment,
        "name": one.name or one.segment,
        "people": shown_count(one.members, cells=cells),
        "change": "" if moved in ("+0%", "-0%") else moved,
        "at": _iso(one.as_of),
    }


def _source(row: dict[str, object]) -> Content:
    refused = int(str(row["rows_refused"]))
    return {
        "source": row["source"],
        "rows": counted(int(str(row["rows_read"]))),
        "refused": f"{counted(refused)} refused" if refused else "",
        "at": _iso(row["loaded_at"]),
    }


def _iso(at: object) -> str:
    return at.isoformat() if hasattr(at, "isoformat") else ""
