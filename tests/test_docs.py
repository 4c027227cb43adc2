from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from dmp.cli import cli
from dmp.storage.tables import TABLES

REPOSITORY = Path(__file__).parent.parent


def commands(
    command: click.Command, path: tuple[str, ...] = ("dmp",)
) -> Iterator[tuple[str, click.Command]]:
    yield " ".join(path), command
    if isinstance(command, click.Group):
        for name, member in command.commands.items():
            yield from commands(member, (*path, name))


COMMANDS = dict(commands(cli))


def test_generated_pages_are_current() -> None:
    run = subprocess.run(
        [sys.executable, "scripts/generate-docs", "--check"],
        cwd=REPOSITORY,
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_has_help(path: str) -> None:
    command = COMMANDS[path]
    assert (command.help or "").strip()
    unexplained = [
        parameter.name
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.help
    ]
    assert unexplained == []


def test_every_command_has_a_section() -> None:
    page = (REPOSITORY / "docs/commands.md").read_text(encoding="utf-8")
    assert [path for path in COMMANDS if f"\n## {path}\n" not in page] == []


def test_every_table_and_column_has_a_line() -> None:
    page = (REPOSITORY / "docs/tables.md").read_text(encoding="utf-8")
    sections = dict(section.split("\n", 1) for section in page.split("\n### ")[1:])
    assert list(sections) == [table.name for table in TABLES]
    for table in TABLES:
        for column in table.columns:
            assert f"\n| `{column.name}` | `{column.type}` |" in sections[table.name]


def test_the_glossary_is_in_order() -> None:
    page = (REPOSITORY / "docs/glossary.md").read_text(encoding="utf-8")
    words = [
        line[2:].partition("**")[2].partition("**")[0].lower()
        for line in page.splitlines()
        if line.startswith("- **")
    ]
    assert words == sorted(words)
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    "page", sorted((REPOSITORY / "docs/adr").glob("*.md")), ids=str
)
def test_a_decision_says_why_and_what_follows(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("## ")][:3] == [
        "## Context",
        "## Decision",
        "## Consequences",
    ]
