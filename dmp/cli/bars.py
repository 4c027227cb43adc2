"""Progress bars on stderr, where somebody looks or asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

F = TypeVar("F", bound=Callable[..., Any])
Tell = Callable[..., None]
"""Called with what is done and what there is in all; more arguments are passed over."""

_WANTED = "dmp.cli.bars.wanted"


def progress_option(function: F) -> F:
    """Add --progress and --no-progress, which `progress` obeys."""
    return click.option(
        "--progress/--no-progress",
        default=None,
        expose_value=False,
        callback=_keep,
        help="Show a bar with rate and time left, on stderr; default: on a terminal.",
    )(function)


def _keep(context: click.Context, _: click.Parameter, value: bool | None) -> None:
    context.meta[_WANTED] = value


class _Amount(ProgressColumn):
    """What is done of what there is: bytes, or a number of things."""

    def render(self, task: Task) -> Text:
        """Return nothing while nothing is known."""
        if not task.total:
            return Text("")
        return Text(f"{_shown(task, task.completed)}/{_shown(task, task.total)}")


class _Rate(ProgressColumn):
    """How much is done in a second."""

    def render(self, task: Task) -> Text:
        """Return nothing before a rate is known."""
        speed = task.speed
        if task.finished and task.elapsed:
            speed = task.completed / task.elapsed
        if not speed:
            return Text("")
        if task.fields.get("unit") == "B":
            return Text(f"{decimal(int(speed))}/s")
        return Text(f"{speed:,.1f}/s" if speed < 100 else f"{speed:,.0f}/s")


def _shown(task: Task, amount: float) -> str:
    if task.fields.get("unit") == "B":
        return decimal(int(amount))
    return f"{amount:,.0f}"


@contextmanager
def progress() -> Iterator[Progress]:
    """Show bars on stderr while the block runs.

    They are shown on a terminal, unless --no-progress says otherwise; with --progress
    also where nobody may look: there once, at the end.
    """
    context = click.get_current_context(silent=True)
    wanted = context.meta.get(_WANTED) if context else None
    console = Console(stderr=True, highlight=False)
    with Progress(
        TextColumn("{task.description:<28}"),
        BarColumn(),
        _Amount(),
        _Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(compact=True),
        console=console,
        disable=not (console.is_terminal if wanted is None else wanted),
    ) as bars:
        yield bars


@contextmanager
def bar(name: str, unit: str = "") -> Iterator[Tell]:
    """Show one bar while the block runs; give the function that moves it.

    Args:
        unit: `B` for bytes; nothing for a number of things.
    """
    with progress() as bars:
        yield partial(_move, bars, bars.add_task(name, total=None, unit=unit))


@contextmanager
def stages() -> Iterator[Tell]:
    """Show a bar for each stage; give the function of (stage, done, total)."""
    with progress() as bars:
        tasks: dict[str, Any] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total, unit="")
            bars.update(tasks[stage], completed=done, total=total)

        yield tell


@contextmanager
def one_by_one() -> Iterator[Callable[[str], None]]:
    """Show a bar for each stage; give the function that begins the next."""
    with stages() as show:
        begun: list[str] = []

        def begin(stage: str) -> None:
            end()
            begun.append(stage)
            show(stage, 0, 1)

        def end() -> None:
            for stage in begun[-1:]:
                show(stage, 1, 1)

        yield begin
        end()


def _move(bars: Progress, task: Any, done: int, total: int, *_: Any) -> None:
    bars.update(task, completed=done, total=total)
