"""Options by which a rule is tried on files, without a workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
_EXISTING = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
RULE_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def files_options(function: F) -> F:
    """Add --profiles, --events and the others that `files_of` reads."""
    for option in (
        click.option("--traits", type=_FOLDER, help="Folder of TRAIT.yaml."),
        click.option("--lists", type=_FOLDER, help="Folder of LIST.csv: profile_id."),
        click.option(
            "--consent",
            type=_EXISTING,
            help="profile_id, purpose, status, captured_at.",
        ),
        click.option(
            "--related",
            multiple=True,
            metavar="NAME=FILE",
            help="Rows of a related entity: profile_id and columns; may be repeated.",
        ),
        click.option(
            "--events",
            type=_EXISTING,
            help="event_id, profile_id, event, occurred_at, properties (JSON).",
        ),
        click.option(
            "--profiles",
            type=_EXISTING,
            help="Try a rule FILE on Parquet or CSV files: profile_id, attributes.",
        ),
    ):
        function = option(function)
    return function


def files_of(given: dict[str, Any]) -> dict[str, Any]:
    """Return the files that a command was given, as `dmp.segments` takes them."""
    related = {}
    for part in given["related"]:
        name, equals, path = part.partition("=")
        if not equals or not Path(path).is_file():
            raise click.BadParameter(
                f"{part!r} is not NAME=FILE", param_hint="--related"
            )
        related[name] = Path(path)
    names = ("profiles", "events", "consent", "lists", "traits")
    return {"related": related, **{name: given[name] for name in names}}


def tried_on(given: dict[str, Any]) -> dict[str, Any] | None:
    """Return the files to try a rule on, as `files_of` does; None where none is given.

    Raises:
        click.UsageError: others are given, but no profiles.
    """
    files = files_of(given)
    others = [f"--{name}" for name, file in files.items() if file]
    if others and not files["profiles"]:
        raise click.UsageError(
            f"{', '.join(others)} would not be read; give --profiles too"
        )
    return files if others else None


def rule_file(name: str) -> Path:
    """Return the rule that stands in a file.

    Raises:
        click.BadParameter: it is not there; with --profiles a rule is named by file.
    """
    path = Path(name)
    if not path.is_file():
        raise click.BadParameter(
            f"{name} is not a file; with --profiles name a rule by its YAML file",
            param_hint="NAME",
        )
    return path
