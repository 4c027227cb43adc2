"""Linkage models that Splink saved elsewhere, taken as models of this workspace.

Splink 3 and later save one JSON form; what a version adds or leaves out is settled
here. Only comparisons and the prior are taken: blocking rules and contradictions are
the workspace's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dmp.core.config import fingerprint
from dmp.core.errors import ConfigInvalid, Fault, QueryFailed
from dmp.core.sql import Query, quote_name
from dmp.identity.model import LinkageModel
from dmp.identity.settings import LinkageSettings, root_column
from dmp.storage.lake import Lake

_KEPT = ("tf_adjustment_column", "tf_adjustment_weight", "tf_minimum_u_value")
_LINK_TYPES = ("dedupe_only", "link_and_dedupe")
_PRIOR = "probability_two_random_records_match"
_ELSE = "ELSE"


def imported_model(
    lake: Lake, document: Any, where: str, settings: LinkageSettings, *, now: datetime
) -> LinkageModel:
    """Return the model that a document of Splink describes.

    Its comparisons are those of the settings, by name. Each condition is tried on the
    columns that records of this workspace have; nothing is read or written.

    Args:
        document: the JSON that `linker.misc.save_model_to_json` wrote.
        where: what the document is called in a message.

    Raises:
        ConfigInvalid: all that does not fit, by place.
    """
    if not isinstance(document, dict) or not isinstance(
        document.get("comparisons"), list
    ):
        raise ConfigInvalid(
            where,
            [Fault("comparisons", "absent", "a model that Splink saved has them")],
        )
    _stage_empty_record(lake, settings)
    faults = [*_whole_faults(document, settings), *_level_faults(lake, document)]
    if faults:
        raise ConfigInvalid(where, faults)
    comparisons = [_comparison(each) for each in document["comparisons"]]
    trained = {
        "link_type": "dedupe_only",
        "unique_id_column_name": "subject_id",
        "sql_dialect": "duckdb",
        _PRIOR: float(document[_PRIOR]),
        "comparisons": comparisons,
        "blocking_rules_to_generate_predictions": [],
    }
    name = f"{settings.model}-{fingerprint(comparisons, document[_PRIOR])}"
    return LinkageModel(name, trained, now.isoformat(), records=0)


def _whole_faults(
    document: Mapping[str, Any], settings: LinkageSettings
) -> Iterator[Fault]:
    link_type = document.get("link_type")
    if link_type not in _LINK_TYPES:
        right = "records of all sources are compared here: dedupe_only"
        yield Fault("link_type", f"{link_type!r}", right)
    if not _is_share(document.get(_PRIOR)) or document[_PRIOR] == 1:
        yield Fault(_PRIOR, "not in (0, 1)", "train the model, then save it")
    dialect = document.get("sql_dialect", "duckdb")
    if dialect != "duckdb":
        yield Fault("sql_dialect", f"{dialect!r}", "save it from Splink on DuckDB")
    known = [str(_name(each)) for each in document["comparisons"]]
    wanted = ["_".join(comparison.fields) for comparison in settings.comparisons]
    for name in sorted(set(wanted) - set(known)):
        yield Fault("comparisons", f"none is called {name}", _AS_SETTINGS)
    for name in sorted(set(known) - set(wanted)):
        yield Fault(f"comparisons.{name}", "not one of the settings", _AS_SETTINGS)
    for name in sorted({name for name in known if known.count(name) > 1}):
        yield Fault(f"comparisons.{name}", "there twice", "one of them")


_AS_SETTINGS = "linkage.comparisons in config/identity.yaml names what is compared"


def _level_faults(lake: Lake, document: Mapping[str, Any]) -> Iterator[Fault]:
    for comparison in document["comparisons"]:
        levels = comparison.get("comparison_levels") if _name(comparison) else None
        place = f"comparisons.{_name(comparison)}"
        if not isinstance(levels, list) or not all(isinstance(x, dict) for x in levels):
            yield Fault(
                place, "no name or no comparison_levels", "as Splink saves them"
            )
            continue
        conditions = [_condition(level) for level in levels]
        if conditions.count(_ELSE) != 1 or conditions[-1] != _ELSE:
            yield Fault(place, "does not end in ELSE", "one level for all else, last")
        for number, level in enumerate(levels):
            yield from _faults_of(lake, f"{place}.comparison_levels.{number}", level)


def _faults_of(lake: Lake, place: str, level: Mapping[str, Any]) -> Iterator[Fault]:
    if not level.get("is_null_level"):
        for name in ("m_probability", "u_probability"):
            if not _is_share(level.get(name)):
                right = "a trained model has it for every level"
                yield Fault(f"{place}.{name}", "not in (0, 1]", right)
    column = level.get("tf_adjustment_column")
    if column is not None and column not in _columns(lake):
        yield Fault(f"{place}.tf_adjustment_column", "no such column", _have(lake))
    if _condition(level) != _ELSE:
        yield from _condition_faults(lake, f"{place}.sql_condition", _condition(level))


def _condition_faults(lake: Lake, place: str, condition: str) -> Iterator[Fault]:
    """Yield why a condition is not one of two records, in the words of DuckDB last."""
    try:
        tree = sqlglot.parse_one(condition, read="duckdb")
    except SqlglotError:
        yield Fault(place, "not an SQL condition", "as Splink on DuckDB saves it")
        return
    if tree.find(exp.Query, exp.Table, exp.Command, exp.Placeholder, exp.Parameter):
        yield Fault(place, "reads more than two records", "an expression of columns")
        return
    sides = {f"{name}_{side}" for name in _columns(lake) for side in "lr"}
    names = {column.name for column in tree.find_all(exp.Column)}
    if strange := sorted(names - sides):
        yield Fault(place, f"no column {', '.join(strange)}", _have(lake))
        return
    try:
        lake.execute(Query(f"select ({condition})::boolean from empty_pair"))
    except QueryFailed:
        yield Fault(place, "DuckDB cannot evaluate it", "its functions and types")


def _stage_empty_record(lake: Lake, settings: LinkageSettings) -> None:
    """Stage `empty_record`, the columns that records have, and `empty_pair` of two."""
    types = {
        name: "date" if kind == "date" else "varchar"
        for name, kind in settings.fields.items()
    }
    roots = [n for n, kind in settings.fields.items() if kind == "given_name"]
    types |= {root_column(name): "varchar" for name in roots}
    for table, ends in (("empty_record", [""]), ("empty_pair", ["_l", "_r"])):
        cells = ", ".join(
            f"null::{type_} as {quote_name(name + end)}"
            for name, type_ in types.items()
            for end in ends
        )
        lake.stage(table, f"select {cells} limit 0")


def _columns(lake: Lake) -> list[str]:
    return list(lake.sql("select * from empty_record").columns)


def _have(lake: Lake) -> str:
    return f"records have {', '.join(_columns(lake))}"


def _comparison(comparison: Mapping[str, Any]) -> dict[str, Any]:
    levels = [_level(level) for level in comparison["comparison_levels"]]
    return {"output_column_name": _name(comparison), "comparison_levels": levels}


def _level(level: Mapping[str, Any]) -> dict[str, Any]:
    condition = _condition(level)
    label = level.get("label_for_charts") or condition
    kept: dict[str, Any] = {"sql_condition": condition, "label_for_charts": label}
    if level.get("is_null_level"):
        return kept | {"is_null_level": True}
    probabilities = {
        name: float(level[name]) for name in ("m_probability", "u_probability")
    }
    adjustments = {name: level[name] for name in _KEPT if level.get(name) is not None}
    return kept | probabilities | adjustments


def _name(comparison: Any) -> str | None:
    return (
        comparison.get("output_column_name") if isinstance(comparison, dict) else None
    )


def _condition(level: Mapping[str, Any]) -> str:
    condition = str(level.get("sql_condition", "")).strip()
    return _ELSE if condition.upper() == _ELSE else condition


def _is_share(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value <= 1
