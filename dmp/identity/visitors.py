"""How well visitors without a name are told to be the people they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dmp.core.sql import Query, sql
from dmp.storage.lake import Lake


@dataclass(frozen=True)
class VisitorScores:
    """How devices of one kind were attributed to people.

    Attributes:
        logged_in: whether somebody ever logged in on them.
        devices: those of people whom records or accounts know too: the others belong
            to nobody who could be found.
        attributed: devices in the profile of somebody whom records or accounts know,
            whoever they belong to.
        correct: of `devices`, those in the profile of their owner.
    """

    logged_in: bool
    devices: int
    attributed: int
    correct: int

    @property
    def precision(self) -> float:
        """The part of the attributed that is right; 1 where nothing is attributed."""
        return self.correct / self.attributed if self.attributed else 1.0

    @property
    def recall(self) -> float:
        """The part that is found; 1 where there is nothing to find."""
        return self.correct / self.devices if self.devices else 1.0


def visitor_scores(
    lake: Lake, owners: Query, *, devices: Sequence[str]
) -> tuple[VisitorScores, VisitorScores]:
    """Score the devices on which somebody logged in, then those of visitors alone.

    Reads `identity.subject`, `identity.identifier` and the current
    `identity.assignment`. A profile is the person to whom most of its records and
    accounts belong.

    Args:
        owners: the truth, a select of `subject_id` and `person`: the one to whom it
            belongs most.
        devices: types of identifier that name a device, such as `anonymous_id`: who
            shows one of a device and is none was logged in on it.
    """
    found = {
        logged_in: VisitorScores(logged_in, n, attributed, correct)
        for logged_in, n, attributed, correct in lake.rows(
            sql(_SCORES, owners=owners, devices=list(devices))
        )
    }
    none = VisitorScores(True, 0, 0, 0), VisitorScores(False, 0, 0, 0)
    return found.get(True, none[0]), found.get(False, none[1])


_SCORES = """
with owned as (
    select o.subject_id, o.person, s.kind = 'device' as is_device, a.profile_key
    from ({owners}) as o
    join (select distinct subject_id, kind from identity.subject) as s
        using (subject_id)
    join identity.assignment as a
        on a.subject_id = o.subject_id and a.valid_to is null
), named as (
    select profile_key, person from owned where not is_device
    group by profile_key, person
    qualify row_number() over (
        partition by profile_key order by count(*) desc, person
    ) = 1
), used as (
    select distinct d.subject_id
    from identity.identifier as d
    join identity.identifier as u using (namespace, type, encoding, token)
    join owned as device on device.subject_id = d.subject_id and device.is_device
    join owned as account
        on account.subject_id = u.subject_id and not account.is_device
    where type in (select unnest($devices::varchar[]))
)
select o.subject_id in (from used) as logged_in,
    count(*) filter (
        o.person in (select person from owned where not is_device)
    ) as devices,
    count(n.person) as attributed, count(*) filter (n.person = o.person) as correct
from owned as o left join named as n using (profile_key)
where o.is_device
group by all
"""
