"""The summary that a whole run ends with."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.panel import Panel

from dmp.cli.context import OUT, local, show_table
from dmp.core.clock import instant

if TYPE_CHECKING:
    from dmp.flows.demo import FunnelRow, Summary


def show_summary(summary: Summary, zone: str) -> None:
    """Print what a whole run came to, for people."""
    at = local(instant(summary.as_of), zone)
    state = "done" if summary.changed else "nothing had changed, nothing was written"
    OUT.print()
    OUT.print(
        Panel.fit(
            f"[bold]{state}[/]\nas of {at} · snapshot {summary.snapshot}",
            title="dmp demo",
        )
    )
    rows = [
        [s.source, s.rows_read, s.rows_accepted, s.rows_unchanged, s.rows_refused]
        for s in summary.sources
    ]
    columns = ["source", "rows", "new", "repeated", "refused"]
    show_table("Rows in", columns, rows)
    _people(summary)
    _funnels(summary)
    files = [
        [f["destination"], f["name"], f["rows"], f["sha256"][:12]]
        for f in summary.files
    ]
    show_table("Files written", ["destination", "file", "rows", "sha-256"], files)
    verdict = "[green]verified[/]" if summary.audit_ok else "[bold red]BROKEN[/]"
    OUT.print(f"\n[bold]Audit[/] {summary.audit_records} records, {verdict}")
    seconds = " · ".join(f"{name} {s:.1f}" for name, s in summary.seconds.items())
    OUT.print(
        f"[bold]Seconds[/] {seconds} · in all {sum(summary.seconds.values()):.1f}"
    )
    OUT.print(
        f"\nOpen the pages:  [bold]{escape(_again(summary.home))}[/]", soft_wrap=True
    )


def _again(home: str) -> str:
    """Return the command that opens the pages, as this one was called."""
    called = sys.argv[0]
    program = "dmp" if shutil.which("dmp") == called else os.path.relpath(called)
    if Path(home) == Path.cwd():
        return f"{program} dashboards"
    return f"{program} --home {shlex.quote(home)} dashboards"


def _people(summary: Summary) -> None:
    found, scores = summary.found, summary.found.scores
    low, high = scores.interval
    OUT.print(
        f"\n[bold]People[/] {found.people:,} found of {found.true_people:,} true ones, "
        f"from {found.subjects:,} records, accounts and devices\n"
        f"  precision {scores.precision:.3f} · recall {scores.recall:.3f} · "
        f"F1 [bold]{scores.f1:.3f}[/] (95 % interval {low:.3f}-{high:.3f}, pairwise)\n"
        f"  {found.anonymous:,} devices on which nobody ever logged in stand alone\n"
    )


def _funnels(summary: Summary) -> None:
    columns = ["segment", "members", "consented", "after_exclusions", "addressable"]
    rows = [
        [funnel.destination, *(getattr(funnel, c) for c in columns), funnel.exported]
        for funnel in summary.funnels
    ]
    headings = ["destination", *(c.replace("_", " ") for c in columns), "exported"]
    show_table("Segments", headings, rows)
    for funnel in summary.funnels:
        if line := _losses(funnel):
            OUT.print(
                f"  [dim]{funnel.segment} → {funnel.destination}: {line}[/]",
                soft_wrap=True,
            )
    OUT.print()


def _losses(funnel: FunnelRow) -> str:
    return " · ".join(f"-{people:,} {reason}" for _, reason, people in funnel.losses)
