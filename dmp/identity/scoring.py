"""The score of pairs by a trained model, as one expression over both sides.

Splink plans some hundred milliseconds of SQL anew for each call; one record that asks
who it is cannot wait for that. Here the model is written out once, and what it gives is
what Splink gives: the prior, the weight of the level that each comparison falls into,
and for agreement on a value how rare that is.
Source: Fellegi & Sunter 1969; Splink `comparison_level.py`, weights and term
frequencies.
"""

from __future__ import annotations

from math import log2
from typing import Any

from dmp.core.sql import Query, quote_name
from dmp.identity.linkage import contradiction_bits
from dmp.identity.model import LinkageModel
from dmp.identity.settings import LinkageSettings


def weight_sql(model: LinkageModel, settings: LinkageSettings, pairs: Query) -> Query:
    """Return the select of all columns of `pairs` and `match_weight`, in bits.

    Args:
        pairs: a table or a select in brackets with columns `<field>_l`, `<field>_r`
            and, where the model weighs by frequency, `tf_<field>_l`, `tf_<field>_r`.
    """
    comparisons = model.settings["comparisons"]
    prior = model.settings["probability_two_random_records_match"]
    levels = ", ".join(
        f"{_level(each)} as {quote_name('gamma_' + each['output_column_name'])}"
        for each in comparisons
    )
    terms = [repr(log2(prior / (1 - prior))), *map(_weight, comparisons)]
    total = " + ".join(terms)
    return Query(
        f"select *, {total} - ({contradiction_bits(settings).text}) as match_weight "
        f"from (select *, {levels} from {pairs.text})",
        pairs.params,
    )


def _numbered(comparison: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Return the levels with their numbers: 0 is all else, -1 is missing."""
    levels = comparison["comparison_levels"]
    known = [level for level in levels if not level.get("is_null_level")]
    missing = [(-1, level) for level in levels if level.get("is_null_level")]
    return missing + [(len(known) - 1 - n, level) for n, level in enumerate(known)]


def _level(comparison: dict[str, Any]) -> str:
    """Return the expression of the level of a pair: the first that fits."""
    cases = " ".join(
        f"when {level['sql_condition']} then {number}"
        for number, level in _numbered(comparison)
        if level["sql_condition"].strip().upper() != "ELSE"
    )
    return f"case {cases} else 0 end"


def _weight(comparison: dict[str, Any]) -> str:
    gamma = quote_name("gamma_" + comparison["output_column_name"])
    levels = _numbered(comparison)
    cases = " ".join(
        f"when {number} then {_bits(level)}{_rarity(level, comparison)}"
        for number, level in levels
        if number >= 0
    )
    return f"case {gamma} {cases} else 0 end"


def _bits(level: dict[str, Any]) -> str:
    return f"{log2(level['m_probability'] / level['u_probability'])!r}::double"


def _rarity(level: dict[str, Any], comparison: dict[str, Any]) -> str:
    """Return what the frequency of a value adds to its level, or nothing."""
    field = level.get("tf_adjustment_column")
    weight = level.get("tf_adjustment_weight", 1.0)
    if not field or not weight or level["sql_condition"].strip().upper() == "ELSE":
        return ""
    exact = next(
        each
        for _, each in _numbered(comparison)
        if each.get("tf_adjustment_column") == field
    )
    left, right = (quote_name(f"tf_{field}_{side}") for side in "lr")
    least = float(level.get("tf_minimum_u_value", 0.0))
    common = f"greatest({left}, {right}, {least!r}::double)"
    base = log2(exact["u_probability"])
    adjusted = f"{float(weight)!r}::double * ({base!r}::double - log2({common}))"
    return f" + if({left} is null and {right} is null, 0, {adjusted})"
