"""Compiled rules in the SQL of other engines: the same people, or a refusal."""

from dmp.segments.dialects.answers import (
    DIALECTS,
    named_population,
    refusals,
    segment_sql,
    sql_on_files,
)

__all__ = ["DIALECTS", "named_population", "refusals", "segment_sql", "sql_on_files"]
