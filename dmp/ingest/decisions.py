"""Consent decisions of a load, those that say something new."""

from __future__ import annotations

from dmp.core.sql import Name, quote_name, quote_text, sql
from dmp.ingest.contracts import Contract
from dmp.ingest.landing import Landing
from dmp.ingest.mapped_columns import consent_columns


def stage_consent(landing: Landing) -> Name:
    """Stage `new_consent`: decisions that the lake does not hold and may turn on.

    Of a run of equal decisions of a subject the first and the last are kept: a file
    that comes late may still bring the opposite one from in between. Nobody decides in
    the future: such an instant is taken for that of the load.
    """
    lake, specs = landing.lake, landing.contract.consent
    if not specs:
        return lake.stage("new_consent", "select * from privacy.consent limit 0")
    parts = [_decision(landing.contract, number) for number in range(len(specs))]
    said = sql(" union all ".join(parts), at=landing.loaded_at)
    return lake.stage("new_consent", sql(_NEW, said=said, origin=landing.origin))


_NEW = """
with said as ({said}), known as (
    select subject_id, purpose, status, captured_at
    from privacy.consent where subject_id in (select subject_id from said)
), all_said as (
    select *, '' as legal_basis, '' as source_string, true as is_known from known
    union all by name
    select distinct s.*, false as is_known
    from said as s anti join known as k using (subject_id, purpose, status, captured_at)
), turned as (
    select *, lag(status) over w as before, lead(status) over w as after
    from all_said
    window w as (
        partition by subject_id, purpose
        order by captured_at, is_known desc, status desc, source_string, legal_basis
    )
)
select subject_id, purpose, status, legal_basis, source_string, captured_at, {origin}
from turned
where not is_known and (status is distinct from before or after is null)
"""


def _decision(contract: Contract, number: int) -> str:
    spec = contract.consent[number]
    status, at = (quote_name(column) for column in consent_columns(number))
    return (
        f"select subject_id, {quote_text(spec.purpose)} as purpose, "
        f"{status} as status, {quote_text(spec.legal_basis)} as legal_basis, "
        f"{quote_text(spec.from_[0] if spec.from_ else 'declared')} as source_string, "
        f"least(coalesce({at}, row_at), $at) as captured_at from accepted_row "
        f"where {status} is not null"
    )
