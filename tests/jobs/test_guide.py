"""The schedule that is shipped calls commands and notebooks that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from dmp.cli import cli

REPOSITORY = Path(__file__).parent.parent.parent
GUIDES = REPOSITORY / "docs" / "guides"
PAGE = (GUIDES / "jobs.md").read_text("utf-8")
MORE_PAGES = (
    GUIDES / "quality.md",
    GUIDES.parent / "tutorial" / "first_segment.md",
    GUIDES.parent / "tutorial" / "notebooks.md",
)
NOTEBOOKS = {path.stem for path in (REPOSITORY / "notebooks").glob("*.ipynb")}


def read_unit(name: str) -> dict[str, list[str]]:
    """Return the values of each `Section.Key`."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in (GUIDES / name).read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert equals, line
            found.setdefault(f"{section}.{key}", []).append(value)
    return found


def cron_line() -> str:
    (block,) = re.findall(r"```cron\n(.*?)\n```", PAGE, re.DOTALL)
    return str(block)


def in_the_pages() -> list[str]:
    texts = [PAGE, *(path.read_text("utf-8") for path in MORE_PAGES)]
    blocks = re.findall(r"```sh\n(.*?)```", "\n".join(texts), re.DOTALL)
    lines = [line.partition(" #")[0] for one in blocks for line in one.splitlines()]
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [part for part in parts if part.startswith("dmp ")]


def in_cron() -> list[str]:
    minute, *rest = cron_line().split(None, 5)
    assert (minute, rest[:4]) == ("*/5", ["*"] * 4)
    home, _, command = rest[4].partition(" ")
    assert home.startswith("DMP_HOME=/")
    return [command]


def in_the_service() -> list[str]:
    return read_unit("dmp-schedule.service")["Service.ExecStart"]


COMMANDS = [*in_the_pages(), *in_cron(), *in_the_service()]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_shipped_command_exists(line: str) -> None:
    program, *words = shlex.split(line)
    assert Path(program).name == "dmp"
    name, command, rest = cli.resolve_command(click.Context(cli), words)
    assert command is not None
    with command.make_context(name, rest, resilient_parsing=False) as context:
        if name == "run":
            assert context.params["notebook"] in NOTEBOOKS
        if isinstance(command, click.Group):
            follow(command, context, rest)


def follow(group: click.Group, context: click.Context, words: list[str]) -> None:
    """Read a command of a group with its arguments."""
    name, command, rest = group.resolve_command(context, words)
    assert command is not None
    with command.make_context(name, rest, resilient_parsing=False):
        pass


def test_cron_and_systemd_call_the_same() -> None:
    (unit,) = in_the_service()
    assert in_cron() == [unit.rpartition("/")[2]] == ["dmp schedule run --once"]


def test_the_units_fit_together() -> None:
    service, timer = read_unit("dmp-schedule.service"), read_unit("dmp-schedule.timer")
    assert service["Service.Type"] == ["oneshot"]
    assert service["Service.SuccessExitStatus"] == ["75"]
    assert service["Service.Environment"][0].startswith("DMP_HOME=/")
    assert service["Service.TimeoutStartSec"] == ["infinity"]
    assert service["Service.UMask"] == ["0077"]
    assert timer["Install.WantedBy"] == ["timers.target"]
    (calendar,) = timer["Timer.OnCalendar"]
    assert calendar == "*-*-* *:00/5:00"
    assert timer["Timer.Persistent"] == ["true"]
    for line in service["Service.ExecStart"]:
        assert line.startswith("/")


def test_the_page_lists_the_exit_codes_that_help_lists() -> None:
    epilog = " ".join((cli.epilog or "").split())
    listed = re.findall(r"^\| ([\d, ]+) \|", PAGE, re.MULTILINE)
    codes = {code for cell in listed for code in cell.split(", ")}
    assert codes == {"0", "1", "2", "75", "124", "130", "143"}
    for code in ("0 done", "1 failed", "2 wrong use", "75 another", "124 the run"):
        assert code in epilog


def test_the_links_of_the_guides_lead_somewhere() -> None:
    for page in ("jobs.md", "privacy.md", "quality.md"):
        text = (GUIDES / page).read_text("utf-8")
        for target in re.findall(r"\]\(((?!https:)[^)#]+)\)", text):
            assert (GUIDES / target).exists(), target
        for target in re.findall(r"`(tests/[\w/.]+)`", text):
            assert (REPOSITORY / target).exists(), target
