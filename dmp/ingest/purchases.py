"""Purchases of a load, each once; a corrected one takes the place of what it was."""

from __future__ import annotations

from collections.abc import Iterator

from dmp.core.sql import Name, Query, sql
from dmp.ingest.contracts import Contract
from dmp.ingest.landing import Landing
from dmp.privacy.pseudonyms import digest_uuid_sql
from dmp.storage.write import Write, append, upsert


def stage_ordinals(landing: Landing) -> Name:
    """Stage `row_ordinal` (line, ordinal): which row of its purchase id a row is.

    Refused rows count too, so that a row keeps its place when it is mended; a replay
    reads the places that the load gave. Empty unless ids repeat.
    """
    if not _repeats(landing.contract):
        return landing.lake.stage("row_ordinal", _NO_ORDINAL)
    return landing.lake.stage("row_ordinal", sql(_ORDINAL, of=landing.replay_of))


_NO_ORDINAL = "select 0::bigint as line, 0::bigint as ordinal limit 0"
_ORDINAL = """
with given as (
    select line, any_value(ordinal) as ordinal from raw.refused
    where load_id = $of and ordinal is not null group by line
)
select m.line, coalesce(g.ordinal,
    row_number() over (partition by m.transaction_key order by m.line)) as ordinal
from typed_row as m left join given as g on g.line = m.line
where m.transaction_key is not null
"""


def stage_transactions(landing: Landing) -> Name:
    """Stage `new_transaction`: purchases that are new, or say something else than now.

    Of several rows about a purchase the newest counts: by `recorded_at`, then by line;
    one that is older than what the lake holds changes nothing. `replaced_transaction`
    holds what the corrected ones were.
    """
    if landing.contract.transaction is None:
        for name, table in _EMPTY.items():
            landing.lake.stage(name, f"select * from {table} limit 0")
        return Name("new_transaction")
    _stage_said(landing)
    staged = landing.lake.stage("new_transaction", _NEW)
    landing.lake.stage(
        "replaced_transaction",
        sql(_REPLACED, load_id=landing.load_id, at=landing.loaded_at),
    )
    return staged


def transaction_writes(landing: Landing) -> Iterator[Write]:
    """Yield the writes of the staged purchases."""
    if landing.has_any(Name("replaced_transaction")):
        yield append("core.transaction_version", Name("replaced_transaction"))
    if landing.has_any(Name("new_transaction")):
        staged = Name("new_transaction")
        yield upsert("core.transaction", staged, ["transaction_id"])


_EMPTY = {
    "new_transaction": "core.transaction",
    "replaced_transaction": "core.transaction_version",
}
_SAID = """
with keyed as (
    select a.*, {key} as full_key
    from mapped_row as a left join row_ordinal as o using (line)
)
select {id} as transaction_id, subject_id, {origin}, row_at as occurred_at,
    claimed_at > row_at as is_clamped, recorded_at,
    "transaction.amount" as amount, "transaction.currency" as currency,
    "transaction.quantity"::bigint as quantity,
    "transaction.category"::varchar as category
from keyed
qualify row_number() over (
    partition by transaction_id order by recorded_at desc, line desc
) = 1
"""
_NEW = """
select s.* from said_transaction as s
left join core.transaction as k using (transaction_id)
where k.transaction_id is null or (
    s.recorded_at >= coalesce(k.recorded_at, '-infinity') and (
        row(s.subject_id, s.amount, s.currency, s.quantity, s.category)
        is distinct from row(k.subject_id, k.amount, k.currency, k.quantity, k.category)
        or (s.occurred_at <> k.occurred_at and not (s.is_clamped and k.is_clamped))
    )
)
order by s.occurred_at
"""
_REPLACED = """
select k.*, $load_id as replaced_by, $at::timestamptz as replaced_at
from core.transaction as k semi join new_transaction as n using (transaction_id)
"""


def _stage_said(landing: Landing) -> None:
    ordinal = " || chr(31) || o.ordinal" if _repeats(landing.contract) else ""
    landing.lake.stage(
        "said_transaction",
        sql(
            _SAID,
            key=Query(f"a.transaction_key{ordinal}"),
            id=digest_uuid_sql(
                landing.keys.content, landing.contract.source, Query("full_key")
            ),
            origin=landing.origin,
        ),
    )


def _repeats(contract: Contract) -> bool:
    return contract.transaction is not None and contract.transaction.repeats
