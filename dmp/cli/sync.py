"""The command that sends segments to destinations: sync."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from dmp.cli.bars import bar, progress_option
from dmp.cli.context import (
    OUT,
    Context,
    as_of_option,
    json_option,
    show_json,
    show_table,
)

if TYPE_CHECKING:
    from dmp.activation.plan import Outcome


@click.command()
@click.argument("destinations", nargs=-1)
@click.option(
    "--segment", "segments", multiple=True, help="Only this one; may be repeated."
)
@as_of_option
@click.option("--dry-run", is_flag=True, help="Say what would change; send nothing.")
@click.option("--force", is_flag=True, help="Go on where very much would change.")
@progress_option
@json_option
@click.pass_obj
def sync(
    context: Context,
    destinations: tuple[str, ...],
    segments: tuple[str, ...],
    as_of: datetime,
    dry_run: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Send segments to DESTINATIONS, or to all, as far as consent goes."""
    from dmp.flows.activate import sync_segments

    with context.workspace() as workspace, bar("sync") as tell:
        outcomes = sync_segments(
            workspace,
            destinations,
            segments,
            as_of=as_of,
            dry_run=dry_run,
            force=force,
            progress=tell,
        )
    if as_json:
        show_json(outcomes)
    else:
        _show_outcomes(outcomes)


def _show_outcomes(outcomes: list[Outcome]) -> None:
    columns = ["destination", "segment", "", "members", "consented", "addressable"]
    attributes = [c or "status" for c in columns] + ["added", "removed", "kept"]
    rows = [[getattr(outcome, name) for name in attributes] for outcome in outcomes]
    show_table("", [*columns, "add", "remove", "keep"], rows)
    for outcome in outcomes:
        if outcome.reason:
            OUT.print(f"{outcome.segment} → {outcome.destination}: {outcome.reason}")
