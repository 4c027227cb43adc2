"""Commands about the audit log."""

from __future__ import annotations

import click

from dmp.cli.context import OUT, Context, json_option, show_json


@click.group()
def audit() -> None:
    """Look after the audit log."""


@audit.command()
@json_option
@click.pass_obj
def verify(context: Context, as_json: bool) -> None:
    """Prove that no audit record was edited, added, removed, moved or cut off.

    Says for each fault its kind and place. Exit code 1 where the log is not whole.

    \b
    Example:
      dmp audit verify --json
    """  # noqa: D301
    from dmp.privacy import Permission

    with context.workspace() as workspace:
        workspace.allow(Permission.AUDIT_VERIFY)
        report = workspace.audit.verify()
    if as_json:
        show_json(report)
    elif report.ok:
        OUT.print(
            f"[green]✓[/] {report.records} records, {report.heads} signed heads: whole"
        )
    else:
        for fault in report.faults:
            OUT.print(f"[red]✗ {fault.kind}[/] {fault.place}: {fault.what}")
    if not report.ok:
        raise click.exceptions.Exit(1)
