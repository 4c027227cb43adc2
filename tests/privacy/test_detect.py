from __future__ import annotations

from uuid import UUID

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmp.core.sql import Query, sql
from dmp.privacy.detect import kinds, mask, mask_sql

FOUND = {
    "write to jane.doe+news@example.co.uk.": "write to [email].",
    "?e=jane%40example.com&x=1": "?e=[email]&x=1",
    "<josé@exämple.com>, x@xn--exmple-cua.com": "<[email]>, [email]",
    "call +44 7700 900123!": "call [phone]!",
    "tel:+1(415)555-0132": "tel:[phone]",
    "%2B447700900123": "[phone]",
    "0044 7700 900 123": "[phone]",
    "(415) 555-0132 415-555-0132 415.555.0132": "[phone] [phone] [phone]",
    "07700900123 or 020 7946 0958": "[phone] or [phone]",
    "01 23 45 67 89, 030/1234567": "[phone], [phone]",
    "paid by 4111111111111111": "paid by [card]",
    "4111-1111-1111-1111 3782 822463 10005": "[card] [card]",
    "GB82 WEST 1234 5698 7654 32 please": "[iban] please",
    "DE89370400440532013000": "[iban]",
    "from 203.0.113.7:443": "from [ip]:443",
    "2001:db8::8a2e:370:7334 2001:db8:0:0:0:0:0:1": "[ip] [ip]",
}
LEFT_ALONE = [
    "12.50",
    "1,234,567.89",
    "1 234 567,89",
    "-1234.5678",
    "2026-05-01",
    "01.05.2026",
    "01-02-2026 10:30:15",
    "2026-05-01T10:00:00.123456+00:00",
    "20260501T100000Z",
    "1780000000",
    "1780000000123",
    "0000012345678",
    "4611686018427387903",
    "4111111111111112",
    "GB82 WEST 1234 5698 7654 33",
    "order 2026-0001-0002",
    "978-3-16-148410-0",
    "1:0123456789abcdef0123456789abcdef",
    "01234567-1234-1234-1234-012345678901",
    "std::vector at 10:20:30",
    "3@5.00 @jane",
    "256.1.1.999",
    "",
]


def in_sql(texts: list[str | None]) -> list[str | None]:
    query = sql(
        "select {masked} from (select unnest($texts::varchar[]) as v)",
        masked=mask_sql(Query("v")),
        texts=texts,
    )
    with duckdb.connect() as connection:
        rows = connection.execute(query.text, dict(query.params)).fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize(("text", "masked"), FOUND.items(), ids=FOUND.keys())
def test_personal_data_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert {f"[{kind}]" for kind in kinds(text)} == {
        word
        for word in ("[email]", "[phone]", "[card]", "[iban]", "[ip]")
        if word in masked
    }


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_ordinary_values_are_left_alone(text: str) -> None:
    assert mask(text) == text
    assert kinds(text) == frozenset()


def test_sql_masks_as_python_does() -> None:
    texts: list[str | None] = [*FOUND, *LEFT_ALONE, " ".join(FOUND)]
    assert in_sql(texts) == [mask(text) for text in texts if text is not None]
    assert in_sql([None]) == [None]


PIECES = st.sampled_from(
    [*FOUND, *LEFT_ALONE, " ", "@", "+", "-", ".", "0", "7", "é", "\n", ":", "::", "GB"]
)


@given(
    st.lists(
        st.lists(PIECES | st.text(max_size=4), max_size=6).map("".join), min_size=1
    )
)
@settings(max_examples=40, deadline=None)
def test_sql_and_python_agree_on_any_text(texts: list[str]) -> None:
    assert in_sql(list(texts)) == [mask(text) for text in texts]


@given(st.uuids() | st.integers(0, 10**18 - 1).map(lambda n: UUID(int=n)))
@settings(max_examples=200)
def test_no_uuid_is_taken_for_a_phone(value: UUID) -> None:
    assert "phone" not in kinds(str(value))


@given(st.dates() | st.datetimes())
def test_no_date_is_personal(value: object) -> None:
    assert kinds(str(value)) == frozenset()


def test_a_long_word_takes_no_long_time() -> None:
    assert mask("a" * 200_000) == "a" * 200_000
