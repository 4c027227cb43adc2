"""Who can be addressed: the consented members' identifiers, read from the vault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dmp.activation.destinations import IdentifierSpec
from dmp.core.sql import Name, Query, sql
from dmp.privacy import Caller, Permission, require
from dmp.storage.lake import Lake
from dmp.storage.versions import newest_versions_sql

if TYPE_CHECKING:
    from dmp.privacy import Vault

DECLINED = "the identifier is also held by someone who declined"
NO_IDENTIFIER = "no identifier on a record with consent"

_DECLINED = """
with denying as (
    select distinct i.namespace, i.encoding, i.token
    from gate as g join identity.identifier as i using (subject_id)
    where g.reason = 'denied' and i.type = $type
)
select distinct i.subject_id
from identity.identifier as i join denying as d using (namespace, encoding, token)
where i.type = $type
"""

_SENDABLE = """
select g.profile_key, g.subject_id,
    g.subject_id in (select subject_id from declined) as is_declined
from gate as g join consented_member as m using (profile_key)
where g.is_eligible
"""

_PERMITTED = """
select a.* from acknowledged as a join gate as g using (subject_id)
where g.is_eligible and a.subject_id not in (select subject_id from declined)
union
select a.* from acknowledged as a semi join desired as d using (destination_value)
"""

_VERSIONS = """
select subject_id, load_id from ({newest}) order by subject_id
"""

_FROM_LEDGER: Mapping[str, str] = {
    "sha256_hex": "destination_value",
    "sha256_base64": "to_base64(unhex(destination_value))",
}
"""Of encodings that the ledger's hash tells: the value that was sent."""

_ENCODED: Mapping[str, str] = {
    "plain": "{0}",
    "sha256_hex": "sha256(lower(trim({0})))",
    "sha256_base64": "to_base64(unhex(sha256(lower(trim({0})))))",
}

_DESIRED = """
select s.profile_key, c.subject_id, {value} as value, {ledger} as destination_value
from clear_arrow as c join reader as s using (subject_id)
where c.{field} is not null
qualify row_number() over (
    partition by value order by s.profile_key, c.subject_id
) = 1
order by value
"""


@dataclass(frozen=True)
class Audience:
    """What a destination would get: how many people, by how many identifiers.

    The scratch table `desired` holds `profile_key, subject_id, value,
    destination_value`, one row an identifier; `value` is what is sent,
    `destination_value` the hash that the ledger keeps.
    """

    people: int
    identifiers: int
    losses: tuple[tuple[str, int], ...]


def stage_audience(
    lake: Lake, vault: Vault, identifier: IdentifierSpec, sender: Caller
) -> Audience:
    """Stage `desired` for the consented members of an evaluated segment.

    Reads the scratch tables `gate` and `consented_member`, `identity.identifier`,
    `core.record` and the vault. Only identifiers of subjects with their own consent
    are read; one that somebody who declined holds too, in any form, is left out.

    Raises:
        NotAllowed: the caller is no sender, or its time is over.
    """
    require(sender, Permission.READ_IDENTIFIERS)
    lake.stage("declined", sql(_DECLINED, type=identifier.type))
    lake.stage("sendable_subject", _SENDABLE)
    of = Query("select * from sendable_subject where not is_declined")
    _stage_clear(lake, vault, identifier, "desired", of)
    return _counted(lake)


def stage_permitted(
    lake: Lake, vault: Vault, identifier: IdentifierSpec, sender: Caller
) -> None:
    """Make of `desired` what the destination holds, but for those who withdrew.

    Nobody is added, and who left the segment stays. Gone are people without consent of
    their own now, people erased, and identifiers that somebody who declined holds too.
    What is sent in the clear also has to be held by the person still: the ledger has
    but its hash. Reads the scratch tables of `stage_audience` and `acknowledged`.

    Raises:
        NotAllowed: the caller is no sender, or its time is over.
    """
    require(sender, Permission.READ_IDENTIFIERS)
    permitted = lake.stage("permitted", _PERMITTED)
    if value := _FROM_LEDGER.get(identifier.encoding):
        columns = f"profile_key, subject_id, {value} as value, destination_value"
        lake.stage("desired", f"select {columns} from {permitted}")
        return
    of = Query("select distinct subject_id, profile_key from permitted")
    _stage_clear(lake, vault, identifier, "held_value", of)
    lake.stage(
        "desired",
        "select h.* from held_value as h semi join permitted using (destination_value)",
    )


def _stage_clear(
    lake: Lake, vault: Vault, identifier: IdentifierSpec, name: str, people: Query
) -> None:
    """Stage the identifiers, read from the vault, of `subject_id, profile_key`."""
    lake.stage("reader", people)
    of = Query("r.subject_id in (select subject_id from reader)")
    versions = lake.sql(sql(_VERSIONS, newest=newest_versions_sql(of))).to_arrow_table()
    lake.connection.register("clear_arrow", vault.read(versions, [identifier.type]))
    field = str(Name(identifier.type))
    lake.stage(
        name,
        sql(
            _DESIRED,
            value=Query(_ENCODED[identifier.encoding].format(f"c.{field}")),
            ledger=Query(_ENCODED["sha256_hex"].format(f"c.{field}")),
            field=Name(identifier.type),
        ),
    )
    lake.connection.unregister("clear_arrow")


def _counted(lake: Lake) -> Audience:
    people, identifiers = lake.row(
        "select count(distinct profile_key), count(*) from desired"
    )
    lost = lake.rows(
        """
        with missing as (
            select profile_key from consented_member
            except select profile_key from desired
        )
        select case when bool_or(s.is_declined) then $declined else $none end as reason
        from missing left join sendable_subject as s using (profile_key)
        group by profile_key
        """,
        declined=DECLINED,
        none=NO_IDENTIFIER,
    )
    reasons = [reason for (reason,) in lost]
    losses = tuple(
        (reason, reasons.count(reason))
        for reason in (NO_IDENTIFIER, DECLINED)
        if reason in reasons
    )
    return Audience(int(people), int(identifiers), losses)
