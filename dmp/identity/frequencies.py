"""Term frequencies as a model froze them: how often each value was met at training.

Agreement on a rare value says more than on a common one. Counted anew with each load,
frequencies would shift every score a little; frozen, the score of a pair depends on its
two records alone. A value met once or never counts as met once.
Source: Winkler 2000 (frequency-based matching); docs/adr/0007-incremental.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from dmp.core.sql import Name, Query, quote_name, quote_text, sql
from dmp.identity.model import LinkageModel, levels
from dmp.privacy import PseudonymKey
from dmp.privacy.pseudonyms import digest_uuid, digest_uuid_sql
from dmp.storage.lake import Lake
from dmp.storage.write import append, commit


def frequency_fields(model: LinkageModel) -> list[str]:
    """Return the fields of which the model weighs agreement by frequency, in order."""
    named = (level.get("tf_adjustment_column") for _, level in levels(model.settings))
    return sorted({name for name in named if name})


def are_frozen(lake: Lake, model: LinkageModel) -> bool:
    """Say whether `identity.term_frequency` holds what the model needs."""
    known = lake.value(
        "select count(distinct field) from identity.term_frequency where model = $name",
        name=model.name,
    )
    return int(known) == len(frequency_fields(model))


def freeze(lake: Lake, model: LinkageModel, key: PseudonymKey) -> None:
    """Keep the frequencies of the values in the scratch table `linkage_record`.

    Appends to `identity.term_frequency`, for each field, the values met at least twice
    by keyed token, and the frequency of all others. Frozen frequencies stay.
    """
    fields = frequency_fields(model)
    if not fields or are_frozen(lake, model):
        return
    rows = [_counted(field, key) for field in fields]
    text = sql(
        "select $model as model, field, token, frequency from ({rows})",
        rows=Query(
            " union all ".join(row.text for row in rows),
            {name: value for row in rows for name, value in row.params.items()},
        ),
        model=model.name,
    )
    lake.stage("frozen_frequency", text)
    commit(
        lake,
        [append("identity.term_frequency", Name("frozen_frequency"))],
        message=f"freeze term frequencies of {model.name}",
        on_record=False,
    )


def inherit(lake: Lake, model: LinkageModel) -> None:
    """Keep for a model whose weights were moved by hand the frequencies of its parent.

    Appends to `identity.term_frequency`; frozen frequencies stay, and a model without a
    parent inherits nothing.
    """
    if not model.parent or not frequency_fields(model) or are_frozen(lake, model):
        return
    rows = sql(
        "select $model as model, field, token, frequency "
        "from identity.term_frequency where model = $parent",
        model=model.name,
        parent=model.parent,
    )
    lake.stage("inherited_frequency", rows)
    commit(
        lake,
        [append("identity.term_frequency", Name("inherited_frequency"))],
        message=f"term frequencies of {model.parent} for {model.name}",
        on_record=False,
    )


def stage_frequencies(
    lake: Lake, model: LinkageModel, key: PseudonymKey
) -> dict[str, Name]:
    """Stage `frequency_<field>` for the values in the scratch table `linkage_record`.

    One row a value: `<field>`, `tf_<field>` in (0, 1], as Splink looks them up.
    """
    return {
        field: lake.stage(f"frequency_{field}", _looked_up(field, model, key))
        for field in frequency_fields(model)
    }


def records_with_frequencies(model: LinkageModel) -> Query:
    """Return the select of `linkage_record` with `tf_<field>` of each value.

    Reads the scratch tables that `stage_frequencies` made.
    """
    fields = frequency_fields(model)
    joins = " ".join(
        f"left join {quote_name('frequency_' + field)} using ({quote_name(field)})"
        for field in fields
    )
    rarities = "".join(f", {quote_name('tf_' + field)}" for field in fields)
    return Query(f"select r.*{rarities} from linkage_record as r {joins}")


def _counted(field: str, key: PseudonymKey) -> Query:
    return sql(
        """
        select {name} as field, {token} as token, n / total as frequency
        from ({counts}) where n > 1
        union all
        select {name}, null, 1 / greatest(count({field}), 1) from linkage_record
        """,
        name=Query(quote_text(field)),
        token=digest_uuid_sql(key, f"frequency {field}", Query("value")),
        counts=Query(
            f"select {quote_name(field)}::varchar as value, count(*) as n, "
            "sum(n) over () as total from linkage_record "
            f"where {quote_name(field)} is not null group by value"
        ),
        field=Name(field),
    )


def _looked_up(field: str, model: LinkageModel, key: PseudonymKey) -> Query:
    return sql(
        """
        with frozen as (
            select token, frequency from identity.term_frequency
            where model = $model and field = $field
        ), met as (
            select {value} as value, {token} as token
            from (select distinct {value} from linkage_record)
            where {value} is not null
        )
        select m.value as {value}, coalesce(
            f.frequency, (select frequency from frozen where token is null)
        ) as {frequency}
        from met as m left join frozen as f using (token)
        """,
        value=Name(field),
        token=digest_uuid_sql(
            key, f"frequency {field}", Query(f"{quote_name(field)}::varchar")
        ),
        frequency=Name(f"tf_{field}"),
        model=model.name,
        field=field,
    )


@dataclass(frozen=True)
class Frequencies:
    """The frozen frequencies of one field, to look single values up.

    Attributes:
        by_token: keyed digest of a value met twice or more to its frequency.
        other: the frequency of every other value.
    """

    by_token: dict[UUID, float]
    other: float

    def of(self, token: UUID) -> float:
        """Return the frequency of the value of a token of `frequency_token`."""
        return self.by_token.get(token, self.other)


def frequency_token(key: PseudonymKey, field: str, value: str) -> UUID:
    """Return the token under which the frequency of a field's value is frozen."""
    return digest_uuid(key, f"frequency {field}", value)


def frozen(lake: Lake, model: LinkageModel) -> dict[str, Frequencies]:
    """Return the frozen frequencies of each field that the model weighs by them."""
    found: dict[str, dict[UUID | None, float]] = {}
    for field, token, frequency in lake.rows(
        "select field, token, frequency from identity.term_frequency "
        "where model = $model",
        model=model.name,
    ):
        found.setdefault(field, {})[token] = frequency
    return {
        field: Frequencies({t: f for t, f in rows.items() if t}, rows[None])
        for field, rows in found.items()
    }
