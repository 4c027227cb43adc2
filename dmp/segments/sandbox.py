"""Checks the SELECT of a `sql` node: one statement, published views, safe functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlglot
from sqlglot import exp

from dmp.core.errors import Fault, RuleInvalid
from dmp.segments import trees
from dmp.segments.grammar import near

ALLOWED_FUNCTIONS = frozenset(
    "abs all and any any_value approx_count_distinct arg_max arg_min avg between "
    "bool_and bool_or case cast ceil ceiling coalesce concat concat_ws contains count "
    "count_if date_add date_diff datediff date_part date_sub date_trunc "
    "day dayofweek dayofyear dense_rank ends_with exists extract filter first floor "
    "greatest hour if ifnull in isinf isnan json_array_length json_exists json_extract "
    "json_extract_string json_type json_valid lag last last_day lead least left len "
    "length list list_contains list_distinct list_has_all list_has_any list_sum lower "
    "ltrim max md5 median min minute mod month not ntile nullif or percent_rank power "
    "quantile_cont quarter rank regexp_extract regexp_full_match regexp_like "
    "regexp_matches regexp_replace replace reverse right round row_number rtrim second "
    "sign split_part sqrt starts_with stddev strftime strpos struct_extract substr "
    "substring suffix sum timestamp_trunc timezone trim trunc try_cast unnest upper "
    "variance week year "
    "approx_distinct array_agg array_contains array_distinct array_overlaps "
    "day_of_week day_of_year explode is_inf is_nan json_extract_scalar logical_and "
    "logical_or percentile_cont str_position time_to_str".split()
)
"""What a SELECT may call, by DuckDB's names and by those sqlglot reads them as.

None of them reads files or the network, depends on the clock, or is random.
"""
_REFUSED = (
    exp.Into,
    exp.Command,
    exp.Parameter,
    exp.Placeholder,
    exp.SessionParameter,
    exp.Pivot,
    exp.Lock,
    exp.DDL,
    exp.DML,
)


def checked_select(
    written: str, views: Mapping[str, str], path: str = "rule.sql"
) -> exp.Select:
    """Return the SELECT with each published view replaced by its relation.

    Raises:
        RuleInvalid: it is no single SELECT, or reads or calls what is not allowed.
    """
    statement = _single(written, f"{path}.select")
    faults = list(_faults(statement, views, f"{path}.select"))
    if faults:
        raise RuleInvalid("rule", faults)
    _rename(statement, views)
    return statement


def _single(written: str, path: str) -> exp.Select:
    try:
        found = sqlglot.parse(written, dialect="duckdb")
    except sqlglot.errors.SqlglotError as error:
        fault = Fault(path, "is no SQL that can be read", "one SELECT in DuckDB's SQL")
        raise RuleInvalid("rule", [fault]) from error
    if len(found) != 1 or not isinstance(found[0], exp.Select):
        fault = Fault(path, "is no single SELECT", "one SELECT over the views")
        raise RuleInvalid("rule", [fault])
    return found[0]


def _faults(tree: exp.Select, views: Mapping[str, str], path: str) -> Iterable[Fault]:
    local = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if not _is_view(table, views, local):
            wrong = f"reads {table.name or 'a table function'!r}"
            yield Fault(path, wrong, near(table.name, {*views, *local}))
    for node in tree.find_all(*_REFUSED):
        yield Fault(path, f"uses {node.key}", "a plain SELECT")
    if any(part.args.get("recursive") for part in tree.find_all(exp.With)):
        yield Fault(path, "is recursive", "a plain SELECT")
    for function in tree.find_all(exp.Func):
        name = function_name(function)
        if name not in ALLOWED_FUNCTIONS:
            yield Fault(path, f"calls {name}", "a function on the list")
    if tree.named_selects != ["profile_id"]:
        yield Fault(path, "does not give profile_id alone", "select profile_id from …")


def _is_view(table: exp.Table, views: Mapping[str, str], local: set[str]) -> bool:
    plain = isinstance(table.this, exp.Identifier) and not table.db
    return plain and (table.name in views or table.name in local)


def function_name(function: exp.Func) -> str:
    """Return the lower-case name of a call."""
    if isinstance(function, exp.Anonymous | exp.AnonymousAggFunc):
        return str(function.this).lower()
    return function.sql_name().lower()


def _rename(tree: exp.Select, views: Mapping[str, str]) -> None:
    """Lead views to their relations, and WITH parts to names that nothing else has.

    A part that takes the name of a relation could else let that relation be read.
    """
    parts = list(tree.find_all(exp.CTE))
    local = {part.alias_or_name for part in parts}
    for table in list(tree.find_all(exp.Table)):
        if table.name in local:
            target = trees.relation(f"chosen {table.name}", table.alias_or_name)
        else:
            target = trees.relation(views[table.name], table.alias_or_name)
        for name in ("joins", "laterals"):
            target.set(name, table.args.get(name))
        table.replace(target)
    for part in parts:
        name = f"chosen {part.alias_or_name}"
        part.args["alias"].set("this", exp.to_identifier(name, quoted=True))
