"""The consent gate: whose identifiers may leave for a purpose. Absent means no."""

from __future__ import annotations

from dmp.core.sql import Name, Query, sql
from dmp.storage.lake import Lake

_NEWEST = """
select purpose, subject_id, status from privacy.consent
where purpose in ({purposes})
    and captured_at <= coalesce($as_of::timestamptz, captured_at)
qualify row_number() over (
    partition by purpose, subject_id
    order by captured_at desc, case status when 'denied' then 0 else 1 end
) = 1
"""
_GATE = """
with decision as ({newest}), placed as (
    select a.profile_key, coalesce(a.component_id, s.subject_id) as component_id,
        s.subject_id, coalesce(d.status = 'granted', false) as is_granted,
        coalesce(d.status = 'denied', false) as is_denied
    from identity.subject as s
    left join identity.assignment as a
        on a.subject_id = s.subject_id and a.valid_to is null
    left join decision as d on d.subject_id = s.subject_id
), joined as (
    select *, bool_or(is_denied) over (partition by component_id) as is_refused
    from placed
)
select profile_key, subject_id, component_id,
    is_granted and not is_refused as is_eligible,
    case when is_refused then 'denied' when is_granted then 'granted'
        else 'no consent' end as reason
from joined
"""


def newest_decisions(purposes: Query, as_of: object) -> Query:
    """Return the select of each subject's newest decision on each of some purposes.

    Columns: `purpose, subject_id, status`. At equal instants denied wins.

    Args:
        purposes: the select of them, or one as a bound value.
        as_of: until when decisions count; None takes all.
    """
    return sql(_NEWEST, purposes=purposes, as_of=as_of)


def stage_gate(lake: Lake, name: str, *, purpose: str, as_of: object) -> Name:
    """Stage, under `name`, which subjects may be used for `purpose` at `as_of`.

    Reads `privacy.consent`, `identity.subject` and the current `identity.assignment`.
    One row a subject: `profile_key` (null until it is resolved), `subject_id,
    component_id, is_eligible, reason` (granted, denied, no consent).

    A subject is eligible by its own newest decision alone, and only where no subject
    of its deterministic component has denied: a yes never crosses a probabilistic
    edge, a no reaches all that are surely the same person. At equal instants denied
    wins. A profile has the purpose when one of its subjects is eligible.
    """
    newest = newest_decisions(Query("$purpose", {"purpose": purpose}), as_of)
    return lake.stage(name, sql(_GATE, newest=newest))
