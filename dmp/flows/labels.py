"""Labels of pairs, under roles and audit: given, taken back, read from files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dmp.flows.workspace import Workspace
from dmp.identity import labels
from dmp.identity.agreement import Agreement, agreements
from dmp.identity.label_files import LabelFile, read_label_file, write_label_file
from dmp.identity.labels import Judgement, Label, Verdict
from dmp.privacy import Permission
from dmp.privacy.callers import actor_id, load_actor_key
from dmp.privacy.root_keys import FOUNDING


@dataclass(frozen=True)
class LabelImport:
    """What became of a file of labels.

    Attributes:
        given: labels that are new; the others of the file were on record already.
    """

    file: LabelFile
    given: int
    reviewer: str


def give_label(
    workspace: Workspace, subject_id_l: int, subject_id_r: int, verdict: Verdict
) -> Label:
    """Keep what the caller says of a pair; logged.

    Raises:
        NotAllowed: the caller may not label.
    """
    workspace.allow_now(Permission.LABEL)
    left, right = sorted((subject_id_l, subject_id_r))
    (label,) = labels.give(
        workspace.lake,
        [Judgement(left, right, verdict)],
        reviewer=workspace.caller.actor,
        now=workspace.clock(),
    )
    workspace.record("identity.label", label=label.label_id, verdict=verdict)
    return label


def take_label_back(workspace: Workspace, label_id: str) -> Label:
    """Take back a label of the caller's own; logged.

    Raises:
        UsageError: there is no such label in force, or somebody else gave it.
        NotAllowed: the caller may not label.
    """
    workspace.allow_now(Permission.LABEL)
    label = labels.take_back(
        workspace.lake,
        label_id,
        reviewer=workspace.caller.actor,
        now=workspace.clock(),
    )
    workspace.record("identity.label-undo", label=label_id)
    return label


def import_labels(
    workspace: Workspace, path: Path, *, source: str = "", reviewer: str = ""
) -> LabelImport:
    """Take judged pairs from a file; those that the reviewer gave before stay.

    Args:
        source: of which source all ids are, where the file does not say it.
        reviewer: the user name of who judged; empty is the caller. Only its pseudonym
            is kept.

    Raises:
        UsageError: the file is not in one of the forms, or nobody in it is known.
        NotAllowed: the caller may not label.
    """
    workspace.allow_now(Permission.LABEL)
    by = _reviewer(workspace, reviewer)
    key = workspace.keys.pseudonym_key("subject", FOUNDING)
    file = read_label_file(workspace.lake, path, key, source=source)
    known = {
        (label.subject_id_l, label.subject_id_r, label.verdict)
        for label in labels.labels(workspace.lake, reviewer=by)
    }
    new = [
        each
        for each in file.judgements
        if (each.subject_id_l, each.subject_id_r, each.verdict) not in known
    ]
    labels.give(workspace.lake, new, reviewer=by, now=workspace.clock(), origin="file")
    if new:
        workspace.record("identity.labels-import", labels=len(new), reviewer=by)
    return LabelImport(file, len(new), by)


def export_labels(workspace: Workspace, path: Path) -> int:
    """Write the labels in force to a CSV file; return how many; logged.

    Raises:
        UsageError: the file cannot be written.
        NotAllowed: the caller may not read pseudonymous rows.
    """
    workspace.allow_now(Permission.READ_PSEUDONYMOUS)
    written = write_label_file(workspace.lake, path)
    workspace.record("identity.labels-export", labels=written)
    return written


def label_list(workspace: Workspace) -> tuple[list[Label], list[Agreement]]:
    """Return the labels in force, newest first, and how far reviewers agree.

    Raises:
        NotAllowed: the caller may not explain.
    """
    workspace.allow_now(Permission.EXPLAIN)
    return labels.labels(workspace.lake), agreements(workspace.lake)


def _reviewer(workspace: Workspace, name: str) -> str:
    if not name:
        return workspace.caller.actor
    return actor_id(name, load_actor_key(workspace.key_files.folder / "actor.key"))
