from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmp.core.sql import Name, Query, join, quote_name, quote_text, sql

# DuckDB's text cannot hold NUL inside an identifier or a lone surrogate.
TEXT = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1
)


def test_values_are_bound_and_never_pasted() -> None:
    query = sql("select * from {t} where name = $name", t=Name("e"), name="x' or '1")
    assert query.text == 'select * from "e" where name = $name'
    assert dict(query.params) == {"name": "x' or '1"}
    assert str(query) == query.text


def test_composed_queries_bring_their_values() -> None:
    inner = sql("a = $a", a=1)
    outer = sql("select {c} from t where {w} and b = $b", c=Name("c"), w=inner, b=2)
    assert outer == Query('select "c" from t where a = $a and b = $b', {"a": 1, "b": 2})


def test_an_iterable_is_joined_by_commas() -> None:
    names = (Name(letter) for letter in "ab")
    assert sql("select {names}", names=names).text == 'select "a", "b"'


def test_join_takes_any_separator_and_nothing() -> None:
    parts = [sql("a = $a", a=1), sql("b = $b", b=2)]
    assert join(parts, " and ") == Query("a = $a and b = $b", {"a": 1, "b": 2})
    assert join([]) == Query("")


def test_the_same_value_may_be_bound_twice() -> None:
    part = sql("a > $n", n=1)
    assert sql("{p} and {q} and b > $n", p=part, q=part, n=1).params == {"n": 1}


@pytest.mark.parametrize(
    "compose",
    [
        lambda: sql("{p} and b > $n", p=sql("a > $n", n=1), n=2),
        lambda: sql("{p} and {q}", p=sql("$n", n=1), q=sql("$n", n=2)),
        lambda: join([sql("$n", n=1), sql("$n", n=2)]),
    ],
    ids=["inner and outer", "two inner", "join"],
)
def test_two_values_under_one_name_are_refused(compose: object) -> None:
    assert callable(compose)
    with pytest.raises(ValueError, match=r"\$n is bound to two different values"):
        compose()


@pytest.mark.parametrize("part", ["text", 7, None], ids=["text", "number", "none"])
def test_a_brace_takes_no_plain_value(part: object) -> None:
    with pytest.raises(ValueError, match=r"\{t\} takes a Name or a Query"):
        sql("select * from {t}", t=part)


def test_a_brace_needs_its_argument() -> None:
    with pytest.raises(ValueError, match=r"\{t\} has no argument"):
        sql("select * from {t}")


def test_doubled_braces_are_braces() -> None:
    assert sql("select {{'a': $n}}", n=1).text == "select {'a': $n}"


@pytest.mark.parametrize("parts", [(), ("",), ("a", "")], ids=repr)
def test_a_name_has_no_empty_part(parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="at least one part"):
        Name(*parts)


def test_a_dotted_name_has_parts() -> None:
    assert Name.of("core.event").parts == ("core", "event")


@given(TEXT)
def test_a_quoted_name_is_that_name(name: str) -> None:
    with duckdb.connect() as connection:
        assert connection.sql(f"select 1 as {quote_name(name)}").columns == [name]


@given(st.lists(TEXT, min_size=1, max_size=3))
def test_a_quoted_text_is_that_text(texts: list[str]) -> None:
    literals = ", ".join(quote_text(text) for text in texts)
    with duckdb.connect() as connection:
        assert connection.sql(f"select {literals}").fetchall() == [tuple(texts)]
