"""Probabilistic linkage by Splink: training, then the scores of blocked pairs."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dmp.core.config import fingerprint
from dmp.core.errors import ModelNotTrained, UsageError
from dmp.core.sql import Name, Query, quote_name, sql
from dmp.identity.blocking import check_pair_ceiling, column_sql
from dmp.identity.comparisons import comparison_dict
from dmp.identity.frequencies import stage_frequencies
from dmp.identity.model import LinkageModel, levels
from dmp.identity.settings import LinkageSettings
from dmp.privacy import PseudonymKey
from dmp.storage.lake import Lake

if TYPE_CHECKING:
    from splink import Linker

_LOG = logging.getLogger(__name__)
_SEED = 1
_RARE = "no pair has level=%s of=%s; it is left out of the model"


def train(lake: Lake, settings: LinkageSettings, *, now: datetime) -> LinkageModel:
    """Train a model on the scratch table `linkage_record`.

    Same records and settings give the same model. A level between full agreement and
    all else that no pair of the training has, such as initials where nobody writes
    them, is left out of the model, with a warning: its pairs are those of the next one.

    Raises:
        UsageError: fewer than two records, or a rule makes more pairs than allowed.
        ModelNotTrained: another level of a comparison has no m or u; it is named.
    Source: Fellegi & Sunter 1969; Winkler 2000 (EM); Splink `linker.training`.
    """
    records = int(lake.value("select count(*) from linkage_record"))
    if records < 2:
        raise UsageError(
            "no records to train on: ingest a source that gives names first"
        )
    check_pair_ceiling(lake, settings)
    document = _untrained(settings)
    trained = _trained(lake, settings, document)
    smaller = _without_rare(document, trained)
    if smaller != document:
        trained = _trained(lake, settings, smaller)
    _check_trained(trained)
    name = f"{settings.model}-{fingerprint(trained['comparisons'])}"
    return LinkageModel(name, trained, now.isoformat(), records)


def stage_scored_pairs(
    lake: Lake, model: LinkageModel, settings: LinkageSettings, key: PseudonymKey
) -> Name:
    """Score every blocked pair of `linkage_record` and stage `scored_pair`.

    One row an unordered pair, `subject_id_l < subject_id_r`, with `match_weight` in
    bits (prior and contradictions included), `match_probability` in (0, 1) and
    `is_inner`, which of none is true. The score of a pair depends on its two records
    and on what the model froze. No pairs give an empty table; same records and model
    give the same rows.
    """
    if int(lake.value("select count(*) from linkage_record")) < 2:
        return lake.stage("scored_pair", NO_PAIRS)
    with scorer(lake, model, settings, key) as linker:
        predicted = linker.inference.predict()
        return lake.stage(
            "scored_pair",
            sql(
                "select least(subject_id_l, subject_id_r) as subject_id_l, "
                "greatest(subject_id_l, subject_id_r) as subject_id_r, "
                "match_weight - ({bits}) as match_weight, "
                "1 / (1 + 2 ** -(match_weight - ({bits}))) as match_probability, "
                "false as is_inner "
                "from {predicted} order by all",
                predicted=Query(predicted.physical_name),
                bits=contradiction_bits(settings),
            ),
        )


def scorer(
    lake: Lake,
    model: LinkageModel,
    settings: LinkageSettings,
    key: PseudonymKey,
    *,
    parts: bool = False,
    every_two: bool = False,
) -> AbstractContextManager[Linker]:
    """Give a linker that scores `linkage_record`, with the frequencies of the model.

    Args:
        parts: keep what each comparison says: columns `mw_…`, in bits.
        every_two: score every two of a few records, not only those that blocking rules
            bring up.
    """
    rules = [_block(rule) for rule in settings.blocking_rules]
    chosen = {
        **model.settings,
        "blocking_rules_to_generate_predictions": ["1 = 1"] if every_two else rules,
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": parts,
    }
    return _linker(lake, chosen, stage_frequencies(lake, model, key))


def contradiction_bits(settings: LinkageSettings) -> Query:
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
    "0::double as match_weight, 0::double as match_probability, "
    "false as is_inner limit 0"
)
"""The select of a `scored_pair` without any pair."""


@contextmanager
def _linker(
    lake: Lake, settings: dict[str, Any], frequencies: Mapping[str, Name] | None = None
) -> Iterator[Linker]:
    """Give a linker over `linkage_record`; its own tables are gone afterwards.

    Args:
        frequencies: field to the scratch table of its term frequencies; those of other
            fields are counted in the records.
    """
    from splink import DuckDBAPI, Linker  # takes a second to import

    with lake.scratch_catalog() as connection:
        api = DuckDBAPI(connection=connection)
        linker = Linker(api.register("linkage_record"), settings, log_level="ERROR")
        tables: Any = linker.table_management
        for field, table in (frequencies or {}).items():
            found = api.register(table.parts[0])
            tables.register_term_frequency_lookup(found, field)
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
    return dict(_rounded(linker.misc.save_model_to_json()))


def _rounded(value: Any) -> Any:
    """Return what was estimated to nine digits.

    Threads add up in another order each time; what they differ in lies far below.
    """
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list) else value


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
    from splink import block_on

    return block_on(*(column_sql(part) for part in rule))


def _trained(
    lake: Lake, settings: LinkageSettings, document: dict[str, Any]
) -> dict[str, Any]:
    with _linker(lake, document) as linker:
        return _estimate(linker, settings)


def _not_estimated(trained: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the comparison and level of each m or u that is lacking, and which."""
    return [
        (comparison["output_column_name"], level["label_for_charts"], what)
        for comparison, level in levels(trained)
        for what in ("m", "u")
        if not isinstance(level.get(f"{what}_probability"), float)
    ]


def _without_rare(document: dict[str, Any], trained: dict[str, Any]) -> dict[str, Any]:
    """Return a description without what lacks between the first level and all else."""
    lacking = {(name, label) for name, label, _ in _not_estimated(trained)}
    comparisons = []
    for comparison in document["comparisons"]:
        name, known = comparison["output_column_name"], comparison["comparison_levels"]
        rare = [
            level
            for level in known[2:-1]
            if (name, level["label_for_charts"]) in lacking
        ]
        for level in rare:
            _LOG.warning(_RARE, level["label_for_charts"], name)
        kept = [level for level in known if level not in rare]
        comparisons.append({**comparison, "comparison_levels": kept})
    return {**document, "comparisons": comparisons}


def _check_trained(trained: dict[str, Any]) -> None:
    missing = [
        f"{name} / {label}: no {what}" for name, label, what in _not_estimated(trained)
    ]
    if missing:
        listed = "\n  ".join(missing)
        raise ModelNotTrained(
            f"these levels could not be trained:\n  {listed}\n"
            "give more records, another training rule, or a simpler comparison"
        )
