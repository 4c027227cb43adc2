"""The command that says what is wrong with a workspace, and what mends it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel

from dmp.cli.context import OUT, Context, json_option, show_json

if TYPE_CHECKING:
    from dmp.flows.checks.finding import Finding
    from dmp.flows.doctor import Diagnosis

_MARKS = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "problem": "[bold red]✗[/]"}
_VERDICTS = {
    "ok": "[bold green]healthy[/]",
    "warning": "[bold yellow]works, with warnings[/]",
    "problem": "[bold red]has problems[/]",
}


@click.command()
@json_option
@click.pass_obj
def doctor(context: Context, as_json: bool) -> None:
    """Examine the workspace: what is wrong, and the command that mends it.

    Looks at versions, configuration, keys, permissions, the vault, the lake's catalog
    and files, locks, scratch, runs, the disk, the clock and the audit log. Only reads,
    needs no role, and works on a half broken workspace too. Exit code 1 where a problem
    was found; warnings alone give 0.

    \b
    Examples:
      dmp doctor
      dmp doctor --json | jq '.findings[] | select(.level != "ok")'
    """  # noqa: D301
    from dmp.flows.doctor import examine

    home = context.home or Path(os.environ.get("DMP_HOME", "."))
    found = examine(home)
    if as_json:
        show_json(found)
    else:
        _show(found)
    if found.level == "problem":
        raise click.exceptions.Exit(1)


def _show(found: Diagnosis) -> None:
    verdict = f"{escape(found.home)} {_VERDICTS[found.level]}"
    OUT.print(Panel.fit(verdict, title="dmp doctor"), soft_wrap=True)
    area = ""
    for finding in found.findings:
        begins, _, name = finding.check.partition(": ")
        if begins != area:
            OUT.print(f"[bold]{escape(begins)}[/]")
            area = begins
        _show_finding(finding, name or begins)
    counts = {
        level: sum(one.level == level for one in found.findings) for level in _MARKS
    }
    told = " · ".join(f"{_MARKS[level]} {n} {level}" for level, n in counts.items())
    OUT.print(f"\n{told}")


def _show_finding(finding: Finding, name: str) -> None:
    line = f"{_MARKS[finding.level]} {escape(name)}  "
    style = "dim" if finding.level == "ok" else "default"
    OUT.print(Padding(f"{line}[{style}]{escape(finding.text)}[/]", (0, 0, 0, 2)))
    if finding.mend:
        OUT.print(f"      [bold cyan]$ {escape(finding.mend)}[/]", soft_wrap=True)
