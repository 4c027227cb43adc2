"""Commands about segments and where they go: segment …, sync."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from dmp.cli.context import (
    OUT,
    Context,
    as_of_option,
    json_option,
    show_json,
    show_table,
)

if TYPE_CHECKING:
    from dmp.activation.sync import Outcome


@click.group()
def segment() -> None:
    """Validate, count, look into and build the segments of config/segments."""


@segment.command()
@json_option
@click.pass_obj
def validate(context: Context, as_json: bool) -> None:
    """Check every saved segment; all faults at once, each with its path."""
    from dmp.flows.segments import validate_segments

    with context.workspace() as workspace:
        names = validate_segments(workspace)
    if as_json:
        show_json(names)
    else:
        OUT.print(f"{len(names)} segments are valid: {', '.join(names)}")


@segment.command()
@click.argument("name")
@as_of_option
@json_option
@click.pass_obj
def count(context: Context, name: str, as_of: datetime, as_json: bool) -> None:
    """Count the people of segment NAME, and those each condition alone admits."""
    from dmp.flows.segments import count_segment

    with context.workspace() as workspace:
        found = count_segment(workspace, name, as_of)
    if as_json:
        show_json(found)
        return
    OUT.print(f"[bold]{found.members:,}[/] of {found.people:,} people are in {name}")
    OUT.print(
        f"{found.consented:,} of them have consented to {found.purpose or 'nothing'}"
    )
    show_table(
        "each condition alone",
        ["condition", "people"],
        [list(c) for c in found.conditions],
    )
    OUT.print(f"as of {found.as_of.isoformat()}, snapshot {found.snapshot}")


@segment.command()
@click.argument("name")
@as_of_option
@json_option
@click.pass_obj
def members(context: Context, name: str, as_of: datetime, as_json: bool) -> None:
    """Print the profile_ids of segment NAME, one a line, sorted."""
    from dmp.flows.segments import segment_members

    with context.workspace() as workspace:
        found = segment_members(workspace, name, as_of)
    if as_json:
        show_json(found)
    else:
        for profile_id in found:
            click.echo(profile_id)


@segment.command()
@click.argument("name")
@as_of_option
@click.option(
    "--limit",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    help="How many members to show.",
)
@json_option
@click.pass_obj
def preview(
    context: Context, name: str, as_of: datetime, limit: int, as_json: bool
) -> None:
    """Show example members of segment NAME with their attributes."""
    from dmp.flows.segments import preview_segment

    with context.workspace() as workspace:
        rows = preview_segment(workspace, name, as_of, limit=limit)
    if as_json or not rows:
        show_json(rows)
        return
    columns = ["profile_id", "sources", "order_count", "order_total", "last_event_at"]
    shown = [c for c in columns if c in rows[0]]
    show_table(name, shown, [[_text(row[c]) for c in shown] for row in rows])


def _text(value: object) -> object:
    return (
        ", ".join(value) if isinstance(value, list) else "" if value is None else value
    )


@segment.command()
@click.argument("names", nargs=-1)
@as_of_option
@json_option
@click.pass_obj
def build(
    context: Context, names: tuple[str, ...], as_of: datetime, as_json: bool
) -> None:
    """Evaluate and store segments NAMES, or all, with who entered and left."""
    from dmp.flows.segments import build_segments

    with context.workspace() as workspace:
        built = build_segments(workspace, names, as_of=as_of)
    if as_json:
        show_json(built)
        return
    rows = [
        [b.segment, "built" if b.is_new else "unchanged", b.members, b.consented]
        for b in built
    ]
    show_table("", ["segment", "", "members", "consented"], rows)


@click.command()
@click.argument("destinations", nargs=-1)
@click.option(
    "--segment", "segments", multiple=True, help="Only this one; may be repeated."
)
@as_of_option
@click.option("--dry-run", is_flag=True, help="Say what would change; send nothing.")
@click.option("--force", is_flag=True, help="Go on where very much would change.")
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

    with context.workspace() as workspace:
        outcomes = sync_segments(
            workspace, destinations, segments, as_of=as_of, dry_run=dry_run, force=force
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
