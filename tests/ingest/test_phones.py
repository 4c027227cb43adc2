"""Phone numbers read in SQL are the ones that libphonenumber reads."""

from __future__ import annotations

import random
from collections.abc import Iterator

import duckdb
import pytest
from phonenumbers import PhoneMetadata

from dmp.core.identifiers import e164
from dmp.ingest.phones import phone_sql
from dmp.storage.lake import define_function

REGIONS = ("GB", "US", "DE", "FR", "IT", "RU", "BR", "AR", "JP", "IN", "GG", "KZ", "SM")


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        define_function(connection, "e164", e164, ["VARCHAR", "VARCHAR"], "VARCHAR")
        yield connection


@pytest.mark.parametrize("region", REGIONS)
def test_sql_and_library_agree(duck: duckdb.DuckDBPyConnection, region: str) -> None:
    texts = [*dict.fromkeys(_texts(region))]
    careful = {text: e164(text, region) for text in texts}
    given = duck.sql(
        f"select text, {phone_sql('text', region)} from (select unnest($t) as text)",
        params={"t": texts},
    ).fetchall()
    assert dict(given) == careful
    assert None in careful.values() and any(careful.values())


@pytest.mark.parametrize(
    ("text", "region"),
    [("+447400123456", "GB"), ("07400 123-456", "GB"), ("030 123456", "DE")],
)
def test_plain_numbers_need_no_library(
    duck: duckdb.DuckDBPyConnection, text: str, region: str
) -> None:
    reading = phone_sql("text", region).replace(f"e164(text, '{region}')", "'asked'")
    found = duck.sql(f"select {reading} from (select $t as text)", params={"t": text})
    assert found.fetchall() == [(e164(text, region),)]


def _texts(region: str) -> Iterator[str]:
    plan = PhoneMetadata.metadata_for_region(region)
    assert plan is not None
    code, prefix = str(plan.country_code), plan.national_prefix or "0"
    for number in _numbers(plan):
        yield from (number, f"{number[:3]} {number[3:6]}-{number[6:]}")
        for before in (code, prefix, f"+{code}", f"+{code} ", f"00{code}", "+1", "0"):
            yield before + number
        yield from (f"+{code}{prefix}{number}", f"+{code} (0){number}", f"{number}x12")


def _numbers(plan: PhoneMetadata) -> Iterator[str]:
    draw = random.Random(7)
    for kind in ("fixed_line", "mobile", "toll_free", "uan", "general_desc"):
        example = getattr(getattr(plan, kind), "example_number", None)
        if example:
            yield from (example, example[:-1], example + "5")
            for _ in range(4):
                at = draw.randrange(len(example))
                yield example[:at] + draw.choice("0123456789") + example[at + 1 :]
    for length in range(2, 14):
        yield "".join(draw.choice("0123456789") for _ in range(length))
