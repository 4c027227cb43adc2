"""The table of commands, from which help, completion and docs/commands.md come."""

from __future__ import annotations

import logging
import signal
import sqlite3
import sys
from pathlib import Path
from types import FrameType

import click

import dmp
from dmp.cli import (
    api,
    approval,
    audit,
    backup,
    data,
    doctor,
    identity,
    keys,
    link,
    pages,
    quality,
    report,
    run,
    schedule,
    segments,
    sources,
    sync,
    workspace,
)
from dmp.cli.context import Context
from dmp.cli.interruption import (
    EXIT_CODE,
    TERMINATED_CODE,
    interruptible,
    leave,
)
from dmp.core.errors import DMPError, UsageError
from dmp.core.ground import ground_words

EPILOG = """
Exit codes: 0 done, 1 failed, 2 wrong use, 75 another run holds the workspace,
124 the run took too long, 130 interrupted.

Shell completion: eval "$(_DMP_COMPLETE=bash_source dmp)", or zsh_source, fish_source.
"""


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(dmp.__version__, prog_name="dmp")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="DMP_HOME",
    help="The workspace folder; default DMP_HOME, else the current folder.",
)
@click.option("-v", "--verbose", is_flag=True, help="Log what is done, to stderr.")
@click.pass_context
def cli(context: click.Context, home: Path | None, verbose: bool) -> None:
    """Bring in data about people, resolve it into lasting profiles, build segments
    by rules, and send them on with consent.

    A first look: dmp init ws && cd ws && dmp demo
    """  # noqa: D205
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    context.obj = Context(home)


for command in (
    workspace.init,
    workspace.demo,
    workspace.generate,
    sources.source,
    data.ingest,
    run.run,
    run.runs,
    run.jobs,
    schedule.schedule,
    data.train,
    data.resolve,
    identity.identity,
    link.link,
    segments.segment,
    sync.sync,
    report.report,
    pages.dashboards,
    pages.lab,
    api.api,
    workspace.status,
    doctor.doctor,
    quality.quality,
    data.maintain,
    backup.backup,
    backup.restore,
    keys.keys,
    audit.audit,
):
    cli.add_command(command)
for command in approval.COMMANDS:
    segments.segment.add_command(command)


def main() -> None:
    """Run the command line; errors of ours are told in words, without a traceback."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        with interruptible():
            code = cli.main(standalone_mode=False)  # of an Exit, which click takes
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except DMPError as error:
        click.secho(f"Error: {error}", fg="red", err=True)
        sys.exit(exit_code(error))
    except (OSError, sqlite3.Error) as error:
        if not (words := ground_words(error)):
            raise
        place = getattr(error, "filename", None) or "the workspace"
        click.secho(f"Error: {place}: {words}", fg="red", err=True)
        sys.exit(1)
    except SystemExit as end:
        if end.code in (EXIT_CODE, TERMINATED_CODE):
            leave(int(end.code))
        raise
    sys.exit(code)


def _terminated(number: int, frame: FrameType | None) -> None:
    """Unwind as Ctrl-C does, so that a run is recorded and its kernel ended."""
    sys.exit(TERMINATED_CODE)


def exit_code(error: DMPError) -> int:
    """Return the exit code that an error stands for."""
    from dmp.jobs.runner import RunTimedOut, WorkspaceBusy

    if isinstance(error, UsageError):
        return 2
    if isinstance(error, WorkspaceBusy):
        return 75
    return 124 if isinstance(error, RunTimedOut) else 1
