"""Segments: rules that mean exactly one thing, compiled to SQL.

Also here: `answers` (count, preview, overlap over files), `schema` (JSON Schema and
examples), `documents` (a segment back as plain data).
"""

from dmp.segments.answers import count, members, validate
from dmp.segments.compiler import compile_conditions, compile_segment
from dmp.segments.diff import diff
from dmp.segments.explain import explain
from dmp.segments.parsing import parse
from dmp.segments.rule import Segment
from dmp.segments.source import read
from dmp.segments.sources import Population, RelatedTable

__all__ = [
    "Population",
    "RelatedTable",
    "Segment",
    "compile_conditions",
    "compile_segment",
    "count",
    "diff",
    "explain",
    "members",
    "parse",
    "read",
    "validate",
]
