"""Splink as its documentation has it: clean, train, predict, connected components."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from benchmarks.linkage.recipe import Recipe, Rule, kinds_of, recipe

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NOT_FIELDS = ("record_id", "source", "true_id")
MOST_PAIRS = 20_000_000
"""Pairs that a blocking rule may make; the tutorial's advice for a laptop."""
_FORMATS = "%Y-%m-%d %d/%m/%Y %m/%d/%Y %Y%m%d %d.%m.%Y".split()


@dataclass(frozen=True)
class Scored:
    """Pairs of records, by row number, with Splink's match weight in bits."""

    n_records: int
    left: Ints
    right: Ints
    weight: Floats


def clean(
    connection: duckdb.DuckDBPyConnection, path: Path
) -> tuple[list[str], list[str]]:
    """Make table `people` as the documentation's prerequisites ask; null for nothing.

    Returns the columns with two values or more, and those that hold whole dates.
    """
    connection.execute(
        "create table raw as select row_number() over () - 1 as unique_id, * "
        "from read_parquet(?)",
        [str(path)],
    )
    names = [row[0] for row in connection.execute("describe raw").fetchall()]
    fields = [n for n in names if n not in (*NOT_FIELDS, "unique_id")]
    values = connection.execute(
        f"select {', '.join(f'count(distinct {_q(f)})' for f in fields)} from raw"
    ).fetchone()
    kept = [f for f, n in zip(fields, values or (), strict=True) if n > 1]
    kinds = kinds_of(kept)
    dates = [f for f in kinds.get("birth", []) if _is_date(connection, f)]
    phones, contacts = kinds.get("phone", []), kinds.get("email", [])
    made = [f"{_cleaned(f, dates, phones, contacts)} as {_q(f)}" for f in kept]
    connection.execute(
        f"create table people as select unique_id, source, {', '.join(made)} from raw"
    )
    return kept, dates


def scored(
    path: Path, out: Path | None = None, *, pairs_a_record: float = float("inf")
) -> Scored:
    """Run the recipe for a file of records and return every pair that it scores.

    Args:
        path: a Parquet file of records.
        out: where Splink writes its clusters at a probability of .95, if at all.
        pairs_a_record: a blocking rule that makes more is left out.
    """
    logging.getLogger("splink").setLevel(logging.ERROR)
    with duckdb.connect() as connection:
        columns, dates = clean(connection, path)
        steps = recipe(columns, dates)
        n_records = connection.execute("select count(*) from people").fetchall()[0][0]
        most = min(MOST_PAIRS, pairs_a_record * n_records)
        with _linker(connection, steps, most) as linker:
            _train(linker, steps)
            pairs = linker.inference.predict()
            if out:
                _write_clusters(connection, linker, pairs, out)
            found = connection.sql(
                "select unique_id_l as l, unique_id_r as r, match_weight as w "
                f"from {pairs.physical_name}"
            ).fetchnumpy()
    return Scored(n_records, *(np.asarray(found[name]) for name in "lrw"))


def _write_clusters(
    connection: duckdb.DuckDBPyConnection, linker: Linker, pairs: Any, out: Path
) -> None:
    made = linker.clustering.cluster_pairwise_predictions_at_threshold(
        pairs, threshold_match_probability=0.95
    )
    connection.execute(
        "copy (select record_id, cluster_id from raw join "
        f"{made.physical_name} using (unique_id)) to '{out}' (format parquet)"
    )


@contextmanager
def _linker(
    connection: duckdb.DuckDBPyConnection, steps: Recipe, most: float
) -> Iterator[Linker]:
    api = DuckDBAPI(connection=connection)
    people = api.register("people")
    affordable = [r for r in steps.blocking if _n_pairs(connection, r) <= most]
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=list(steps.comparisons),
        blocking_rules_to_generate_predictions=[_rule(r) for r in affordable],
        retain_intermediate_calculation_columns=False,
    )
    yield Linker(people, settings, log_level="ERROR")


def _n_pairs(connection: duckdb.DuckDBPyConnection, rule: Rule) -> float:
    """Count a rule's pairs before it runs; 0 for one in free SQL."""
    if isinstance(rule, str):
        return 0
    known = " and ".join(f"{part} is not null" for part in rule)
    row = connection.execute(
        "select sum(n * (n - 1) / 2) from (select count(*) as n from people "
        f"where {known} group by {', '.join(rule)})"
    ).fetchone()
    return float(row[0] or 0) if row else 0


def _rule(rule: Rule) -> Any:
    return rule if isinstance(rule, str) else block_on(*rule)


def _train(linker: Linker, steps: Recipe) -> None:
    linker.training.estimate_probability_two_random_records_match(
        [_rule(r) for r in steps.deterministic], recall=steps.recall
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=steps.u_pairs, seed=1)
    for rule in steps.training:
        linker.training.estimate_parameters_using_expectation_maximisation(
            _rule(rule), estimate_without_term_frequencies=True
        )


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _is_date(connection: duckdb.DuckDBPyConnection, column: str) -> bool:
    """Say whether nine values in ten are whole dates."""
    row = connection.execute(
        f"select avg(({_date(column)} is not null)::int) from raw "
        f"where {_q(column)} is not null"
    ).fetchone()
    return bool(row and row[0] and row[0] > 0.9)


def _date(column: str) -> str:
    text = f"trim({_q(column)}::varchar)"
    return (
        "coalesce(" + ", ".join(f"try_strptime({text}, '{f}')" for f in _FORMATS) + ")"
    )


def _cleaned(
    column: str, dates: list[str], phones: list[str], emails: list[str]
) -> str:
    if column in dates:
        return f"strftime({_date(column)}, '%Y-%m-%d')"
    text = f"lower(trim({_q(column)}::varchar))"
    if column in phones:
        text = f"right(regexp_replace({text}, '[^0-9]', '', 'g'), 9)"
    elif column not in emails:
        text = f"regexp_replace(strip_accents({text}), '[^a-z0-9]+', ' ', 'g')"
    return f"nullif(trim({text}), '')"
