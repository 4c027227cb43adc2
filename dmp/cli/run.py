"""Commands about notebooks as jobs: run, runs, jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from dmp.cli.bars import bar, progress_option
from dmp.cli.context import OUT, Context, json_option, local, show_json, show_table

if TYPE_CHECKING:
    from dmp.flows.workspace import Workspace
    from dmp.jobs.records import RunRecord

Command = Callable[..., Any]


def attempt_options(command: Command) -> Command:
    """Add what says how long and how often a notebook is tried."""
    for option in (
        click.option(
            "--retry-wait",
            type=click.FloatRange(min=0),
            default=60.0,
            show_default=True,
            help="Seconds before each further attempt.",
        ),
        click.option(
            "--retries",
            type=click.IntRange(0, 10),
            default=0,
            show_default=True,
            help="Further attempts after one that failed; wrong use is not retried.",
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(min=1),
            default=3600.0,
            show_default=True,
            help="Seconds for the whole run.",
        ),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("notebook")
@click.option(
    "-p", "parameters", multiple=True, metavar="NAME=VALUE", help="May be repeated."
)
@attempt_options
@click.option(
    "--force", is_flag=True, help="Run even if nothing changed since last time."
)
@click.option("--show-parameters", is_flag=True, help="List the parameters and stop.")
@progress_option
@json_option
@click.pass_obj
def run(
    context: Context,
    notebook: str,
    parameters: tuple[str, ...],
    timeout: float,
    retries: int,
    retry_wait: float,
    force: bool,
    show_parameters: bool,
    as_json: bool,
) -> None:
    """Run NOTEBOOK with parameters, record it, and keep the executed copy.

    A run that succeeded with the same notebook, parameters and input is not repeated.
    """
    given = dict(_split(part) for part in parameters)
    with context.workspace() as workspace:
        if show_parameters:
            _show_parameters(workspace, notebook)
            return
        options = {"timeout_s": timeout, "force": force}
        _run(workspace, notebook, given, options, (retries, retry_wait), as_json)


@click.group()
def jobs() -> None:
    """Run notebooks as jobs, and see what became of them."""


@jobs.command("list")
@json_option
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """List the notebooks and tasks: how the last run ended, when the next is due."""
    from dmp.jobs.overview import overview

    with context.workspace() as workspace:
        found = overview(workspace)
        zone = workspace.settings.timezone
    if as_json:
        show_json(found)
        return
    rows = [
        [
            one.name,
            one.status or "never ran",
            local(one.last_at, zone) if one.last_at else "",
            "" if one.seconds is None else f"{one.seconds:.1f}",
            one.job,
            local(one.next_at, zone) if one.next_at else one.when,
        ]
        for one in found
    ]
    columns = ["notebook or task", "last run", "at", "seconds", "job", "next"]
    show_table("", columns, rows)


jobs.add_command(run)


@click.command()
@click.argument("notebook", required=False)
@click.option("--failed", is_flag=True, help="Only those that did not reach their end.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many runs to list, the newest first.",
)
@json_option
@click.pass_obj
def runs(
    context: Context, notebook: str | None, failed: bool, limit: int, as_json: bool
) -> None:
    """List the latest runs, of one NOTEBOOK or of all: how long, how they ended."""
    from dmp.jobs.records import read_records
    from dmp.privacy import Permission

    with context.workspace() as workspace:
        workspace.allow(Permission.STATUS)
        wanted = _stem(workspace, notebook) if notebook else None
        found = [
            one
            for one in read_records(workspace.paths.runs)
            if wanted in (None, one.notebook) and not (failed and one.is_success)
        ][:limit]
    if as_json:
        show_json(found)
    elif not found:
        OUT.print("no run such as this: dmp run 00_quickstart is a first one")
    else:
        rows = [
            [r.run_id, r.status, r.attempt, r.seconds, len(r.commits), r.error]
            for r in found
        ]
        columns = ["run", "status", "attempt", "seconds", "commits", "error"]
        show_table("", columns, rows)


jobs.add_command(runs, "history")


@jobs.command()
@click.argument("run_id", required=False)
@attempt_options
@progress_option
@json_option
@click.pass_obj
def retry(
    context: Context,
    run_id: str | None,
    timeout: float,
    retries: int,
    retry_wait: float,
    as_json: bool,
) -> None:
    """Run again what RUN_ID ran, with its parameters; default the newest that failed.

    It takes up where the failed one stopped: what was committed is not done twice.
    """
    from dmp.jobs.retries import parameters_again, run_to_retry
    from dmp.privacy import Permission

    with context.workspace() as workspace:
        workspace.allow(Permission.RUN_NOTEBOOK)
        before = run_to_retry(workspace, run_id)
        options = {"timeout_s": timeout, "retry_of": before.run_id}
        given = parameters_again(before)
        again = (retries, retry_wait)
        _run(workspace, before.notebook, given, options, again, as_json)


def _run(
    workspace: Workspace,
    notebook: str,
    given: Mapping[str, str],
    options: dict[str, Any],
    again: tuple[int, float],
    as_json: bool,
) -> None:
    from dmp.jobs.retries import with_retries
    from dmp.jobs.runner import run_notebook

    def attempt(number: int) -> tuple[RunRecord, bool]:
        with bar(notebook) as tell:
            return run_notebook(
                workspace, notebook, given, attempt=number, progress=tell, **options
            )

    record, is_new = with_retries(attempt, retries=again[0], wait_s=again[1])
    if as_json:
        show_json(record)
    elif is_new:
        executed = workspace.paths.runs / record.run_id / record.executed
        OUT.print(f"{record.notebook} done in {record.seconds:.1f} s")
        OUT.print(f"executed copy: {executed}", markup=False, soft_wrap=True)
    else:
        OUT.print(
            f"nothing changed since {record.run_id}; --force runs it all the same"
        )


def _show_parameters(workspace: Workspace, notebook: str) -> None:
    from dmp.jobs.parameters import read_parameters
    from dmp.jobs.runner import find_notebook
    from dmp.privacy import Permission

    workspace.allow(Permission.RUN_NOTEBOOK)
    known = read_parameters(find_notebook(workspace, notebook))
    rows = [[p.name, p.type, repr(p.default), p.help] for p in known]
    show_table(notebook, ["name", "type", "default", ""], rows)


def _stem(workspace: Workspace, notebook: str) -> str:
    from dmp.jobs.runner import find_notebook

    return find_notebook(workspace, notebook).stem


def _split(part: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not equals:
        raise click.BadParameter(f"{part!r} is not NAME=VALUE", param_hint="-p")
    return name, value
