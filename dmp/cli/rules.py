"""Commands about rules in files: segment explain, diff, overlap, conformance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dmp.cli.context import (
    OUT,
    as_of_option,
    form_option,
    local,
    show_json,
    show_table,
)
from dmp.cli.files import RULE_FILE, files_of, files_options, tried_on

if TYPE_CHECKING:
    from dmp.segments.diff import Change
    from dmp.segments.explain import Explanation


@click.command()
@click.argument("rule", type=RULE_FILE)
@as_of_option
@click.option("--profile-id", help="Also tell why this person is in or out.")
@click.option("--sql", "with_sql", is_flag=True, help="Show the compiled SQL too.")
@files_options
@form_option
def explain(
    rule: Path,
    as_of: datetime,
    profile_id: str | None,
    with_sql: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Explain a RULE file on files: who each condition admits, what can change it.

    Instants are shown in the rule's time zone; as JSON in UTC.
    """
    from dmp import segments

    if not given["profiles"]:
        raise click.UsageError("explain needs --profiles")
    files = files_of(given)
    found = segments.explain(rule, as_of=as_of, profile_id=profile_id, **files)
    if as_json:
        show_json(found)
    else:
        _show_explanation(found, segments.read(rule).timezone)
        if with_sql:
            click.echo(found.sql)


def _show_explanation(found: Explanation, zone: str) -> None:
    OUT.print(f"[bold]{found.members:,}[/] of {found.profiles:,} people")
    if found.profile_id:
        OUT.print(f"{found.profile_id} is {'in' if found.holds else 'out'}")
    rows = [
        [c.path, c.admits, c.mode.value, _at(c.next_at, zone), _holds(c.holds)]
        for c in found.conditions
    ]
    show_table("", ["condition", "alone", "changes by", "next", ""], rows)
    for read in found.properties:
        OUT.print(f"reads {read.property} from {read.storage}")


def _at(instant: datetime | None, zone: str) -> str:
    return local(instant, zone) if instant else ""


def _holds(holds: bool | None) -> str:
    return "" if holds is None else "holds" if holds else "does not hold"


@click.command()
@click.argument("old", type=RULE_FILE)
@click.argument("new", type=RULE_FILE)
@as_of_option
@files_options
@form_option
def diff(old: Path, new: Path, as_of: datetime, as_json: bool, **given: Any) -> None:
    """Compare two versions of a rule, OLD and NEW, condition by condition.

    With --profiles also by people: how many the new version takes in and lets go.
    """
    from dmp import segments
    from dmp.segments.answers import overlap as overlap_files

    changes = segments.diff(segments.read(old), segments.read(new))
    people = {}
    if files := tried_on(given):
        found = overlap_files(old, new, as_of=as_of, **files)
        people = {
            "before": found.first,
            "after": found.second,
            "enter": found.second - found.both,
            "leave": found.first - found.both,
        }
    if as_json:
        show_json({"changes": changes, "people": people} if people else changes)
        return
    _show_changes(changes)
    if people:
        sizes = "{before:,} people before, {after:,} after: "
        OUT.print((sizes + "{enter:,} enter, {leave:,} leave").format(**people))


def _show_changes(changes: Sequence[Change]) -> None:
    from dmp.segments.source import written_short

    if not changes:
        OUT.print("the same")
    for change in changes:
        OUT.print(f"{change.kind} {change.path}", markup=False)
        for sign, side in (("-", change.before), ("+", change.after)):
            if side is not None:
                said = f"  {sign} {written_short(side)}"
                OUT.print(said, markup=False, soft_wrap=True)


@click.command()
@click.argument("first", type=RULE_FILE)
@click.argument("second", type=RULE_FILE)
@as_of_option
@files_options
@form_option
def overlap(
    first: Path, second: Path, as_of: datetime, as_json: bool, **given: Any
) -> None:
    """Count the people that two RULE files share, on files."""
    from dmp.segments.answers import overlap as overlap_files

    if not given["profiles"]:
        raise click.UsageError("overlap needs --profiles")
    found = overlap_files(first, second, as_of=as_of, **files_of(given))
    if as_json:
        show_json(found)
    else:
        OUT.print(f"{found.both:,} in both, of {found.first:,} and {found.second:,}")


@click.command()
@click.argument(
    "folder",
    required=False,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
)
@click.option("--row", "rows", multiple=True, help="Only this row; may be repeated.")
@form_option
@click.pass_context
def conformance(
    context: click.Context, folder: Path | None, rows: tuple[str, ...], as_json: bool
) -> None:
    """Run the conformance cases of the rule language, or those of FOLDER.

    Exits with 1 where one of them does not admit exactly the people it says.
    """
    from dmp.segments.conformance import run_cases, shipped_cases

    found = list(run_cases(folder or shipped_cases(), rows))
    failed = [one for one in found if not one.holds]
    if as_json:
        show_json(found)
    else:
        for one in failed:
            said = one.refused or f"found {', '.join(one.found) or 'nobody'}"
            OUT.print(f"{one.table} {one.row}: {one.name}: {said}", markup=False)
        OUT.print(f"{len(found) - len(failed)} of {len(found)} cases hold")
    context.exit(1 if failed else 0)
