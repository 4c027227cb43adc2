"""Consent decisions of a load, those that say something new."""

from __future__ import annotations

from dmp.core.sql import Name, Query, quote_name, quote_text, sql
from dmp.ingest.contracts import Contract
from dmp.ingest.landing import Landing
from dmp.ingest.mapping import consent_columns


def stage_consent(landing: Landing) -> Name:
    """Stage `new_consent`: decisions that change what the subject last decided."""
    parts = [
        _decision(landing.contract, number)
        for number in range(len(landing.contract.consent))
    ]
    if not parts:
        return landing.lake.stage(
            "new_consent", "select * from privacy.consent limit 0"
        )
    return landing.lake.stage(
        "new_consent",
        sql(
            """
            with said as ({said}),
            known as (
                select subject_id, purpose, status, captured_at, true as is_known
                from privacy.consent
                where subject_id in (select subject_id from said)
            ), all_said as (
                select *, '' as legal_basis, '' as source_string from known
                union all by name
                select distinct *, false as is_known from said
            ), turned as (
                select *, lag(status) over (
                    partition by subject_id, purpose
                    order by captured_at, is_known desc, status desc
                ) as before
                from all_said
            )
            select subject_id, purpose, status, legal_basis, source_string,
                captured_at, {origin}
            from turned where not is_known and status is distinct from before
            """,
            said=Query(" union all ".join(parts)),
            origin=landing.origin,
        ),
    )


def _decision(contract: Contract, number: int) -> str:
    spec = contract.consent[number]
    status, at = (quote_name(column) for column in consent_columns(number))
    return (
        f"select subject_id, {quote_text(spec.purpose)} as purpose, "
        f"{status} as status, {quote_text(spec.legal_basis)} as legal_basis, "
        f"{quote_text(spec.from_[0] if spec.from_ else 'declared')} as source_string, "
        f"coalesce({at}, row_at) as captured_at from accepted_row "
        f"where {status} is not null"
    )
