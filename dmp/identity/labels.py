"""Labels: what reviewers said of pairs. They measure linkage and move nobody.

A label is one row of `identity.label`; taking it back adds a row. Of several labels of
one reviewer on one pair the newest counts that was not taken back.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dmp.core.errors import UnknownName, UsageError
from dmp.core.sql import Query, sql
from dmp.storage.lake import Lake
from dmp.storage.write import append, commit

Verdict = Literal["match", "no_match", "unsure"]
Origin = Literal["review", "file"]
VERDICTS: tuple[Verdict, ...] = ("match", "no_match", "unsure")

IN_FORCE = Query(
    """
    select label_id, subject_id_l, subject_id_r, reviewer, origin,
        any_value(verdict) as verdict, min(labelled_at) as labelled_at
    from identity.label
    group by label_id, subject_id_l, subject_id_r, reviewer, origin
    having not bool_or(verdict = 'withdrawn')
    qualify row_number() over (
        partition by subject_id_l, subject_id_r, reviewer
        order by min(labelled_at) desc, label_id desc) = 1
    """
)
"""The labels that count: one row a pair and reviewer."""

AGREED = Query(
    f"""
    select subject_id_l, subject_id_r,
        count(*) filter (verdict = 'match') > count(*) filter (verdict = 'no_match')
            as is_match
    from ({IN_FORCE})
    group by subject_id_l, subject_id_r
    having count(*) filter (verdict = 'match')
        <> count(*) filter (verdict = 'no_match')
    """
)
"""The pairs that most reviewers judged one way; ties and doubts are left out."""


@dataclass(frozen=True)
class Judgement:
    """A verdict on a pair of subjects, the smaller first."""

    subject_id_l: int
    subject_id_r: int
    verdict: Verdict


@dataclass(frozen=True)
class Label:
    """A label on record.

    Attributes:
        label_id: `l` and 12 hex digits; what `take_back` takes.
        reviewer: pseudonymous id of who judged.
    """

    label_id: str
    subject_id_l: int
    subject_id_r: int
    verdict: Verdict
    origin: Origin
    reviewer: str
    labelled_at: datetime


def give(
    lake: Lake,
    judgements: Sequence[Judgement],
    *,
    reviewer: str,
    now: datetime,
    origin: Origin = "review",
) -> list[Label]:
    """Append labels to `identity.label`; nothing given writes nothing."""
    if not judgements:
        return []
    labels = [
        Label(
            f"l{secrets.token_hex(6)}",
            each.subject_id_l,
            each.subject_id_r,
            each.verdict,
            origin,
            reviewer,
            now,
        )
        for each in judgements
    ]
    rows = sql(
        "select unnest($ids::varchar[]) as label_id, "
        "unnest($left::bigint[]) as subject_id_l, "
        "unnest($right::bigint[]) as subject_id_r, "
        "unnest($verdicts::varchar[]) as verdict, $origin as origin, "
        "$reviewer as reviewer, $now::timestamptz as labelled_at",
        ids=[label.label_id for label in labels],
        left=[label.subject_id_l for label in labels],
        right=[label.subject_id_r for label in labels],
        verdicts=[label.verdict for label in labels],
        origin=origin,
        reviewer=reviewer,
        now=now,
    )
    commit(lake, [append("identity.label", rows)], message=f"{len(labels)} labels")
    return labels


def take_back(lake: Lake, label_id: str, *, reviewer: str, now: datetime) -> Label:
    """Take a label back; what its reviewer said before of the pair counts again.

    Raises:
        UnknownName: no label of that name counts.
        UsageError: somebody else gave it; nothing was written.
    """
    known = {label.label_id: label for label in labels(lake)}
    if label_id not in known:
        raise UnknownName("label in force", label_id, list(known))
    label = known[label_id]
    if label.reviewer != reviewer:
        raise UsageError(
            f"label {label_id} was given by {label.reviewer}; only they can take it "
            "back: give one of your own, and the two count as a disagreement"
        )
    row = sql(
        "select label_id, subject_id_l, subject_id_r, 'withdrawn' as verdict, origin, "
        "reviewer, $now::timestamptz as labelled_at from identity.label "
        "where label_id = $label_id",
        now=now,
        label_id=label_id,
    )
    commit(lake, [append("identity.label", row)], message=f"take back {label_id}")
    return label


def labels(lake: Lake, *, reviewer: str | None = None) -> list[Label]:
    """Return the labels that count, the newest first; of one reviewer, or of all."""
    rows = lake.records(
        sql(
            "select label_id, subject_id_l, subject_id_r, verdict, origin, reviewer, "
            "labelled_at from ({in_force}) "
            "where $reviewer::varchar is null or reviewer = $reviewer "
            "order by labelled_at desc, label_id",
            in_force=IN_FORCE,
            reviewer=reviewer,
        )
    )
    return [Label(**row) for row in rows]
