"""Commands about who is who: find, history, why, merge, split, undo, decisions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from dmp.cli.context import OUT, Context, json_option, local, show_json, show_table
from dmp.cli.explained import show_explanation
from dmp.cli.labels import labels
from dmp.cli.simulated import show_simulation

if TYPE_CHECKING:
    from dmp.flows.workspace import Workspace
    from dmp.identity.decisions import Decision
    from dmp.identity.explanation import Event

_ACTIONS = {
    "assign": "given to {subjects:,} new subjects",
    "revive": "came back with {subjects:,} subjects",
}
reason_option = click.option(
    "--reason", default="", help="Why, kept with the decision; no personal data."
)
later_option = click.option(
    "--later", is_flag=True, help="Do not resolve now; the next resolve run applies it."
)


@click.group()
def identity() -> None:
    """See why people are one person, and decide where the evidence is wrong.

    Profiles are named by their ids (p and 15 hex digits), subjects by their numbers;
    dmp identity why PROFILE lists both. A decision wins over all evidence, survives
    retraining, and can be undone.
    """


identity.add_command(labels)


@identity.command()
@click.argument("file", type=click.File(), default="-")
@click.option(
    "--fuzzy",
    is_flag=True,
    help="Compare a record by the linkage model instead of looking identifiers up.",
)
@json_option
@click.pass_obj
def find(context: Context, file: TextIO, fuzzy: bool, as_json: bool) -> None:
    """Find the profile that holds identifiers, asked on standard input or in FILE.

    One identifier a line: its type, then its value, such as: email jane@example.com.
    What is typed ends with an empty line. Values never stand on the command line,
    where others could see them, and only their number is logged.

    With --fuzzy what is asked is one record, a field of the linkage model and its
    value a line, such as: last_name Jones. Shown are the profiles with a record most
    like it, and the bits that a resolve run would give the pair.

    \b
    Examples:
      dmp identity find
      dmp identity find asked.txt --json
      dmp identity find --fuzzy record.txt
    """  # noqa: D301
    if fuzzy:
        _find_similar(context, file, as_json)
        return
    from dmp.flows.find import find_person

    with context.workspace() as workspace:
        found = find_person(workspace, _asked_lines(file))
    if as_json:
        show_json(found)
    elif not found:
        OUT.print("nobody: no profile holds any of it")
    else:
        columns = ["profile", "bits", "subjects that hold it"]
        rows = [[c.profile_id, c.match_weight, c.subjects] for c in found]
        show_table("", columns, rows)


def _find_similar(context: Context, file: TextIO, as_json: bool) -> None:
    from dmp.flows.similar import find_similar

    with context.workspace() as workspace:
        answer, lookup = find_similar(workspace, _asked_lines(file, "field and value"))
    if as_json:
        show_json(answer)
        return
    OUT.print(
        f"{len(lookup.records):,} records read in {lookup.read_s:.1f} s, "
        f"{lookup.size_bytes / 1e6:,.0f} MB in memory; {answer.compared:,} compared"
    )
    if answer.is_cut:
        OUT.print("more would be near it: give more fields, or rarer values")
    if not answer.similar:
        OUT.print("nobody: no record is near it by the blocking rules")
        return
    columns = ["profile", "record of it", "bits", "probability"]
    rows = [
        [s.profile_id, str(s.subject_id), f"{s.match_weight:+.1f}", f"{p:.4f}"]
        for s in answer.similar
        for p in [s.match_probability]
    ]
    show_table("", columns, rows)


def _asked_lines(file: TextIO, what: str = "type and value") -> Iterator[str]:
    """Yield the lines of a file; where somebody types, after a prompt."""
    if not file.isatty():
        yield from file
        return
    while line := click.prompt(what, default="", show_default=False):
        yield line


@identity.command()
@click.argument("profile_id")
@json_option
@click.pass_obj
def history(context: Context, profile_id: str, as_json: bool) -> None:
    """Show what happened to PROFILE_ID: given, merged, split, revived."""
    from dmp.flows.identity import profile_history

    with context.workspace() as workspace:
        events = profile_history(workspace, profile_id)
        zone = workspace.settings.timezone
    if as_json:
        show_json(events)
        return
    rows = [
        [
            local(e.changed_at, zone),
            _words(e, profile_id),
            e.cause,
            e.model,
            e.actor,
            e.run_id,
        ]
        for e in events
    ]
    show_table(
        profile_id, ["when", "what happened", "because of", "model", "by", "run"], rows
    )


@identity.command()
@click.argument("one")
@click.argument("other", default="")
@json_option
@click.pass_obj
def why(context: Context, one: str, other: str, as_json: bool) -> None:
    """Show what makes ONE a single person, or joins or parts ONE and OTHER.

    Each is a profile id or a subject's number. Of two, the scores of the linkage model
    are taken apart: the prior, then what each comparison adds.

    \b
    Examples:
      dmp identity why p0123456789abcde
      dmp identity why p0123456789abcde pfedcba987654321
      dmp identity why 8123456789 2345678901
    """  # noqa: D301
    from dmp.flows.identity import explain_identity

    with context.workspace() as workspace:
        found = explain_identity(workspace, one, other)
        zone = workspace.settings.timezone
    if as_json:
        show_json(found)
        return
    show_explanation(found, zone)


@identity.command()
@click.argument("profiles", nargs=-1, required=True)
@reason_option
@later_option
@json_option
@click.pass_obj
def merge(
    context: Context,
    profiles: tuple[str, ...],
    reason: str,
    later: bool,
    as_json: bool,
) -> None:
    """Decide that PROFILES are one person; the oldest id stays, others lead to it."""
    from dmp.flows.identity import merge_profiles

    if len(profiles) < 2:
        raise click.UsageError("a merge needs two profiles or more")
    with context.workspace() as workspace:
        decision = merge_profiles(workspace, profiles, reason=reason)
        _finish(workspace, decision, later, as_json)


@identity.command()
@click.argument("profile_id")
@click.option(
    "-s",
    "--subject",
    "subjects",
    type=int,
    multiple=True,
    required=True,
    help="A subject of the other person; may be repeated.",
)
@reason_option
@later_option
@json_option
@click.pass_obj
def split(
    context: Context,
    profile_id: str,
    subjects: tuple[int, ...],
    reason: str,
    later: bool,
    as_json: bool,
) -> None:
    """Decide that some subjects of PROFILE_ID are another person.

    The part with most of its subjects keeps the id; the other gets back the id that it
    had before, if it had one.
    """
    from dmp.flows.identity import split_profile

    with context.workspace() as workspace:
        decision = split_profile(workspace, profile_id, subjects, reason=reason)
        _finish(workspace, decision, later, as_json)


@identity.command()
@click.argument("decision_id")
@later_option
@json_option
@click.pass_obj
def undo(context: Context, decision_id: str, later: bool, as_json: bool) -> None:
    """Take the decision DECISION_ID back; dmp identity decisions lists them."""
    from dmp.flows.identity import undo_decision

    with context.workspace() as workspace:
        decision = undo_decision(workspace, decision_id)
        _finish(workspace, decision, later, as_json)


@identity.command()
@json_option
@click.pass_obj
def decisions(context: Context, as_json: bool) -> None:
    """List the merges and splits that people decided, the newest first."""
    from dmp.flows.identity import identity_decisions

    with context.workspace() as workspace:
        found = identity_decisions(workspace)
        zone = workspace.settings.timezone
    if as_json:
        show_json(found)
    elif not found:
        OUT.print("nobody has decided anything yet: dmp identity merge, or split")
    else:
        rows = [
            [
                d.decision_id,
                d.action,
                local(d.decided_at, zone),
                d.pairs,
                d.actor,
                state,
                d.reason,
            ]
            for d in found
            for state in ["taken back" if d.is_withdrawn else "in force"]
        ]
        columns = ["decision", "", "when", "pairs", "by", "state", "reason"]
        show_table("", columns, rows)


@identity.command()
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Other settings, in the form of config/identity.yaml.",
)
@click.option(
    "--model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Another kept model, such as data/models/people/people-….json.",
)
@click.option(
    "--retrain",
    is_flag=True,
    help="Train a model for the settings, for the simulation alone.",
)
@json_option
@click.pass_obj
def simulate(
    context: Context,
    config: Path | None,
    model: Path | None,
    retrain: bool,
    as_json: bool,
) -> None:
    """Show what a resolve run would merge, split and move, and change nothing.

    Without options it runs with the settings and the model as they are: a look ahead
    at what new data brings.
    """
    from dmp.flows.simulate import simulate as run

    with context.workspace() as workspace:
        found = run(workspace, config=config, model=model, retrain=retrain)
    if as_json:
        show_json(found)
        return
    show_simulation(found)


@identity.command("import-model")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def import_model(context: Context, file: Path, as_json: bool) -> None:
    """Make the linkage model in FILE, saved by Splink 3 or later, the current one.

    Its comparisons are those that config/identity.yaml names; blocking rules and
    contradictions stay the workspace's own. What does not fit is told all at once,
    and nothing is changed then. The next dmp resolve looks at everybody.

    \b
    Example:
      dmp identity import-model saved_model.json
    """  # noqa: D301
    from dmp.flows.resolve import import_model as run

    with context.workspace() as workspace:
        model = run(workspace, file)
    if as_json:
        show_json({"model": model.name})
        return
    OUT.print(
        f"model [bold]{model.name}[/] is the current one; dmp identity simulate shows "
        "what it would change, dmp resolve applies it"
    )


@identity.command()
@json_option
@click.pass_obj
def models(context: Context, as_json: bool) -> None:
    """List the kept versions of the linkage model, the newest first."""
    from dmp.flows.models import model_versions

    with context.workspace() as workspace:
        found = model_versions(workspace)
    if as_json:
        show_json(found)
    elif not found:
        OUT.print("no linkage model is kept; train one: dmp train")
    else:
        rows = [
            [
                one.name,
                one.made_at[:19].replace("T", " "),
                f"{one.records:,}" if one.records else one.parent or "imported",
                one.reason,
                "current" if one.is_current else "",
            ]
            for one in found
        ]
        show_table("", ["model", "made (UTC)", "from records or", "reason", ""], rows)


@identity.command("use-model")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Say what would change; change nothing.")
@json_option
@click.pass_obj
def use_model(context: Context, name: str, dry_run: bool, as_json: bool) -> None:
    """Make the kept version NAME of the linkage model the current one again.

    dmp identity models lists them; none is lost by it. The next dmp resolve looks at
    everybody.

    \b
    Examples:
      dmp identity simulate --model data/models/people/people-1a2b3c4d.json
      dmp identity use-model people-1a2b3c4d --dry-run
      dmp identity use-model people-1a2b3c4d
    """  # noqa: D301
    from dmp.flows.models import use_model as run

    with context.workspace() as workspace:
        change = run(workspace, name, dry_run=dry_run)
    if as_json:
        show_json({**vars(change), "is_new": change.is_new, "dry_run": dry_run})
    elif not change.is_new:
        OUT.print(f"model [bold]{name}[/] is the current one already")
    elif dry_run:
        OUT.print(f"would use [bold]{name}[/] instead of {change.before or 'none'}")
    else:
        OUT.print(
            f"model [bold]{name}[/] is the current one, before it was "
            f"{change.before or 'none'}; dmp resolve applies it"
        )


def _finish(
    workspace: Workspace, decision: Decision, later: bool, as_json: bool
) -> None:
    from dmp.flows.resolve import resolve_people

    resolution = None if later else resolve_people(workspace)[0]
    if as_json:
        show_json({"decision": decision, "resolution": resolution})
        return
    OUT.print(f"{decision.action} [bold]{decision.decision_id}[/]: on record")
    if resolution is None:
        OUT.print("it shows after the next: dmp resolve")
    else:
        OUT.print(
            f"{resolution.profiles:,} people now · {resolution.merged:,} ids merged, "
            f"{resolution.founded:,} new, {resolution.revived:,} revived"
        )


def _words(event: Event, asked: str) -> str:
    if event.action in _ACTIONS:
        return _ACTIONS[event.action].format(subjects=event.subjects)
    is_own = event.profile_id == asked
    other = event.other_profile_id if is_own else event.profile_id
    if event.action == "merge":
        return f"merged into {other}" if is_own else f"took in {other}"
    if is_own:
        return f"{event.subjects:,} subjects left as {other}"
    return f"split off from {other} with {event.subjects:,} subjects"
