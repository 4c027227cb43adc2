"""What a dry run of a load found, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dmp.cli.context import OUT, show_table

if TYPE_CHECKING:
    from dmp.ingest.dry_run import DryRun, Mapped

_SHOWN_REASONS = 20


def show_dry_runs(tried: Sequence[DryRun]) -> None:
    """Print counts by file, the mapping of the first, and why rows are refused."""
    show_table(
        f"{tried[0].report.source}: a dry run, nothing was written",
        ["file", "", "rows", "new", "repeated", "refused"],
        [_counts(one) for one in tried],
    )
    if not all(one.is_whole for one in tried):
        OUT.print("the first rows alone; --rows 0 looks at all", style="dim")
    _show_mapping(tried[0].mapping)
    for one in tried:
        _show_refusals(one)


def _counts(tried: DryRun) -> list[object]:
    report = tried.report
    return [
        report.file_name,
        "is loaded already" if tried.is_known else "would load",
        report.rows_read,
        report.rows_accepted,
        report.rows_unchanged,
        report.rows_refused,
    ]


def _show_mapping(mapping: Sequence[Mapped]) -> None:
    rows = [
        [
            m.place,
            m.target or "not declared, not stored",
            m.type,
            m.class_,
            f"{m.filled:,}",
            m.found + " (!)" * m.is_exposed,
        ]
        for m in mapping
    ]
    columns = ["field", "becomes", "type", "class", "filled", "looks like"]
    OUT.print()
    show_table("Mapping", columns, rows)
    if any(m.is_exposed for m in mapping):
        OUT.print(
            "(!) looks more personal than it is declared: write class: direct, or "
            "leave it out",
            style="yellow",
        )


def _show_refusals(tried: DryRun) -> None:
    if not tried.refusals:
        return
    OUT.print()
    rows = [
        [r.rows, r.action, r.field or "row", r.reason, r.right]
        for r in tried.refusals[:_SHOWN_REASONS]
    ]
    show_table(
        f"Refused rows and dropped values of {tried.report.file_name}",
        ["rows", "", "field", "reason", "right would be"],
        rows,
    )
