"""Commands about data quality: run, history, rows."""

from __future__ import annotations

import sys

import click

from dmp.cli.context import OUT, Context, json_option, local, show_json, show_table


@click.group()
def quality() -> None:
    """Check the data against the bounds of config/quality.yaml."""


@quality.command()
@click.option("--all", "show_all", is_flag=True, help="Show also what passed.")
@json_option
@click.pass_obj
def run(context: Context, show_all: bool, as_json: bool) -> None:
    """Make every check, keep the results, and tell of what begins or ends to fail.

    Exits with 1 while a check fails. Whom to tell: apprise addresses in
    DMP_ALERT_URLS, separated by blanks.
    """
    from dmp.flows.quality import run_quality

    with context.workspace() as workspace:
        done = run_quality(workspace)
    if as_json:
        show_json(done)
    else:
        shown = done.results if show_all else done.failed
        if shown:
            columns = ["check", "scope", "status", "measured", "bound", "at fault"]
            show_table("", columns, [_row(result) for result in shown])
        OUT.print(
            f"{len(done.results):,} checks, {len(done.failed):,} failing · "
            f"told of {len(done.told):,}, nobody to tell of {len(done.untold):,}"
        )
    sys.exit(1 if done.failed else 0)


@quality.command()
@click.argument("check", required=False)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="How many results to list, the newest first.",
)
@json_option
@click.pass_obj
def history(context: Context, check: str | None, limit: int, as_json: bool) -> None:
    """List what was found over time, of one CHECK or of all.

    Counts below minimum_cell are left out, and shares are rounded.
    """
    from dmp.core.errors import UnknownName
    from dmp.privacy import Permission
    from dmp.quality.checks import CHECKS

    names = [one.name for one in CHECKS]
    if check is not None and check not in names:
        raise UnknownName("check", check, names)
    with context.workspace() as workspace:
        workspace.allow(Permission.COUNT)
        found = (
            workspace.sql(
                "select checked_at, check_name, scope, status, measured, unit, bound, "
                "failing from quality where check_name = coalesce($check, check_name) "
                "order by checked_at desc, check_name, scope limit $rows",
                check=check,
                rows=limit,
            )
            .arrow()
            .to_pylist()
        )
        zone = workspace.settings.timezone
    if as_json:
        show_json(found)
    elif not found:
        OUT.print("no check was made yet: dmp quality run")
    else:
        columns = ["at", "check", "scope", "status", "measured", "bound", "at fault"]
        rows = [[local(one["checked_at"], zone), *_cells(one)] for one in found]
        show_table("", columns, rows)


@quality.command()
@click.argument("check")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many rows to show.",
)
@click.pass_obj
def rows(context: Context, check: str, limit: int) -> None:
    """Show the rows at fault of one CHECK, named by pseudonyms."""
    from dmp.flows.quality import failing_rows

    with context.workspace() as workspace:
        found = failing_rows(workspace, check)
        lines = found.fetchall()
    if not lines:
        OUT.print(f"no row is at fault of {check}")
        return
    shown = [["" if v is None else str(v) for v in line] for line in lines[:limit]]
    show_table(f"{len(lines):,} rows", list(found.columns), shown)


def _row(result: object) -> list[str]:
    from dataclasses import asdict

    return _cells(asdict(result))  # type: ignore[call-overload]


def _cells(found: dict[str, object]) -> list[str]:
    unit = str(found["unit"])
    failing = found["failing"]
    return [
        str(found["check_name"]),
        str(found["scope"]),
        str(found["status"]).replace("_", " "),
        _amount(found["measured"], unit),
        _amount(found["bound"], unit),
        "" if failing is None else f"{failing:,}",
    ]


def _amount(value: object, unit: str) -> str:
    from dmp.quality.alerts import amount

    return "" if value is None else amount(float(str(value)), unit)
