"""Commands about the workspace: init, demo, generate, status."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.markup import escape

from dmp.cli.bars import bar, progress_option, stages
from dmp.cli.context import (
    OUT,
    Context,
    Instant,
    json_option,
    local,
    show_json,
    show_table,
)
from dmp.cli.keys import NOT_BACKED_UP
from dmp.cli.summary import show_summary

people_option = click.option(
    "--people",
    type=click.IntRange(min=100),
    default=10_000,
    show_default=True,
    help="How many synthetic people to make.",
)
seed_option = click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="The same seed and number of people give the same bytes.",
)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--new-id",
    is_flag=True,
    help="Give a workspace that was copied to FOLDER an id and keys of its own.",
)
def init(folder: Path, new_id: bool) -> None:
    """Make FOLDER a workspace, with configuration, notebooks, pages and keys."""
    from dmp.flows.initialise import initialise

    if new_id:
        _give_new_id(folder)
        return
    made = initialise(folder)
    OUT.print(f"[bold green]✓[/] {escape(str(made.home))} is a workspace")
    OUT.print(f"  roles: you hold {', '.join(made.roles)}: one person alone here.")
    OUT.print("  config/roles.yaml says so; name others there once there are two.")
    OUT.print(f"  keys: {escape(str(made.key_folder))}", soft_wrap=True)
    if not made.keys_backed_up:
        OUT.print(f"  [yellow]{NOT_BACKED_UP}", soft_wrap=True)
    OUT.print(f"  next: cd {escape(str(folder))} && dmp demo")


@click.command()
@people_option
@seed_option
@click.option(
    "--force", is_flag=True, help="Run the notebooks even if nothing changed."
)
@progress_option
@json_option
@click.pass_obj
def demo(context: Context, people: int, seed: int, force: bool, as_json: bool) -> None:
    """Run the whole job on synthetic people: ingest, resolve, segment, export."""
    from dmp.flows.initialise import initialise
    from dmp.jobs.demo import allow_demo, run_demo

    with context.workspace() as workspace:
        allow_demo(workspace)
    if (context.home or Path()).joinpath("config", "dmp.yaml").exists():
        initialise(context.home or Path())
    with context.workspace() as workspace, stages() as tell:
        summary = run_demo(
            workspace, people=people, seed=seed, progress=tell, force=force
        )
        zone = workspace.settings.timezone
    if as_json:
        click.echo(summary.to_json())
    else:
        show_summary(summary, zone)


@click.command()
@people_option
@seed_option
@click.option("--out", type=click.Path(path_type=Path), help="Default: data/landing.")
@click.option("--sources", help="Some of web,app,crm,shop,partner; default all.")
@click.option(
    "--format", "formats", multiple=True, help="SOURCE=FORMAT, may be repeated."
)
@click.option("--no-events", is_flag=True, help="People and records alone.")
@click.option(
    "--until",
    type=Instant(),
    help="Everything happens before this day, such as today.  [default: 2026-06-30]",
)
@progress_option
@json_option
@click.pass_obj
def generate(
    context: Context,
    people: int,
    seed: int,
    out: Path | None,
    sources: str | None,
    formats: tuple[str, ...],
    no_events: bool,
    until: datetime | None,
    as_json: bool,
) -> None:
    """Make synthetic people in five sources, with the truth beside them.

    The same people, seed and --until give the same bytes. Realism is printed beside its
    target.
    """
    from dmp.ingest.synthetic import UNTIL
    from dmp.ingest.synthetic import generate as make
    from dmp.privacy import Permission

    chosen = dict(part.partition("=")[::2] for part in formats)
    if out is None:
        with context.workspace() as workspace:
            workspace.allow(Permission.GENERATE)
            out = workspace.paths.data / "landing"
    until = until or UNTIL
    with bar("generate") as tell:
        report = make(
            out,
            people=people,
            seed=seed,
            until=until,
            sources=sources.split(",") if sources else None,
            formats=chosen or None,
            events=not no_events,
            progress=tell,
        )
    if as_json:
        show_json(report.to_dict())
    else:
        for line in report.lines():
            click.echo(line)
        click.echo(f"written to {out}")
        click.echo(
            f"everything happened before {until:%Y-%m-%d}: ask for segments "
            f"--as-of {until:%Y-%m-%d}"
        )


@click.command()
@json_option
@click.pass_obj
def status(context: Context, as_json: bool) -> None:
    """Show what the workspace holds, who holds its locks, and which fences stand."""
    from dmp.flows.status import status as look

    with context.workspace() as workspace:
        found = look(workspace)
        zone = workspace.settings.timezone
    if as_json:
        show_json(found)
        return
    OUT.print(f"[bold]{escape(found.home)}[/]  snapshot {found.snapshot}")
    show_table("", ["", ""], [[name, n] for name, n in found.counts.items()])
    if not found.sources:
        OUT.print("Nothing ingested yet: dmp demo, or dmp ingest SOURCE FILE")
    else:
        rows = [
            [
                s["source"],
                s["loads"],
                s["rows_read"],
                s["rows_refused"],
                local(s["loaded_at"], zone),
            ]
            for s in found.sources
        ]
        show_table("Sources", ["source", "loads", "rows", "refused", "last load"], rows)
    if found.refused_open:
        OUT.print(f"{found.refused_open:,} refused rows wait: dmp ingest --replay")
    OUT.print(
        f"model {found.model or 'none'} · commit lock {found.commit_lock} · "
        f"run lock {found.run_lock}"
    )
    OUT.print(f"[bold]You[/] are {found.actor}: {', '.join(found.roles)}")
    OUT.print(f"  may {', '.join(found.permissions)}", style="dim")
    OUT.print(f"  may read {_tables(found.published)}", style="dim")
    if not found.keys_backed_up:
        OUT.print(f"[yellow]{NOT_BACKED_UP}", soft_wrap=True)
    OUT.print("[bold]Fences[/]")
    for fence in found.fences:
        OUT.print(f"  · {fence}")


def _give_new_id(folder: Path) -> None:
    from dmp.core.config import find_home
    from dmp.flows.copies import give_new_id
    from dmp.flows.workspace import Workspace

    with Workspace(find_home(folder)) as workspace:
        made = give_new_id(workspace)
    OUT.print(f"[green]✓[/] {escape(str(made.home))} has the id {made.id}")
    OUT.print(f"  it was a copy of {made.former_id}; its names are read as before")
    OUT.print(f"  keys: {escape(str(made.key_folder))}", soft_wrap=True)


def _tables(names: tuple[str, ...]) -> str:
    if len(names) <= 6:
        return ", ".join(names) or "no table"
    return f"{len(names)} tables and views; --json lists them"
