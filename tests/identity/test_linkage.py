from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from made_up_people import BEGIN, KEY
from sample_workspace import NOW

from dmp.core.errors import ModelNotTrained, UsageError
from dmp.flows.resolve import identity_settings
from dmp.flows.workspace import Workspace
from dmp.identity.blocking import blocking_costs
from dmp.identity.linkage import stage_scored_pairs, train
from dmp.identity.model import LinkageModel, load_model, save_model
from dmp.identity.records import stage_linkage_records
from dmp.identity.settings import Comparison, LinkageSettings
from dmp.storage.lake import Lake

pytestmark = pytest.mark.slow


@pytest.fixture
def linkage(resolved_sample: Workspace) -> LinkageSettings:
    settings = identity_settings(resolved_sample).linkage
    assert settings
    stage_linkage_records(resolved_sample.lake, resolved_sample.vault, settings)
    return settings


def test_the_same_records_give_the_same_model(
    resolved_sample: Workspace, linkage: LinkageSettings, tmp_path: Path
) -> None:
    one, other, third = (train(resolved_sample.lake, linkage, now=NOW) for _ in "abc")
    assert one.name == other.name == third.name
    assert one.levels == other.levels == third.levels
    assert save_model(tmp_path, one) and not save_model(tmp_path, other)
    assert load_model(tmp_path) == one
    left = resolved_sample.lake.rows(
        "select table_name from duckdb_tables() where table_name like '%splink%'"
    )
    assert left == []


def test_a_level_that_no_pair_has_is_left_out(
    resolved_sample: Workspace,
    linkage: LinkageSettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lake = resolved_sample.lake
    lake.stage(
        "linkage_record",
        "select * replace (case when len(first_name) > 1 then first_name end "
        "as first_name) from linkage_record",
    )
    model = train(lake, linkage, now=NOW)
    told = [one["level"] for one in model.levels if one["comparison"] == "first_name"]
    assert "initial agrees" not in told and told[0] == "exact" and "all else" in told
    assert "initial agrees" in caplog.text
    scored = stage_scored_pairs(lake, model, linkage, KEY)
    assert lake.value(f"select count(*) from {scored}") > 0


def test_a_model_holds_no_personal_value(
    resolved_sample: Workspace, linkage: LinkageSettings
) -> None:
    model = load_model(resolved_sample.paths.models / linkage.model)
    assert model
    text = json.dumps(model.settings).lower()
    for column in ("email", "last_name", "phone"):
        values = resolved_sample.lake.rows(
            f"select distinct {column} from linkage_record where length({column}) > 6"
        )
        assert values
        assert not any(value in text for (value,) in values)


def test_pairs_are_scored_once_and_alike(
    resolved_sample: Workspace, linkage: LinkageSettings
) -> None:
    model = load_model(resolved_sample.paths.models / linkage.model)
    assert model
    lake = resolved_sample.lake
    query = "select * exclude (is_inner) from scored_pair order by all"
    stage_scored_pairs(lake, model, linkage, KEY)
    first = lake.rows(query)
    stage_scored_pairs(lake, model, linkage, KEY)
    assert first == lake.rows(query)
    assert len({row[:2] for row in first}) == len(first) > 1000
    assert all(left < right and 0 <= p <= 1 for left, right, _, p in first)


def test_a_level_that_nothing_trains_is_an_error_with_its_name(
    resolved_sample: Workspace, linkage: LinkageSettings
) -> None:
    rules = {"training_rules": (("first_name", "last_name"),)}
    untrainable = linkage.model_copy(update=rules)
    with pytest.raises(ModelNotTrained, match=r"last_name / exact: no m"):
        train(resolved_sample.lake, untrainable, now=NOW)


def test_too_many_pairs_are_refused_before_they_are_made(
    resolved_sample: Workspace, linkage: LinkageSettings
) -> None:
    low = linkage.model_copy(update={"max_pairs": 100})
    with pytest.raises(UsageError, match=r"more than max_pairs = 100 \(email: \d"):
        train(resolved_sample.lake, low, now=NOW)


def test_the_cost_of_a_rule_is_its_pairs(
    resolved_sample: Workspace, linkage: LinkageSettings
) -> None:
    for cost, rule in zip(
        blocking_costs(resolved_sample.lake, linkage),
        linkage.blocking_rules,
        strict=True,
    ):
        keys = [
            f"substr({{0}}.{part.partition('[:')[0]}, 1, {part[-2]})"
            if "[" in part
            else f"{{0}}.{part}"
            for part in rule
        ]
        equal = " and ".join(f"{k.format('l')} = {k.format('r')}" for k in keys)
        pairs = resolved_sample.lake.value(
            "select count(*) from linkage_record as l join linkage_record as r "
            f"on l.subject_id < r.subject_id and {equal}"
        )
        assert cost.pairs == pairs


def test_nobody_to_compare_is_said_and_scores_nothing(
    lake: Lake, linkage: LinkageSettings
) -> None:
    lake.stage("linkage_record", "select 1::bigint as subject_id limit 0")
    with pytest.raises(UsageError, match="no records to train on"):
        train(lake, linkage, now=BEGIN)
    model = LinkageModel("none", {}, BEGIN.isoformat(), 0)
    assert (
        lake.rows(f"select * from {stage_scored_pairs(lake, model, linkage, KEY)}")
        == []
    )


def test_only_a_comparison_of_parts_takes_several_fields() -> None:
    with pytest.raises(ValueError, match="only kind: parts"):
        Comparison(fields=("a", "b"), kind="exact")
    assert Comparison(fields=("a", "b"), kind="parts").fields == ("a", "b")


def test_who_reads_resolved_people_does_not_wait_for_splink() -> None:
    code = "import sys, dmp.flows.resolve; print('splink' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
