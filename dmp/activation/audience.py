"""Who can be addressed: the consented members' identifiers, read from the vault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dmp.activation.destinations import IdentifierSpec
from dmp.core.sql import Name, Query, sql
from dmp.privacy import Caller, Permission, Vault, require
from dmp.storage.lake import Lake
from dmp.storage.versions import newest_versions_sql

DECLINED = "the identifier is also held by someone who declined"
NO_IDENTIFIER = "no identifier on a record with consent"

_SENDABLE = """
with denying as (
    select distinct i.namespace, i.encoding, i.token
    from gate as g join identity.identifier as i using (subject_id)
    where g.reason = 'denied' and i.type = $type
), declined as (
    select distinct i.subject_id
    from identity.identifier as i join denying as d using (namespace, encoding, token)
    where i.type = $type
)
select g.profile_key, g.subject_id,
    g.subject_id in (select subject_id from declined) as is_declined
from gate as g join consented_member as m using (profile_key)
where g.is_eligible
"""

_VERSIONS = """
select subject_id, load_id from ({newest}) order by subject_id
"""

_ENCODED: Mapping[str, str] = {
    "plain": "{0}",
    "sha256_hex": "sha256(lower(trim({0})))",
    "sha256_base64": "to_base64(unhex(sha256(lower(trim({0})))))",
}

_DESIRED = """
select s.profile_key, c.subject_id, {value} as value, {ledger} as destination_value
from clear_arrow as c join sendable_subject as s using (subject_id)
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
    lake.stage("sendable_subject", sql(_SENDABLE, type=identifier.type))
    lake.stage("sent", "select subject_id from sendable_subject where not is_declined")
    of = Query("r.subject_id in (select subject_id from sent)")
    versions = lake.sql(sql(_VERSIONS, newest=newest_versions_sql(of))).to_arrow_table()
    clear = vault.read(versions, [identifier.type])
    lake.connection.register("clear_arrow", clear)
    field = str(Name(identifier.type))
    lake.stage(
        "desired",
        sql(
            _DESIRED,
            value=Query(_ENCODED[identifier.encoding].format(f"c.{field}")),
            ledger=Query(_ENCODED["sha256_hex"].format(f"c.{field}")),
            field=Name(identifier.type),
        ),
    )
    lake.connection.unregister("clear_arrow")
    return _counted(lake)


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
