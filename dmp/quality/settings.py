"""The bounds of `config/quality.yaml`."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from dmp.core.config import Document


class Bound(Document):
    """The most allowed of a check, or the least where the check says so.

    Attributes:
        scopes: other bounds for single scopes, such as one source; null leaves the
            scope out.
    """

    limit: float = Field(ge=0, allow_inf_nan=False)
    scopes: Mapping[str, float | None] = {}

    def of(self, scope: str) -> float | None:
        """Return the bound of a scope; None where it is not checked."""
        return self.scopes.get(scope, self.limit)


class Windowed(Bound):
    """A bound on what the last days brought."""

    days: int = Field(default=28, ge=1)


class Late(Windowed):
    """A bound on the share of events that came late.

    Attributes:
        after_hours: an event received longer than this after it happened is late.
    """

    after_hours: float = Field(default=72, gt=0, allow_inf_nan=False)


class Bridges(Bound):
    """A bound on people of two parts that one piece of evidence holds together.

    Attributes:
        subjects: the smaller part has at least so many.
    """

    subjects: int = Field(default=3, ge=1)


class QualitySettings(Document):
    """The bound of every check; one that is null is not made.

    Attributes:
        freshness: hours since the newest load of a source, at most.
        volume: rows of the newest day with loads of a source beside the median of the
            days before, the smaller of both as a share of the larger, at least.
        nulls: share of the people of a source without a declared attribute, at most.
        duplicates: rows of a table whose key another row has already, at most.
        late_events: share of the events of a source that came late, at most.
        match_rate: share of the known people of a source whom another source knows
            too, at least.
        cluster_size: subjects in one profile, at most.
        bridges: share of people who would be two if one piece of evidence were lost,
            at most.
        consent_missing: share of people with no decision for a purpose, at most.
        refusal_rate: share of the rows of a source's newest load refused, at most.
        rejection_rate: share of what was sent to a destination last and was not
            accepted there, at most.
    """

    freshness: Bound | None = Bound(limit=30)
    volume: Windowed | None = Windowed(limit=0.3)
    nulls: Bound | None = Bound(limit=0.6)
    duplicates: Bound | None = Bound(limit=0)
    late_events: Late | None = Late(limit=0.05)
    match_rate: Bound | None = Bound(limit=0.05)
    cluster_size: Bound | None = Bound(limit=50)
    bridges: Bridges | None = Bridges(limit=0.01)
    consent_missing: Bound | None = Bound(limit=0.7)
    refusal_rate: Bound | None = Bound(limit=0.05)
    rejection_rate: Bound | None = Bound(limit=0.1)
