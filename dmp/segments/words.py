"""Words of compiled rules that each SQL dialect has to say in its own way.

A word is one node of the tree with one meaning. DuckDB's way stands beside the code
that uses it, other dialects' in `dmp.segments.dialects`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB

from dmp.segments.trees import Tree, text


class Word(exp.Expression, exp.Func):
    """A call whose meaning is a rule's, not an engine's."""


class ShortestText(Word):
    """The shortest JSON form of a double that is no NaN."""

    arg_types = {"this": True}  # noqa: RUF012


class NumberOfText(Word):
    """The double that a text writes, or null."""

    arg_types = {"this": True}  # noqa: RUF012


class JsonIs(Word):
    """Whether a JSON value is of one of the kinds; null when it is absent.

    Kinds: text, boolean, whole, fraction, null, array.
    """

    arg_types = {"this": True, "kinds": True}  # noqa: RUF012


class DayOfText(Word):
    """The date that a text writes, or null."""

    arg_types = {"this": True}  # noqa: RUF012


class MomentOfText(Word):
    """The instant that a text writes, local to the zone without an offset, or null."""

    arg_types = {"this": True, "zone": True}  # noqa: RUF012


class FromLocal(Word):
    """The instant of a wall time in a zone other than UTC."""

    arg_types = {"this": True, "zone": True}  # noqa: RUF012


class LocalDay(Word):
    """The local day that has begun last at an instant, in a zone other than UTC."""

    arg_types = {"this": True, "zone": True}  # noqa: RUF012


class Bucket(Word):
    """The bucket in [0, 100) of a person under a salt."""

    arg_types = {"this": True, "salt": True}  # noqa: RUF012


W = TypeVar("W", bound=Word)


def json_is(value: Tree, *kinds: str) -> JsonIs:
    """Return whether a JSON value is of one of the kinds."""
    return JsonIs(this=value, kinds=exp.Tuple(expressions=[text(k) for k in kinds]))


def kinds_of(word: JsonIs) -> list[str]:
    """Return the kinds that a word asks for."""
    return [kind.name for kind in word.args["kinds"].expressions]


def in_duckdb(kind: type[W], said: Callable[[W], Tree]) -> None:
    """Let DuckDB's generator write a word as the tree that `said` returns."""

    def write(generator: Any, word: W) -> str:
        return str(generator.sql(said(word)))

    DuckDB.Generator.TRANSFORMS[kind] = write
