"""Commands about data on its way in: ingest, train, resolve, maintain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from dmp.cli.bars import bar, progress_option
from dmp.cli.context import OUT, Context, json_option, show_json, show_table
from dmp.cli.dry_run import show_dry_runs
from dmp.cli.keys import warn_about_keys
from dmp.core.errors import UsageError

if TYPE_CHECKING:
    from dmp.flows.workspace import Workspace
    from dmp.ingest.dry_run import DryRun
    from dmp.ingest.load import LoadReport

T = TypeVar("T")


@click.command()
@click.argument("source", default="")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show the mapping, what is refused and why; write nothing.",
)
@click.option(
    "--rows",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    help="With --dry-run: rows of each file to look at; 0 for all.",
)
@click.option("--replay", is_flag=True, help="Try the refused rows again.")
@progress_option
@json_option
@click.pass_obj
def ingest(
    context: Context,
    source: str,
    files: tuple[Path, ...],
    dry_run: bool,
    rows: int,
    replay: bool,
    as_json: bool,
) -> None:
    """Load FILES of SOURCE; without files those its contract names, without SOURCE all.

    A file that was loaded before is known by its content and skipped. Refused rows are
    kept, encrypted: mend the contract, then --replay. What one source cannot give
    keeps no other from being loaded, and is told at the end.

    A source without a contract yet: dmp source infer FILE
    """
    if dry_run and replay:
        raise click.UsageError("--dry-run and --replay do not go together")
    if replay and files:
        raise click.UsageError(
            "--replay tries the refused rows that are kept, and reads no file: "
            "load FILES first, without it"
        )
    with context.workspace() as workspace:
        if dry_run:
            _show_each(
                *_each(workspace, source, lambda s: _tried(workspace, s, files, rows)),
                show_dry_runs,
                as_json,
            )
            return
        loads, failed = _each(
            workspace, source, lambda s: _load(workspace, s, files, replay)
        )
        if any(load.is_new for some in loads for load in some):
            warn_about_keys(workspace)
    if replay and not any(loads) and not as_json:
        OUT.print("no refused rows wait")
    _show_each(loads, failed, _show_loads, as_json)


def _each(
    workspace: Workspace, source: str, take: Callable[[str], list[T]]
) -> tuple[list[list[T]], list[str]]:
    """Take one source or, where none is named, all; return what failed in words."""
    from dmp.flows.ingest import contracts

    if source:
        return [take(source)], []
    found: list[list[T]] = []
    failed: list[str] = []
    for name in contracts(workspace):
        try:
            found.append(take(name))
        except UsageError as error:
            failed.append(f"{name}: {error}")
    if not found and not failed:
        failed.append(
            "config/sources describes no source yet; draft a contract from a file: "
            "dmp source infer FILE"
        )
    return found, failed


def _show_each(
    found: Sequence[list[T]],
    failed: Sequence[str],
    show: Callable[[Sequence[T]], None],
    as_json: bool,
) -> None:
    """Show what became of each source, and then what of others failed.

    Raises:
        UsageError: something did.
    """
    if as_json:
        show_json([one for some in found for one in some])
    else:
        for some in filter(None, found):
            show(some)
    if failed:
        raise UsageError("\n".join(failed))


def _tried(
    workspace: Workspace, source: str, files: tuple[Path, ...], rows: int
) -> list[DryRun]:
    from dmp.flows.ingest import dry_run

    with bar(f"look at {source}"):
        return dry_run(workspace, source, files, rows=rows or None)


def _load(
    workspace: Workspace, source: str, files: tuple[Path, ...], replay: bool
) -> list[LoadReport]:
    from dmp.flows import ingest as flow

    with bar(f"ingest {source}", "B") as tell:
        if replay:
            return flow.replay_refused(workspace, source)
        return flow.ingest(workspace, source, files, progress=tell)


def _show_loads(reports: Sequence[LoadReport]) -> None:
    columns = ["file", "", "rows", "new", "repeated", "refused"]
    show_table(reports[0].source, columns, [_load_row(r) for r in reports])
    undeclared = sorted({name for r in reports for name in r.fields_undeclared})
    if undeclared:
        OUT.print(f"not declared, not stored: {', '.join(undeclared)}", markup=False)
    for report in reports:
        for fault in report.faults[:3]:
            OUT.print(f"  {fault}", style="yellow", markup=False, soft_wrap=True)
        if len(report.faults) > 3:
            OUT.print(f"  … more in raw.refused where load_id = '{report.load_id}'")


def _load_row(report: LoadReport) -> list[object]:
    return [
        report.file_name,
        "loaded" if report.is_new else "known",
        report.rows_read,
        report.rows_accepted,
        report.rows_unchanged,
        report.rows_refused,
    ]


@click.command()
@progress_option
@json_option
@click.pass_obj
def train(context: Context, as_json: bool) -> None:
    """Train the linkage model on all records and make it the current one."""
    from dmp.flows.resolve import train_linkage

    with context.workspace() as workspace, bar("train") as tell:
        training = train_linkage(workspace, progress=tell)
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
@click.option(
    "--full", is_flag=True, help="Look at everybody, even where nothing changed."
)
@progress_option
@json_option
@click.pass_obj
def resolve(context: Context, full: bool, as_json: bool) -> None:
    """Resolve records, accounts and devices into lasting profiles.

    While config/identity.yaml and the model stay as they are, only what changed since
    the last run and its surroundings are looked at, with the outcome of a full run.
    """
    from dmp.flows.resolve import resolve_people

    with context.workspace() as workspace, bar("resolve") as tell:
        resolution, built = resolve_people(workspace, full=full, progress=tell)
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
    if resolution.is_new:
        what = "everybody" if resolution.is_full else "what changed and is near it"
        OUT.print(
            f"looked at {what}: {resolution.looked_at:,} of "
            f"{resolution.subjects:,} subjects"
        )
    OUT.print(f"{built.changed:,} profiles changed, {built.ended:,} ended")
    if resolution.blocked_values:
        OUT.print(
            f"{resolution.blocked_values:,} values on too many people were left out"
        )
    for type_, edges in sorted(resolution.dropped_edges.items()):
        OUT.print(f"{edges:,} edges dropped: a profile would hold too many {type_}")
    if resolution.refused_joins:
        OUT.print(
            f"{resolution.refused_joins:,} joins refused: a profile would be too large"
        )


@click.command()
@click.option(
    "--keep-days",
    type=click.IntRange(min=0),
    default=7,
    show_default=True,
    help="Snapshots younger than this stay, for undo.",
)
@progress_option
@json_option
@click.pass_obj
def maintain(context: Context, keep_days: int, as_json: bool) -> None:
    """Compact files, expire old snapshots and destroy outdated refused bodies."""
    from dmp.flows.maintain import maintain as tidy

    with context.workspace() as workspace, bar("maintain") as tell:
        done = tidy(workspace, keep_days=keep_days, progress=tell)
    if as_json:
        show_json(done)
    else:
        OUT.print(
            f"files read {done.files_before:,} → {done.files_after:,}, "
            f"{done.files_kept:,} more kept for older snapshots · snapshots expired "
            f"{done.snapshots_expired:,} · bodies destroyed {done.bodies_destroyed:,}"
        )
