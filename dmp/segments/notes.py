"""What people said of a segment: that they saved it, comments, approvals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dmp.core.config import fingerprint
from dmp.core.sql import row
from dmp.segments.checks import reachable
from dmp.segments.saved import Saved, rules
from dmp.storage.lake import Lake
from dmp.storage.write import append, commit

NOTE = "segment.note"
MOST_TEXT = 2_000
Kind = Literal["saved", "comment", "approval"]


@dataclass(frozen=True)
class Note:
    """One thing that somebody said of a segment.

    Attributes:
        form: fingerprint of the segment as it was then; see `form_of`.
        text: of a comment; empty otherwise.
        actor: pseudonym of whoever said it.
    """

    kind: Kind
    form: str
    text: str
    actor: str
    noted_at: datetime


def form_of(saved: Mapping[str, Saved], segment: str) -> str:
    """Return a fingerprint of all that decides who gets what in a segment's name.

    That is its rule and purpose, and the rules of those that it refers to.
    """
    known = rules(saved)
    others = sorted(reachable(known[segment], known))
    versions = [(other, saved[other].version) for other in others]
    return fingerprint(versions, known[segment].purpose)


def notes(lake: Lake, segment: str) -> list[Note]:
    """Return what was said of a segment, the oldest first."""
    rows = lake.rows(
        "select kind, form, coalesce(text, ''), actor, noted_at from segment.note "
        "where segment = $segment order by noted_at, kind, actor",
        segment=segment,
    )
    return [Note(*found) for found in rows]


def add_note(lake: Lake, segment: str, note: Note) -> None:
    """Keep a note."""
    kept = row(
        segment=segment,
        kind=note.kind,
        form=note.form,
        text=note.text or None,
        actor=note.actor,
        noted_at=note.noted_at,
    )
    commit(lake, [append(NOTE, kept)], message=f"{note.kind} of segment {segment}")


def approval_of(said: Sequence[Note], form: str) -> Note | None:
    """Return the newest approval of a form; None where nobody approved it."""
    found = [one for one in said if one.kind == "approval" and one.form == form]
    return found[-1] if found else None


def authors_of(said: Sequence[Note], form: str) -> set[str]:
    """Return who saved a form; a file written by hand has no author."""
    return {one.actor for one in said if one.kind == "saved" and one.form == form}
