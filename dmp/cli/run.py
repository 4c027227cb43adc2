"""Commands about notebooks as jobs: run, runs."""

from __future__ import annotations

import click

from dmp.cli.bars import bar, progress_option
from dmp.cli.context import OUT, Context, json_option, show_json, show_table


@click.command()
@click.argument("notebook")
@click.option(
    "-p", "parameters", multiple=True, metavar="NAME=VALUE", help="May be repeated."
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=3600.0,
    show_default=True,
    help="Seconds for the whole run.",
)
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
    force: bool,
    show_parameters: bool,
    as_json: bool,
) -> None:
    """Run NOTEBOOK with parameters, record it, and keep the executed copy.

    A run that succeeded with the same notebook, parameters and input is not repeated.
    """
    from dmp.jobs.parameters import read_parameters
    from dmp.jobs.runner import find_notebook, run_notebook
    from dmp.privacy import Permission

    given = dict(_split(part) for part in parameters)
    with context.workspace() as workspace, bar(notebook) as tell:
        if show_parameters:
            workspace.allow(Permission.RUN_NOTEBOOK)
            known = read_parameters(find_notebook(workspace, notebook))
            rows = [[p.name, p.type, repr(p.default), p.help] for p in known]
            show_table(notebook, ["name", "type", "default", ""], rows)
            return
        record, is_new = run_notebook(
            workspace,
            notebook,
            given,
            timeout_s=timeout,
            force=force,
            progress=tell,
        )
        folder = workspace.paths.runs / record.run_id
    if as_json:
        show_json(record)
    elif is_new:
        OUT.print(f"{record.notebook} done in {record.seconds:.1f} s")
        OUT.print(
            f"executed copy: {folder / record.executed}", markup=False, soft_wrap=True
        )
    else:
        OUT.print(
            f"nothing changed since {record.run_id}; --force runs it all the same"
        )


@click.command()
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many runs to list, the newest first.",
)
@json_option
@click.pass_obj
def runs(context: Context, limit: int, as_json: bool) -> None:
    """List the latest runs: what ran, how long, how it ended."""
    from dmp.jobs.records import read_records
    from dmp.privacy import Permission

    with context.workspace() as workspace:
        workspace.allow(Permission.STATUS)
        found = read_records(workspace.paths.runs)[:limit]
    if as_json:
        show_json(found)
    elif not found:
        OUT.print("no run yet: dmp run 00_quickstart")
    else:
        rows = [[r.run_id, r.status, r.seconds, len(r.commits), r.error] for r in found]
        show_table("", ["run", "status", "seconds", "commits", "error"], rows)


def _split(part: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not equals:
        raise click.BadParameter(f"{part!r} is not NAME=VALUE", param_hint="-p")
    return name, value
