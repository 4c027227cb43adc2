"""Rows to look at in notebooks: small tables over the lake, no identifiers in any."""

from __future__ import annotations

from typing import Any

from dmp.flows.workspace import Workspace
from dmp.privacy import Permission

Rows = list[dict[str, Any]]


def refused_by_reason(workspace: Workspace) -> Rows:
    """Return `source, field, reason, expected, rows`, the most frequent first."""
    return _rows(
        workspace,
        "select source, field, reason, expected, count(*) as rows from raw.refused "
        "where action = 'refused' group by all order by rows desc, source, field",
    )


def events_by_name(workspace: Workspace) -> Rows:
    """Return `event, platform, events`: one shape for every source."""
    return _rows(
        workspace,
        "select event, platform, count(*) as events from core.event group by all "
        "order by events desc, event, platform",
    )


def events_by_day(workspace: Workspace) -> Rows:
    """Return `day, source, events`, oldest first."""
    return _rows(
        workspace,
        "select occurred_at::date::varchar as day, source, count(*) as events "
        "from core.event group by all order by day, source",
    )


def identifiers_by_type(workspace: Workspace) -> Rows:
    """Return `type, encoding, subjects, values_seen, shared` (on two or more)."""
    return _rows(
        workspace,
        """
        with held as (
            select type, encoding, token, count(distinct subject_id) as subjects
            from identity.identifier group by all
        )
        select type, encoding, sum(subjects)::bigint as subjects,
            count(*) as values_seen, count(*) filter (subjects > 1) as shared
        from held group by all order by type, encoding
        """,
    )


def pairs_by_weight(workspace: Workspace) -> Rows:
    """Return `match_weight` (bits, lower edge of a bin of one bit) and `pairs`."""
    return _rows(
        workspace,
        "select floor(match_weight)::integer as match_weight, count(*) as pairs "
        "from identity.edge where kind = 'probabilistic' group by all order by 1",
    )


def clusters_by_size(workspace: Workspace) -> Rows:
    """Return `size` (subjects joined in a profile) and `clusters`."""
    return _rows(
        workspace,
        "select subjects as size, count(*) as clusters from profile.profile "
        "where valid_to is null group by all order by 1",
    )


def sources_per_person(workspace: Workspace) -> Rows:
    """Return `sources` (how many know a person) and `people`."""
    return _rows(
        workspace,
        "select len(sources) as sources, count(*) as people from profile.profile "
        "where valid_to is null group by all order by 1",
    )


def largest_profile(workspace: Workspace) -> Rows:
    """Return the edges that hold a well-connected profile together, strongest first.

    Columns: `kind, type, match_weight, edges`; the profile is the largest of at most
    twelve subjects, so that its reasons can be read.
    """
    return _rows(
        workspace,
        """
        with chosen as (
            select profile_key from profile.profile
            where valid_to is null and subjects <= 12
            order by subjects desc, profile_key limit 1
        ), inside as (
            select subject_id from identity.assignment
            where valid_to is null and profile_key = (from chosen)
        )
        select kind, type, round(match_weight, 1) as match_weight, count(*) as edges
        from identity.edge
        where is_used
            and subject_id_l in (from inside) and subject_id_r in (from inside)
        group by all order by match_weight desc, kind, type
        """,
    )


def _rows(workspace: Workspace, query: str) -> Rows:
    workspace.allow(Permission.COUNT)
    return workspace.lake.records(query)
