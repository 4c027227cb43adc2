from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from made_up_people import BEGIN
from sample_workspace import copy_workspace, open_at

from dmp.core.errors import ConfigInvalid, UnknownName, UsageError
from dmp.flows.models import model_versions, use_model
from dmp.flows.resolve import (
    current_model,
    identity_settings,
    import_model,
    linkage_key,
    resolve_people,
)
from dmp.flows.workspace import Workspace
from dmp.identity.imported import imported_model
from dmp.identity.linkage import stage_scored_pairs
from dmp.identity.model import LinkageModel
from dmp.identity.records import stage_linkage_records
from dmp.identity.settings import LinkageSettings

pytestmark = pytest.mark.slow


@pytest.fixture
def linkage(resolved_sample: Workspace) -> LinkageSettings:
    settings = identity_settings(resolved_sample).linkage
    assert settings
    return settings


@pytest.fixture
def saved(resolved_sample: Workspace) -> dict[str, Any]:
    """What Splink wrote when the model of the sample was trained."""
    model = current_model(resolved_sample, identity_settings(resolved_sample))
    assert model
    return deepcopy(model.settings)


def as_splink_3(saved: dict[str, Any]) -> dict[str, Any]:
    """The same model as version 3 saves it: rules as text, no dialect, no labels."""
    old = {key: value for key, value in saved.items() if key != "sql_dialect"}
    old["blocking_rules_to_generate_predictions"] = ["l.email = r.email"]
    for comparison in old["comparisons"]:
        comparison["comparison_description"] = "exact match vs. anything else"
        for level in comparison["comparison_levels"]:
            level.pop("label_for_charts")
    return old


def scores(workspace: Workspace, model: LinkageModel) -> list[tuple[Any, ...]]:
    settings = identity_settings(workspace).linkage
    assert settings
    stage_linkage_records(workspace.lake, workspace.vault, settings)
    stage_scored_pairs(workspace.lake, model, settings, linkage_key(workspace))
    return workspace.lake.rows("select * from scored_pair order by all")


@pytest.mark.parametrize("version", [3, 4])
def test_a_saved_model_scores_as_the_one_that_was_saved(
    resolved_sample: Workspace,
    linkage: LinkageSettings,
    saved: dict[str, Any],
    version: int,
) -> None:
    document = as_splink_3(saved) if version == 3 else saved
    through_json = json.loads(json.dumps(document))
    lake = resolved_sample.lake
    found = imported_model(lake, through_json, "a file", linkage, now=BEGIN)
    trained = current_model(resolved_sample, identity_settings(resolved_sample))
    assert trained
    same_frequencies = LinkageModel(trained.name, found.settings, "", 0)
    assert [one["match_weight"] for one in found.levels] == [
        one["match_weight"] for one in trained.levels
    ]
    assert scores(resolved_sample, same_frequencies) == scores(resolved_sample, trained)


def test_all_that_does_not_fit_is_told_at_once(
    resolved_sample: Workspace, linkage: LinkageSettings, saved: dict[str, Any]
) -> None:
    first, second, *_ = saved["comparisons"]
    saved["link_type"] = "link_only"
    saved["probability_two_random_records_match"] = 1
    saved["sql_dialect"] = "spark"
    first["output_column_name"] = "forename"
    first["comparison_levels"][1]["m_probability"] = None
    first["comparison_levels"][1]["tf_adjustment_column"] = "forename"
    levels = second["comparison_levels"]
    levels[1]["sql_condition"] = '"surname_l" = "surname_r"'
    levels[2]["sql_condition"] = "no_such_function(last_name_l) = 1"
    levels[3]["sql_condition"] = (
        "(select count(*) from read_csv('/etc/passwd')) > 0 and last_name_l = '1'"
    )
    levels.pop()
    with pytest.raises(ConfigInvalid) as error:
        imported_model(resolved_sample.lake, saved, "a file", linkage, now=BEGIN)
    place = "comparisons.last_name.comparison_levels"
    assert [(fault.path, fault.wrong) for fault in error.value.faults] == [
        ("link_type", "'link_only'"),
        ("probability_two_random_records_match", "not in (0, 1)"),
        ("sql_dialect", "'spark'"),
        ("comparisons", "none is called first_name"),
        ("comparisons.forename", "not one of the settings"),
        (
            "comparisons.forename.comparison_levels.1.m_probability",
            "not in (0, 1]",
        ),
        (
            "comparisons.forename.comparison_levels.1.tf_adjustment_column",
            "no such column",
        ),
        ("comparisons.last_name", "does not end in ELSE"),
        (f"{place}.1.sql_condition", "no column surname_l, surname_r"),
        (f"{place}.2.sql_condition", "DuckDB cannot evaluate it"),
        (f"{place}.3.sql_condition", "reads more than two records"),
    ]


@pytest.mark.parametrize("document", [[], {}, {"comparisons": "none"}, None])
def test_what_is_no_model_is_told(
    resolved_sample: Workspace, linkage: LinkageSettings, document: Any
) -> None:
    with pytest.raises(ConfigInvalid, match="a model that Splink saved has them"):
        imported_model(resolved_sample.lake, document, "a file", linkage, now=BEGIN)


def test_an_imported_model_is_used_by_the_next_run(
    resolved_sample: Workspace, saved: dict[str, Any], tmp_path: Path
) -> None:
    saved["probability_two_random_records_match"] /= 2
    file = tmp_path / "saved.json"
    file.write_text(json.dumps(saved))
    home = copy_workspace(resolved_sample.paths.home, tmp_path / "copy")
    with open_at(home) as workspace:
        model = import_model(workspace, file)
        assert import_model(workspace, file) == model
        resolution, _ = resolve_people(workspace)
        assert (resolution.model, resolution.is_full) == (model.name, True)
        again, _ = resolve_people(workspace)
        assert not again.is_new
        file.write_text("comparisons: []")
        with pytest.raises(UsageError, match="is no JSON"):
            import_model(workspace, file)


def test_an_older_version_is_made_current_again(
    resolved_sample: Workspace, saved: dict[str, Any], tmp_path: Path
) -> None:
    saved["probability_two_random_records_match"] /= 2
    file = tmp_path / "saved.json"
    file.write_text(json.dumps(saved))
    home = copy_workspace(resolved_sample.paths.home, tmp_path / "copy")
    with open_at(home) as workspace:
        [before] = [v.name for v in model_versions(workspace) if v.is_current]
        model = import_model(workspace, file)
        planned = use_model(workspace, before, dry_run=True)
        assert planned.is_new and (planned.model, planned.before) == (
            before,
            model.name,
        )
        assert [v.is_current for v in model_versions(workspace)].count(True) == 1
        assert use_model(workspace, model.name).is_new is False
        assert use_model(workspace, before) == planned
        assert [v.name for v in model_versions(workspace) if v.is_current] == [before]
        current = current_model(workspace, identity_settings(workspace))
        assert current is not None and current.name == before
        with pytest.raises(UnknownName, match="no-such"):
            use_model(workspace, "no-such")
        log = (workspace.paths.audit / "log.jsonl").read_text().splitlines()
        assert json.loads(log[-1])["action"] == "identity.use-model"
