from __future__ import annotations

from typing import Any

import pytest
from splink import DuckDBAPI, Linker, block_on

from dmp.flows.resolve import current_model, identity_settings, linkage_key
from dmp.flows.workspace import Workspace
from dmp.identity.frequencies import (
    are_frozen,
    freeze,
    frequency_fields,
    stage_frequencies,
)
from dmp.identity.linkage import stage_scored_pairs
from dmp.identity.model import LinkageModel
from dmp.identity.records import stage_linkage_records
from dmp.identity.settings import LinkageSettings
from dmp.storage.lake import Lake


@pytest.fixture
def linkage(resolved_sample: Workspace) -> tuple[LinkageModel, LinkageSettings]:
    settings = identity_settings(resolved_sample)
    model = current_model(resolved_sample, settings)
    assert model and settings.linkage
    stage_linkage_records(resolved_sample.lake, resolved_sample.vault, settings.linkage)
    return model, settings.linkage


def shares(lake: Lake, field: str) -> dict[str, float]:
    """The share of each value among the records that give the field."""
    return dict(
        lake.rows(
            f"select {field}, count(*) / sum(count(*)) over () from linkage_record "
            f"where {field} is not null group by {field}"
        )
    )


def test_what_was_trained_on_weighs_as_it_was_met(
    resolved_sample: Workspace, linkage: tuple[LinkageModel, LinkageSettings]
) -> None:
    lake, model = resolved_sample.lake, linkage[0]
    assert are_frozen(lake, model)
    found = stage_frequencies(lake, model, linkage_key(resolved_sample))
    assert (
        {"first_name", "last_name", "email"} <= set(found) == {*frequency_fields(model)}
    )
    for field, table in found.items():
        looked_up = dict(lake.rows(f"select {field}, tf_{field} from {table}"))
        assert looked_up == pytest.approx(shares(lake, field))


def test_scores_are_those_of_splink_that_counts_for_itself(
    resolved_sample: Workspace, linkage: tuple[LinkageModel, LinkageSettings]
) -> None:
    lake, (model, settings) = resolved_sample.lake, linkage
    plain = settings.model_copy(
        update={"contradictions": {}, "blocking_rules": (("email",), ("phone",))}
    )
    stage_scored_pairs(lake, model, plain, linkage_key(resolved_sample))
    columns = "subject_id_l, subject_id_r, match_weight"
    ours = lake.rows(f"select {columns} from scored_pair")
    rules = [block_on("email"), block_on("phone")]
    chosen = {**model.settings, "blocking_rules_to_generate_predictions": rules}
    with lake.scratch_catalog() as connection:
        records = DuckDBAPI(connection=connection).register("linkage_record")
        linker = Linker(records, chosen, log_level="ERROR")
        predicted = linker.inference.predict().physical_name
        theirs = connection.sql(
            "select least(subject_id_l, subject_id_r), greatest(subject_id_l, "
            f"subject_id_r), match_weight from {predicted}"
        ).fetchall()
        tables: Any = linker.table_management
        tables.delete_tables_created_by_splink_from_db()
    assert len(ours) > 500
    expected = {(left, right): weight for left, right, weight in theirs}
    assert {(left, right): weight for left, right, weight in ours} == pytest.approx(
        expected
    )


def test_no_value_is_kept_that_was_met_once(
    resolved_sample: Workspace, linkage: tuple[LinkageModel, LinkageSettings]
) -> None:
    lake, model = resolved_sample.lake, linkage[0]
    for field in frequency_fields(model):
        met = shares(lake, field)
        once = min(met.values())
        rows = lake.rows(
            "select token, frequency from identity.term_frequency "
            "where model = $model and field = $field",
            model=model.name,
            field=field,
        )
        others = [frequency for token, frequency in rows if token is None]
        kept = sorted(frequency for token, frequency in rows if token is not None)
        assert others == pytest.approx([once])
        expected = sorted(share for share in met.values() if share > 1.5 * once)
        assert kept == pytest.approx(expected)


def test_what_comes_later_changes_no_frequency(
    resolved_sample: Workspace, linkage: tuple[LinkageModel, LinkageSettings]
) -> None:
    lake, model = resolved_sample.lake, linkage[0]
    key = linkage_key(resolved_sample)
    before = stage_frequencies(lake, model, key)["last_name"]
    (name, frequency), *_ = lake.rows(
        f"select * from {before} order by tf_last_name desc, last_name"
    )
    lake.execute(
        "insert into linkage_record by name select subject_id + 1 as subject_id, "
        "$name as last_name from linkage_record",
        name=name,
    )
    lake.execute(
        "insert into linkage_record by name "
        "select 1::bigint as subject_id, 'never met before' as last_name"
    )
    freeze(lake, model, key)
    after = stage_frequencies(lake, model, key)["last_name"]
    looked_up = dict(lake.rows(f"select * from {after}"))
    assert looked_up[name] == frequency
    assert looked_up["never met before"] == min(looked_up.values())
