"""Commands about saved segments: segment validate, count, build, …."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dmp.cli import rules
from dmp.cli.bars import bar, progress_option
from dmp.cli.context import (
    OUT,
    Context,
    Instant,
    as_of_option,
    form_option,
    local,
    show_json,
    show_table,
)
from dmp.cli.files import RULE_FILE, files_of, files_options, rule_file, tried_on

if TYPE_CHECKING:
    from dmp.core.types import Evaluation
    from dmp.flows.segment_list import ListedSegment
    from dmp.segments.rule import Node


@click.group()
def segment() -> None:
    """Validate, count, look into and build segments.

    NAME is a segment of config/segments; with --profiles it is a rule's YAML file,
    tried on files without a workspace.
    """


for _command in (rules.explain, rules.diff, rules.overlap, rules.conformance):
    segment.add_command(_command)


@segment.command()
@click.argument("name")
@click.option("--template", required=True, help="rfm, churn or lookalike.")
@click.pass_obj
def new(context: Context, name: str, template: str) -> None:
    """Begin segment NAME from a template, as a file of config/segments to change.

    \b
    rfm        bought lately, often and for much
    churn      bought before, and silent since
    lookalike  like a seed of people, without being of it
    """  # noqa: D301
    from dmp.flows.segments import new_segment

    with context.workspace() as workspace:
        path = new_segment(workspace, name, template)
    OUT.print(f"wrote {path}; change it, then: dmp segment count {name}")


@segment.command()
@click.argument("rule", required=False, type=RULE_FILE)
@files_options
@form_option
@click.pass_obj
def validate(
    context: Context, /, rule: Path | None, as_json: bool, **given: Any
) -> None:
    """Check a RULE file, or every saved segment; all faults at once, with paths.

    With --profiles its names and references are checked against the files too. As JSON
    the faults stand on standard output, each with path, wrong and right.
    """
    from dmp.core.errors import RuleInvalid

    try:
        names = _valid(context, rule, given)
    except RuleInvalid as error:
        if as_json:
            show_json({"valid": [], "faults": error.faults})
        raise
    if as_json:
        show_json({"valid": names, "faults": []})
    else:
        OUT.print(f"{len(names)} valid: {', '.join(names)}")


def _valid(context: Context, rule: Path | None, given: dict[str, Any]) -> list[str]:
    from dmp.core.errors import RuleInvalid
    from dmp.flows.segments import validate_segments
    from dmp.segments import validate as faults_of_rule

    if rule is None:
        if any(given.values()):
            raise click.UsageError("files are of use to a RULE file alone; name it")
        with context.workspace() as workspace:
            return validate_segments(workspace)
    if faults := faults_of_rule(rule, **files_of(given)):
        raise RuleInvalid(str(rule), faults)
    return [str(rule)]


@segment.command()
@click.argument("name")
@as_of_option
@files_options
@form_option
@click.pass_obj
def count(
    context: Context, /, name: str, as_of: datetime, as_json: bool, **given: Any
) -> None:
    """Count the people of segment NAME, and those each condition alone admits."""
    from dmp import segments
    from dmp.flows.segments import count_segment, saved_segments

    if files := tried_on(given):
        found = segments.count(rule_file(name), as_of=as_of, **files)
        show_json({"members": found}) if as_json else click.echo(found)
        return
    with context.workspace() as workspace:
        evaluation = count_segment(workspace, name, as_of)
        if as_json:
            show_json(evaluation)
        else:
            rule = saved_segments(workspace)[name].segment.rule
            _show_count(evaluation, rule, workspace.settings.timezone)


def _show_count(found: Evaluation, rule: Node, zone: str) -> None:
    from dmp.segments.sentence import conditions_said

    OUT.print(
        f"[bold]{found.members:,}[/] of {found.people:,} people are in {found.segment}"
    )
    if found.purpose:
        OUT.print(f"{found.consented:,} of them have consented to {found.purpose}")
    said = conditions_said(rule)
    rows = [[path, said[path], people] for path, people in found.conditions]
    show_table("each condition alone", ["where", "condition", "people"], rows)
    OUT.print(f"as of {local(found.as_of, zone)}, snapshot {found.snapshot}")
    if not found.people:
        OUT.print("there is nobody yet; next: dmp ingest, then dmp resolve")


@segment.command()
@click.argument("name")
@as_of_option
@files_options
@form_option
@click.pass_obj
def members(
    context: Context, /, name: str, as_of: datetime, as_json: bool, **given: Any
) -> None:
    """Print the profile_ids of segment NAME, one a line, sorted."""
    from dmp import segments
    from dmp.flows.segments import segment_members

    if files := tried_on(given):
        found = segments.members(rule_file(name), as_of=as_of, **files)
    else:
        with context.workspace() as workspace:
            found = segment_members(workspace, name, as_of)
    if as_json:
        show_json(found)
    else:
        click.echo("".join(f"{profile_id}\n" for profile_id in found), nl=False)


@segment.command()
@click.argument("name")
@as_of_option
@click.option(
    "--limit",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    help="How many members to show.",
)
@files_options
@form_option
@click.pass_obj
def preview(
    context: Context,
    /,
    name: str,
    as_of: datetime,
    limit: int,
    as_json: bool,
    **given: Any,
) -> None:
    """Show example members of segment NAME with their attributes."""
    from dmp.flows.segments import preview_segment
    from dmp.segments.answers import preview as preview_files

    if files := tried_on(given):
        rows = preview_files(rule_file(name), as_of=as_of, limit=limit, **files)
    else:
        with context.workspace() as workspace:
            rows = preview_segment(workspace, name, as_of, limit=limit)
    if as_json or not rows:
        show_json(rows)
        return
    known = [] if files else [c for c in _PREVIEW if c in rows[0]]
    shown = known or list(rows[0])
    show_table(name, shown, [[_text(row[c]) for c in shown] for row in rows])


_PREVIEW = ("profile_id", "sources", "order_count", "order_total", "last_event_at")


def _text(value: object) -> object:
    if isinstance(value, list):
        return ", ".join(value)
    return "" if value is None else value


@segment.command()
@click.argument("name")
@click.option(
    "--dialect",
    default="duckdb",
    show_default=True,
    help="duckdb, postgres, spark, databricks, …",
)
@as_of_option
@files_options
@form_option
@click.pass_obj
def sql(
    context: Context,
    /,
    name: str,
    dialect: str,
    as_of: datetime,
    as_json: bool,
    **given: Any,
) -> None:
    """Print the SQL of segment NAME for a warehouse with the same tables.

    It reads profiles, events, consent, and related tables and lists by their names. A
    rule that the dialect cannot say exactly is refused, each condition with its reason.
    """
    from dmp.flows.segments import dialect_sql
    from dmp.segments.dialects import DIALECTS, sql_on_files

    if dialect not in DIALECTS:
        raise click.BadParameter(
            f"{dialect!r} is none of {', '.join(DIALECTS)}", param_hint="--dialect"
        )
    if files := tried_on(given):
        said = sql_on_files(rule_file(name), dialect=dialect, as_of=as_of, **files)
    else:
        with context.workspace() as workspace:
            said = dialect_sql(workspace, name, as_of, dialect=dialect)
    show_json({"dialect": dialect, "sql": said}) if as_json else click.echo(said)


@segment.command()
@click.argument("name", required=False)
@form_option
@click.pass_obj
def graph(context: Context, /, name: str | None, as_json: bool) -> None:
    """Show what uses what: destinations, segments, traits, lists, attributes, events.

    With NAME, of a segment or anything else, only what it uses and what uses it.
    """
    from dmp.core.errors import UnknownName
    from dmp.flows.segments import segment_graph

    with context.workspace() as workspace:
        found = segment_graph(workspace)
    if name is not None:
        known = {one for use in found for one in (use.name, use.used)}
        if name not in known:
            raise UnknownName("part of the graph", name, sorted(known))
        found = [use for use in found if name in (use.name, use.used)]
    if as_json:
        show_json(found)
    elif found:
        rows = [[f"{u.kind} {u.name}", f"{u.uses} {u.used}"] for u in found]
        show_table("", ["what", "uses"], rows)
    else:
        OUT.print("nothing uses anything yet")


@segment.command("list")
@form_option
@click.pass_obj
def list_(context: Context, /, as_json: bool) -> None:
    """List the saved segments: size, where each goes, what is to be done."""
    from dmp.flows.segment_list import list_segments

    with context.workspace() as workspace:
        found = list_segments(workspace)
        zone, least = workspace.settings.timezone, workspace.settings.minimum_cell
    if as_json:
        show_json(found)
    elif found:
        show_table("", _LISTED, [_listed(one, zone, least) for one in found])
    else:
        OUT.print("no segments yet; next: dmp segment new NAME --template TEMPLATE")


_LISTED = ["segment", "purpose", "members", "as of", "used by", ""]


def _listed(one: ListedSegment, zone: str, least: int) -> list[object]:
    members = f"{one.members:,}" if one.members is not None else f"< {least}"
    return [
        one.segment,
        one.purpose,
        members if one.as_of else "",
        local(one.as_of, zone) if one.as_of else "",
        "\n".join(one.used_by),
        ", ".join(one.state),
    ]


@segment.command()
@form_option
@click.pass_obj
def traits(context: Context, /, as_json: bool) -> None:
    """List the computed traits of config/traits, which rules use as attributes."""
    from dmp.flows.population import list_traits

    with context.workspace() as workspace:
        found = list_traits(workspace)
    told = [
        {
            "trait": trait.name,
            "type": type_,
            "agg": trait.agg,
            "property": str(trait.property) if trait.property else "",
            "over": trait.entity or trait.of.event or "any event",
            "description": trait.description,
        }
        for trait, type_ in found
    ]
    if as_json:
        show_json(told)
    elif told:
        show_table("", list(told[0]), [list(one.values()) for one in told])
    else:
        OUT.print("no computed traits yet: write one as config/traits/NAME.yaml")


@segment.command()
@click.argument("name")
@click.option("--since", type=Instant(), help="Who entered and left after this.")
@click.option("--at", type=Instant(), help="Who was in at this instant.")
@form_option
@click.pass_obj
def history(
    context: Context,
    /,
    name: str,
    since: datetime | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Show the sizes of segment NAME over time, who came and went, or who was in.

    Who was in is what a build of just that instant stored; else the rule is evaluated
    over the rows that held then, and the answer says so.
    """
    from dmp.flows.segments import (
        segment_crossings,
        segment_members_at,
        segment_sizes,
    )

    if since and at:
        raise click.UsageError("--since and --at are two questions; ask one")
    with context.workspace() as workspace:
        if at:
            found = segment_members_at(workspace, name, at)
            shown: list[Any] = [found]
        elif since:
            shown = list(segment_crossings(workspace, name, since, workspace.clock()))
        else:
            shown = list(segment_sizes(workspace, name))
        zone = workspace.settings.timezone
    if as_json:
        show_json(shown[0] if at else shown)
    else:
        _show_history(shown, zone)


def _show_history(shown: list[Any], zone: str) -> None:
    for one in shown[:1]:
        names = [field.name for field in fields(one) if field.name != "members"]
        names += ["members"] * hasattr(one, "members")
        rows = [[_shown(getattr(each, name), zone) for name in names] for each in shown]
        show_table("", names, rows)
    if not shown:
        OUT.print("nothing yet: build the segment first, or ask of an earlier instant")


def _shown(value: object, zone: str) -> object:
    if isinstance(value, tuple):
        return "\n".join(map(str, value)) or "nobody"
    return local(value, zone) if isinstance(value, datetime) else value


@segment.command()
@click.argument("names", nargs=-1)
@as_of_option
@click.option("--full", is_flag=True, help="Judge everybody, not only the touched.")
@progress_option
@form_option
@click.pass_obj
def build(
    context: Context,
    /,
    names: tuple[str, ...],
    as_of: datetime,
    full: bool,
    as_json: bool,
) -> None:
    """Evaluate and store segments NAMES, or all, with who entered and left.

    Only people whom new events, time or a new rule may have moved are judged again.
    """
    from dmp.flows.segments import build_segments

    with context.workspace() as workspace, bar("segments") as tell:
        built = build_segments(workspace, names, as_of=as_of, full=full, progress=tell)
    if as_json:
        show_json(built)
        return
    rows = [
        [
            b.segment,
            "built" if b.is_new else "unchanged",
            b.members,
            b.consented,
            f"{b.people if b.touched is None else b.touched:,} of {b.people:,}",
        ]
        for b in built
    ]
    show_table("", ["segment", "", "members", "consented", "judged"], rows)
