"""Commands about data on its way in: ingest, train, resolve, maintain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dmp.cli.context import OUT, Context, json_option, progress, show_json, show_table

if TYPE_CHECKING:
    from dmp.ingest.load import LoadReport


@click.command()
@click.argument("source")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option("--replay", is_flag=True, help="Try the refused rows again.")
@json_option
@click.pass_obj
def ingest(
    context: Context,
    source: str,
    files: tuple[Path, ...],
    dry_run: bool,
    replay: bool,
    as_json: bool,
) -> None:
    """Load FILES of SOURCE; without files, those its contract names.

    A file that was loaded before is known by its content and skipped. Refused rows are
    kept, encrypted: mend the contract, then --replay.
    """
    from dmp.flows import ingest as flow

    if dry_run and replay:
        raise click.UsageError("--dry-run and --replay do not go together")
    with context.workspace() as workspace, progress() as bars:
        task = bars.add_task(f"ingest {source}", total=None)
        if replay:
            reports = flow.replay_refused(workspace, source)
        elif dry_run:
            reports = flow.preview(workspace, source, files)
        else:
            reports = flow.ingest(
                workspace,
                source,
                files,
                progress=lambda done, total, name: bars.update(
                    task, completed=done, total=total
                ),
            )
    if as_json:
        show_json(reports)
    else:
        _show_loads(reports, dry_run=dry_run)


def _show_loads(reports: list[LoadReport], *, dry_run: bool) -> None:
    if not reports:
        OUT.print("no refused rows wait")
        return
    rows = [_load_row(r, dry_run=dry_run) for r in reports]
    columns = ["file", "", "rows", "new", "repeated", "refused"]
    show_table(reports[0].source, columns, rows)
    undeclared = sorted({name for r in reports for name in r.fields_undeclared})
    if undeclared:
        OUT.print(f"not declared, not stored: {', '.join(undeclared)}", markup=False)
    for report in reports:
        for fault in report.faults[:3]:
            OUT.print(f"  {fault}", style="yellow", markup=False, soft_wrap=True)
        if len(report.faults) > 3:
            OUT.print(f"  … more in raw.refused where load_id = '{report.load_id}'")


def _load_row(report: LoadReport, *, dry_run: bool) -> list[object]:
    return [
        report.file_name,
        "loaded" if report.is_new else "would load" if dry_run else "known",
        report.rows_read,
        report.rows_accepted,
        report.rows_unchanged,
        report.rows_refused,
    ]


@click.command()
@json_option
@click.pass_obj
def train(context: Context, as_json: bool) -> None:
    """Train the linkage model on all records and make it the current one."""
    from dmp.flows.resolve import train_linkage

    with context.workspace() as workspace:
        training = train_linkage(workspace)
    if as_json:
        show_json({"model": training.model.name, "is_new": training.is_new})
        return
    state = "trained" if training.is_new else "unchanged"
    OUT.print(f"model [bold]{training.model.name}[/] {state}")
    rows = [
        [row["comparison"], row["level"], row["m"], row["u"], row["match_weight"]]
        for row in training.model.levels
    ]
    show_table("", ["comparison", "level", "m", "u", "bits"], rows)


@click.command()
@json_option
@click.pass_obj
def resolve(context: Context, as_json: bool) -> None:
    """Resolve records, accounts and devices into lasting profiles."""
    from dmp.flows.resolve import resolve_people

    with context.workspace() as workspace:
        resolution, built = resolve_people(workspace)
    if as_json:
        show_json({"resolution": resolution, "profiles": built})
        return
    if not resolution.is_new and not built.changed:
        OUT.print("nothing had changed since the last run; every id is as it was")
    OUT.print(
        f"[bold]{resolution.profiles:,}[/] people from "
        f"{resolution.subjects:,} subjects · {resolution.founded:,} new ids, "
        f"{resolution.merged:,} merged, {resolution.revived:,} revived · "
        f"model {resolution.model}"
    )
    OUT.print(f"{built.changed:,} profiles changed, {built.ended:,} ended")
    if resolution.blocked_values:
        OUT.print(
            f"{resolution.blocked_values:,} values on too many people were left out"
        )


@click.command()
@click.option(
    "--keep-days",
    type=click.IntRange(min=0),
    default=7,
    show_default=True,
    help="Snapshots younger than this stay, for undo.",
)
@json_option
@click.pass_obj
def maintain(context: Context, keep_days: int, as_json: bool) -> None:
    """Compact files, expire old snapshots and destroy outdated refused bodies."""
    from dmp.flows.maintain import maintain as tidy

    with context.workspace() as workspace:
        done = tidy(workspace, keep_days=keep_days)
    if as_json:
        show_json(done)
    else:
        OUT.print(
            f"files {done.files_before:,} → {done.files_after:,} · snapshots expired "
            f"{done.snapshots_expired:,} · bodies destroyed {done.bodies_destroyed:,}"
        )
