"""What commands share: the workspace they work in, and how they show things."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime, time
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.table import Table

from dmp.core.clock import instant, now

if TYPE_CHECKING:
    from rich.console import JustifyMethod

    from dmp.flows.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])

PLAIN_WIDTH = 200
_FORMAT = "dmp.format"
OUT = Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
ERR = Console(stderr=True, highlight=False)


class Context:
    """The command's workspace, opened when a command first asks for it."""

    def __init__(self, home: Path | None) -> None:
        """Keep what `--home` said."""
        self.home = home

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """Open the workspace for the length of a command."""
        from dmp.core.config import find_home
        from dmp.flows.workspace import Workspace

        with Workspace(find_home(self.home)) as workspace:
            yield workspace


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")


def form_option(function: F) -> F:
    """Add `--json`, and `--format json` which says the same, as `as_json`."""
    form = click.option(
        "--format",
        type=click.Choice(["text", "json"]),
        expose_value=False,
        is_eager=True,
        callback=_keep_format,
        help="How the answer is printed; json is alone on standard output.",
    )
    flag = click.option(
        "--json",
        "as_json",
        is_flag=True,
        callback=lambda context, _, given: given or context.meta[_FORMAT] == "json",
        help="The same as --format json.",
    )
    return form(flag(function))


def _keep_format(context: click.Context, _: click.Parameter, given: str | None) -> None:
    context.meta[_FORMAT] = given


class Instant(click.ParamType):  # type: ignore[type-arg]
    """An ISO instant or date, now, or today as it begins; UTC without an offset."""

    name = "instant"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read the text."""
        if isinstance(value, datetime):
            return value
        if value in ("now", "today"):
            at = now()
            return at if value == "now" else datetime.combine(at, time.min, UTC)
        try:
            return instant(value)
        except ValueError:
            self.fail(
                f"{value!r} is no instant such as 2026-06-30T00:00:00Z, nor now or "
                "today",
                param,
                ctx,
            )


as_of_option = click.option(
    "--as-of",
    type=Instant(),
    default=now,
    help="Instant at which rules are evaluated; default now; UTC without an offset.",
)


def show_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    plain = (
        asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    )
    click.echo(json.dumps(plain, default=_plain, indent=1))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, datetime) else str(value)


def show_table(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """Print rows under headings, numbers to the right with thousands separated.

    What does not fit is folded, never cut: ids are there to be copied.
    """
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    for place, name in enumerate(columns):
        numeric = bool(rows) and isinstance(rows[0][place], int | float)
        side: JustifyMethod = "right" if numeric else "left"
        table.add_column(name, justify=side, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    OUT.print(table)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.2g}" if 0 < abs(value) < 0.1 else f"{value:,.2f}"
    return str(value)


def local(at: datetime, zone: str) -> str:
    """Return an instant as people of a zone read it."""
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M %Z")
