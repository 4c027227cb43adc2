"""Commands about the workspace: init, demo, generate, status."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from dmp.cli.context import (
    OUT,
    Context,
    json_option,
    local,
    progress,
    show_json,
    show_table,
)
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
def init(folder: Path) -> None:
    """Make FOLDER a workspace, with configuration, notebooks, pages and keys."""
    from dmp.flows.initialise import initialise

    made = initialise(folder)
    OUT.print(f"[bold green]✓[/] {escape(str(made.home))} is a workspace")
    OUT.print(f"  roles: you hold {', '.join(made.roles)}: one person alone here.")
    OUT.print("  Name people in config/roles.yaml as soon as there are two.")
    OUT.print(f"  keys: {escape(str(made.key_folder))}", soft_wrap=True)
    OUT.print("  [yellow]Copy that folder to a safe place: without it nobody, not even")
    OUT.print("  [yellow]you, can read the names and addresses kept in this workspace.")
    OUT.print(f"  next: cd {escape(str(folder))} && dmp demo")


@click.command()
@people_option
@seed_option
@click.option(
    "--force", is_flag=True, help="Run the notebooks even if nothing changed."
)
@json_option
@click.pass_obj
def demo(context: Context, people: int, seed: int, force: bool, as_json: bool) -> None:
    """Run the whole job on synthetic people: ingest, resolve, segment, export."""
    from dmp.flows.initialise import initialise
    from dmp.jobs.demo import run_demo

    if (context.home or Path()).joinpath("config", "dmp.yaml").exists():
        initialise(context.home or Path())
    with context.workspace() as workspace, progress() as bars:
        tasks: dict[str, object] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)  # type: ignore[arg-type]

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
    as_json: bool,
) -> None:
    """Make synthetic people in five sources, with the truth beside them.

    The same people and seed give the same bytes. Realism is printed beside its target.
    """
    from dmp.ingest.synthetic import generate as make
    from dmp.privacy import Permission

    chosen = dict(part.partition("=")[::2] for part in formats)
    if out is None:
        with context.workspace() as workspace:
            workspace.allow(Permission.GENERATE)
            out = workspace.paths.data / "landing"
    with progress() as bars:
        task = bars.add_task("generate", total=None)
        report = make(
            out,
            people=people,
            seed=seed,
            sources=sources.split(",") if sources else None,
            formats=chosen or None,
            events=not no_events,
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        )
    if as_json:
        show_json(report.to_dict())
    else:
        for line in report.lines():
            click.echo(line)
        click.echo(f"written to {out}")


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
        OUT.print(
            f"{found.refused_open:,} refused rows wait: dmp ingest SOURCE --replay"
        )
    OUT.print(
        f"model {found.model or 'none'} · commit lock {found.commit_lock} · "
        f"run lock {found.run_lock}"
    )
    OUT.print(
        f"you are {', '.join(found.roles) or 'nobody here: see config/roles.yaml'}"
    )
    OUT.print("[bold]Fences[/]")
    for fence in found.fences:
        OUT.print(f"  · {fence}")
