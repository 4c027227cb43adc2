"""Look into who is who, and decide about it, under roles and audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dmp.flows.resolve import current_model, identity_settings, linkage_key
from dmp.flows.workspace import Workspace
from dmp.identity import decisions, explanation
from dmp.identity.basis import Basis
from dmp.identity.decisions import Decision
from dmp.identity.explanation import Event, Explanation
from dmp.identity.waterfall import Waterfall, waterfalls
from dmp.privacy import Permission

_MOST_WATERFALLS = 5


def profile_history(workspace: Workspace, profile_id: str) -> list[Event]:
    """Return what happened to a profile id: given, merged, split, revived; by whom.

    Raises:
        UsageError: no such profile was ever given.
        NotAllowed: the caller may not explain.
    """
    workspace.allow_now(Permission.EXPLAIN)
    return explanation.history(workspace.lake, profile_id)


def explain_identity(workspace: Workspace, one: str, other: str = "") -> Explanation:
    """Explain why a profile is one person, or why two are or are not; logged.

    The same name twice asks about that one.

    Of two, the scores of the linkage model are taken apart, the five strongest at most.
    A score speaks for one person from `linkage.threshold_bits` of the settings.

    Raises:
        UsageError: there is no such profile or subject.
        NotAllowed: the caller may not explain.
    """
    workspace.allow_now(Permission.EXPLAIN)
    other = "" if other == one else other
    linkage = identity_settings(workspace).linkage
    least = linkage.threshold_bits if linkage else 0.0
    found = explanation.why(workspace.lake, one, other, threshold_bits=least)
    if other:
        found = replace(found, waterfalls=_waterfalls(workspace, found))
    workspace.record("identity.why", of=[name for name in (one, other) if name])
    return found


def _waterfalls(workspace: Workspace, found: Explanation) -> tuple[Waterfall, ...]:
    settings = identity_settings(workspace)
    model = current_model(workspace, settings)
    pairs = [
        (reason.subject_id_l, reason.subject_id_r)
        for reason in (*found.path, *found.against)
        if reason.kind == "probabilistic"
    ][:_MOST_WATERFALLS]
    basis = Basis(settings, model, linkage_key(workspace))
    return tuple(waterfalls(workspace.lake, workspace.vault, basis, pairs))


def merge_profiles(
    workspace: Workspace, profiles: Sequence[str], *, reason: str = ""
) -> Decision:
    """Decide that profiles are one person; they are after the next resolve run.

    Raises:
        UsageError: there is no such profile, they are one already, or a decision in
            force says otherwise; nothing was written.
        NotAllowed: the caller may not decide.
    """
    workspace.allow_now(Permission.LABEL)
    decision = decisions.merge(
        workspace.lake,
        profiles,
        actor=workspace.caller.actor,
        now=workspace.clock(),
        reason=reason,
    )
    workspace.record(
        "identity.merge", decision=decision.decision_id, profiles=list(profiles)
    )
    return decision


def split_profile(
    workspace: Workspace, profile: str, part: Sequence[int], *, reason: str = ""
) -> Decision:
    """Decide that some subjects of a profile are another person.

    Raises:
        UsageError: there is no such profile, the subjects are not some of its own, or
            a decision in force says otherwise; nothing was written.
        NotAllowed: the caller may not decide.
    """
    workspace.allow_now(Permission.LABEL)
    decision = decisions.split(
        workspace.lake,
        profile,
        part,
        actor=workspace.caller.actor,
        now=workspace.clock(),
        reason=reason,
    )
    workspace.record(
        "identity.split",
        decision=decision.decision_id,
        profile=profile,
        subjects=len(set(part)),
    )
    return decision


def undo_decision(workspace: Workspace, decision_id: str) -> Decision:
    """Take a merge or split back; evidence counts again after the next resolve run.

    Raises:
        UsageError: there is no such decision, or it was taken back before.
        NotAllowed: the caller may not decide.
    """
    workspace.allow_now(Permission.LABEL)
    decision = decisions.undo(
        workspace.lake,
        decision_id,
        actor=workspace.caller.actor,
        now=workspace.clock(),
    )
    workspace.record("identity.undo", decision=decision_id)
    return decision


def identity_decisions(workspace: Workspace) -> list[Decision]:
    """Return all merges and splits that people decided, the newest first.

    Raises:
        NotAllowed: the caller may not explain.
    """
    workspace.allow_now(Permission.EXPLAIN)
    return decisions.decisions(workspace.lake)
