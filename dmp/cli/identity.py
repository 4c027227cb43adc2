"""Commands about who is who: identity history, why, merge, split, undo, decisions."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dmp.cli.context import OUT, Context, json_option, local, show_json, show_table

if TYPE_CHECKING:
    from dmp.flows.workspace import Workspace
    from dmp.identity.decisions import Decision
    from dmp.identity.explanation import Event, Explanation, Reason

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
        [local(e.changed_at, zone), _words(e, profile_id), e.model, e.actor, e.run_id]
        for e in events
    ]
    show_table(profile_id, ["when", "what happened", "model", "by", "run"], rows)


@identity.command()
@click.argument("one")
@click.argument("other", default="")
@json_option
@click.pass_obj
def why(context: Context, one: str, other: str, as_json: bool) -> None:
    r"""Show what makes ONE a single person, or joins or parts ONE and OTHER.

    Each is a profile id or a subject's number.

    \b
    Examples:
      dmp identity why p0123456789abcde
      dmp identity why p0123456789abcde pfedcba987654321
      dmp identity why 8123456789 2345678901
    """
    from dmp.flows.identity import explain_identity

    with context.workspace() as workspace:
        found = explain_identity(workspace, one, other)
        zone = workspace.settings.timezone
    if as_json:
        show_json(found)
        return
    members = [
        [
            m.profile_id,
            str(m.subject_id),
            m.source,
            m.kind,
            local(m.first_seen_at, zone),
        ]
        for m in found.members
    ]
    show_table("", ["profile", "subject", "source", "kind", "first seen"], members)
    OUT.print(f"\n{_verdict(found)}")
    if found.path:
        show_table("", _REASON_COLUMNS, [_reason_row(r) for r in found.path])
    if found.against:
        OUT.print("\nAgainst it, outweighed:")
        show_table("", _REASON_COLUMNS, [_reason_row(r) for r in found.against])


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
    if found.is_same:
        OUT.print("nothing would change: every subject stays with its profile")
        return
    OUT.print(
        f"people {found.people_before:,} → [bold]{found.people_after:,}[/] · "
        f"{found.merged:,} ids merged · {found.split:,} split · "
        f"{found.moved_subjects:,} subjects move · model {found.model}"
    )
    OUT.print(
        f"largest profiles: {_sizes(found.largest_before)} → "
        f"{_sizes(found.largest_after)} subjects"
    )
    columns = ["segment", "now", "then", "enter", "leave"]
    audiences = [list(vars(audience).values()) for audience in found.audiences]
    show_table("", columns, audiences)
    examples = [list(vars(example).values()) for example in found.examples]
    if examples:
        show_table("", ["", "profile", "other profile", "subjects"], examples)


def _sizes(sizes: tuple[int, ...]) -> str:
    return ", ".join(f"{size:,}" for size in sizes) or "none"


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


def _verdict(found: Explanation) -> str:
    if found.is_one:
        if len(found.members) == 1:
            return "One subject on its own; nothing had to join it."
        return "One person. What joins them, the strongest first:"
    if not found.path:
        return "Different people: nothing was ever found that they share."
    weight = sum(reason.match_weight for reason in found.path)
    if weight == -math.inf:
        return "Different people, because somebody decided so."
    return f"Different people. What is known between them ({weight:+.1f} bits in all):"


_REASON_COLUMNS = ["subject", "subject", "because of", "bits", "probability"]


def _reason_row(reason: Reason) -> list[str]:
    said = {
        "must_link": "somebody decided: one",
        "cannot_link": "somebody decided: two",
    }
    what = said.get(reason.type, f"shared {reason.type}")
    if reason.kind == "probabilistic":
        what = "the linkage model's score"
    return [
        str(reason.subject_id_l),
        str(reason.subject_id_r),
        what,
        f"{reason.match_weight:+.1f}",
        f"{reason.match_probability:.4f}",
    ]
