"""The consent gate: whose identifiers may leave for a purpose. Absent means no."""

from __future__ import annotations

from dmp.core.sql import Name, sql
from dmp.storage.lake import Lake

_GATE = """
with decision as (
    select subject_id, status from privacy.consent
    where purpose = $purpose and captured_at <= $as_of
    qualify row_number() over (
        partition by subject_id
        order by captured_at desc, case status when 'denied' then 0 else 1 end
    ) = 1
), placed as (
    select a.profile_key, a.component_id, s.subject_id, d.status
    from identity.subject as s
    left join identity.assignment as a
        on a.subject_id = s.subject_id and a.valid_to is null
    left join decision as d on d.subject_id = s.subject_id
), component as (
    select profile_key, component_id, bool_or(status = 'denied') as is_denied
    from placed group by all
)
select p.profile_key, p.subject_id, p.component_id,
    p.status is not distinct from 'granted' and not coalesce(c.is_denied, false)
        as is_eligible,
    case when p.status is not distinct from 'granted' and not coalesce(c.is_denied, false)
        then 'granted'
        when coalesce(c.is_denied, false) then 'denied' else 'no consent' end as reason
from placed as p join component as c using (profile_key, component_id)
"""


def stage_gate(lake: Lake, name: str, *, purpose: str, as_of: object) -> Name:
    """Stage, under `name`, which subjects may be used for `purpose` at `as_of`.

    Reads `privacy.consent` and the current `identity.assignment`. One row a subject
    that has a profile: `profile_key, subject_id, component_id, is_eligible, reason`
    (granted, denied, no consent).

    A subject is eligible by its own newest decision alone, and only where no subject
    of its deterministic component has denied: a yes never crosses a probabilistic
    edge, a no reaches all that are surely the same person. At equal instants denied
    wins. A profile has the purpose when one of its subjects is eligible.
    """
    return lake.stage(name, sql(_GATE, purpose=purpose, as_of=as_of))
