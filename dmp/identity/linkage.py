"""Probabilistic linkage by Splink: a model trained once, kept as JSON, then frozen."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from splink import DuckDBAPI, Linker, block_on

from dmp.core.config import fingerprint
from dmp.core.errors import ModelNotTrained, UsageError
from dmp.core.sql import Name, Query, quote_name, sql
from dmp.identity.comparisons import comparison_dict
from dmp.identity.settings import LinkageSettings
from dmp.storage.lake import Lake

_LOG = logging.getLogger(__name__)
_SEED = 1
_SAME_WITHIN = 1e-6


@dataclass(frozen=True)
class LinkageModel:
    """A trained model.

    Attributes:
        name: the model's name and a fingerprint of its parameters, `people-1a2b…`.
        settings: Splink's settings with every m and u probability; no personal value.
        trained_at: instant of the training, ISO 8601.
        records: how many records it was trained on.
    """

    name: str
    settings: dict[str, Any]
    trained_at: str
    records: int

    @property
    def levels(self) -> list[dict[str, Any]]:
        """One row a comparison level: comparison, level, m, u, match weight in bits."""
        return [
            {
                "comparison": comparison["output_column_name"],
                "level": level["label_for_charts"],
                "m": level["m_probability"],
                "u": level["u_probability"],
                "match_weight": math.log2(
                    level["m_probability"] / level["u_probability"]
                ),
            }
            for comparison, level in _levels(self.settings)
        ]


@dataclass(frozen=True)
class BlockingCost:
    """What a blocking rule costs: pairs of records, before anything is scored."""

    rule: str
    pairs: int


def blocking_costs(lake: Lake, settings: LinkageSettings) -> list[BlockingCost]:
    """Count the pairs of each blocking rule over the scratch `linkage_record`.

    Pairs that several rules give are counted by each.
    """
    return [
        BlockingCost(" + ".join(rule), _pairs(lake, rule))
        for rule in settings.blocking_rules
    ]


def train(lake: Lake, settings: LinkageSettings, *, now: datetime) -> LinkageModel:
    """Train a model on the scratch table `linkage_record`.

    Same records and settings give the same model, to a relative 1e-6.

    Raises:
        UsageError: fewer than two records, or a rule makes more pairs than allowed.
        ModelNotTrained: a level of a comparison has no m or u; it is named.
    Source: Fellegi & Sunter 1969; Winkler 2000 (EM); Splink `linker.training`.
    """
    records = int(lake.value("select count(*) from linkage_record"))
    if records < 2:
        raise UsageError(
            "no records to train on: ingest a source that gives names first"
        )
    check_pair_ceiling(lake, settings)
    with _linker(lake, _untrained(settings)) as linker:
        trained = _estimate(linker, settings)
    _check_trained(trained)
    name = f"{settings.model}-{fingerprint(trained['comparisons'])}"
    return LinkageModel(name, trained, now.isoformat(), records)


def stage_scored_pairs(
    lake: Lake, model: LinkageModel, settings: LinkageSettings
) -> Name:
    """Score every blocked pair of `linkage_record` and stage `scored_pair`.

    One row an unordered pair, `subject_id_l < subject_id_r`, with `match_weight` in
    bits (prior and contradictions included) and `match_probability` in (0, 1). No
    pairs give an empty table; same records and model give the same rows.
    """
    if int(lake.value("select count(*) from linkage_record")) < 2:
        return lake.stage("scored_pair", NO_PAIRS)
    with _linker(lake, model.settings) as linker:
        predicted = linker.inference.predict()
        return lake.stage(
            "scored_pair",
            sql(
                "select least(subject_id_l, subject_id_r) as subject_id_l, "
                "greatest(subject_id_l, subject_id_r) as subject_id_r, "
                "match_weight - ({bits}) as match_weight, "
                "1 / (1 + 2 ** -(match_weight - ({bits}))) as match_probability "
                "from {predicted} order by all",
                predicted=Query(predicted.physical_name),
                bits=_contradiction_bits(settings),
            ),
        )


def _contradiction_bits(settings: LinkageSettings) -> Query:
    """Return the expression for what full disagreement takes off; 0 where none does.

    Splink numbers a comparison's levels from 0, all else, upwards; -1 is missing.
    """
    terms = (
        f"case when {quote_name('gamma_' + field)} = 0 then {bits!r} else 0 end"
        for field, bits in settings.contradictions.items()
    )
    return Query(" + ".join(terms) or "0")


NO_PAIRS = (
    "select 0::bigint as subject_id_l, 0::bigint as subject_id_r, "
    "0::double as match_weight, 0::double as match_probability limit 0"
)
"""The select of a `scored_pair` without any pair."""


def check_pair_ceiling(lake: Lake, settings: LinkageSettings) -> None:
    """Refuse blocking rules that would make more pairs than `max_pairs`.

    Raises:
        UsageError: names each rule with its count.
    """
    costs = blocking_costs(lake, settings)
    total = sum(cost.pairs for cost in costs)
    if total > settings.max_pairs:
        listed = "; ".join(f"{cost.rule}: {cost.pairs:,}" for cost in costs)
        raise UsageError(
            f"the blocking rules make {total:,} pairs, more than max_pairs = "
            f"{settings.max_pairs:,} ({listed}); narrow the largest or raise max_pairs "
            "in config/identity.yaml"
        )


def save_model(folder: Path, model: LinkageModel) -> bool:
    """Keep a model and make it the current one; return whether it is new.

    A model whose parameters equal the current one's within a relative 1e-6 is not kept
    again: the current one stays.
    """
    current = load_model(folder)
    if current and _same(current.settings, model.settings):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / f"{model.name}.json", json.dumps(model.__dict__, indent=1))
    _write(folder / "current.json", json.dumps({"model": model.name}))
    return True


def load_model(folder: Path) -> LinkageModel | None:
    """Return the current model of a folder, or None where none was trained."""
    pointer = folder / "current.json"
    if not pointer.exists():
        return None
    name = json.loads(pointer.read_text())["model"]
    return read_model(folder / f"{name}.json")


def read_model(path: Path) -> LinkageModel:
    """Return a kept model.

    Raises:
        UsageError: the file is absent, or no model of this form.
    """
    try:
        return LinkageModel(**json.loads(path.read_text()))
    except (OSError, TypeError, ValueError) as error:
        raise UsageError(
            f"{path} is no linkage model that dmp train kept; those lie in data/models"
        ) from error


def require_fit(model: LinkageModel, settings: LinkageSettings) -> None:
    """Go on only if the model compares what the settings name.

    Raises:
        UsageError: names what the two compare, and what to do.
    """
    wanted = ["_".join(comparison.fields) for comparison in settings.comparisons]
    known = [each["output_column_name"] for each in model.settings["comparisons"]]
    if sorted(wanted) != sorted(known):
        raise UsageError(
            f"the model {model.name} compares {', '.join(known)}, but the settings "
            f"name {', '.join(wanted)}; train a model for them: dmp train"
        )


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    os.replace(partial, path)


@contextmanager
def _linker(lake: Lake, settings: dict[str, Any]) -> Iterator[Linker]:
    """Give a linker over `linkage_record`; its own tables are gone afterwards."""
    with lake.scratch_catalog() as connection:
        records = DuckDBAPI(connection=connection).register("linkage_record")
        linker = Linker(records, settings, log_level="ERROR")
        tables: Any = linker.table_management
        try:
            yield linker
        finally:
            tables.delete_tables_created_by_splink_from_db()


def _estimate(linker: Linker, settings: LinkageSettings) -> dict[str, Any]:
    training = linker.training
    training.estimate_probability_two_random_records_match(
        [_block(rule) for rule in settings.prior_rules], recall=settings.prior_recall
    )
    training.estimate_u_using_random_sampling(max_pairs=settings.u_pairs, seed=_SEED)
    for rule in settings.training_rules:
        training.estimate_parameters_using_expectation_maximisation(
            _block(rule), estimate_without_term_frequencies=True
        )
    return dict(linker.misc.save_model_to_json())


def _untrained(settings: LinkageSettings) -> dict[str, Any]:
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "subject_id",
        "comparisons": [comparison_dict(c) for c in settings.comparisons],
        "blocking_rules_to_generate_predictions": [
            _block(rule) for rule in settings.blocking_rules
        ],
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": False,
    }


def _block(rule: Sequence[str]) -> Any:
    return block_on(*(_column(part) for part in rule))


def _column(part: str) -> str:
    """Return the SQL of one part of a rule: a field, or its first letters."""
    field, bracket, cut = part.partition("[:")
    if not bracket:
        return field
    return f"substr({field}, 1, {int(cut.rstrip(']'))})"


def _pairs(lake: Lake, rule: Sequence[str]) -> int:
    keys = ", ".join(_column(part) for part in rule)
    known = " and ".join(f"{_column(part)} is not null" for part in rule)
    return int(
        lake.value(
            f"select coalesce(sum(n * (n - 1) // 2), 0) from (select count(*) as n "
            f"from linkage_record where {known} group by {keys})"
        )
    )


def _levels(
    settings: dict[str, Any],
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for comparison in settings["comparisons"]:
        for level in comparison["comparison_levels"]:
            if not level.get("is_null_level"):
                yield comparison, level


def _check_trained(settings: dict[str, Any]) -> None:
    missing = [
        f"{comparison['output_column_name']} / {level['label_for_charts']}: no {what}"
        for comparison, level in _levels(settings)
        for what in ("m", "u")
        if not isinstance(level.get(f"{what}_probability"), float)
    ]
    if missing:
        listed = "\n  ".join(missing)
        raise ModelNotTrained(
            f"these levels could not be trained:\n  {listed}\n"
            "give more records, another training rule, or a simpler comparison"
        )


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Say whether two settings agree, numbers within a relative 1e-6."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = (set(one) | set(other)) - {"linker_uid"}
        return all(k in one and k in other and _same(one[k], other[k]) for k in keys)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_SAME_WITHIN)
    return one == other
