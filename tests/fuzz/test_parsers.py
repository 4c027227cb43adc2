"""The promises of every parser: on cases once found, and on made-up bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.parsers import PARSERS
from fuzz.seeds import seeds

CASES = Path(__file__).parent.parent / "cases" / "fuzz"
FOUND = sorted(path for path in CASES.glob("*/*") if path.is_file())
EXAMPLES = {"csv_rows": 25, "json_rows": 25, "parquet_rows": 15, "readings": 25}

WORDS = [
    *('"', ",", "\n", "\r", "\r\n", "{", "}", "[", "]", ":", "'", "\\", "\t", ";"),
    *("cell", '{"cell":', '"cell": "', "null", "NaN", "-0", "1e999", "\\u0000", "&a"),
    *("*a", "<<", "- ", "? ", "!!int ", "segment: s\nrule:\n  ", "all", "not", "did"),
    *("event", "attribute", "op", "eq", "value", "within", "last", "unit", "days"),
    *("source: a", "owner: b", "connector:", "fields:", "from", "type", "purpose"),
    *("jo@mail.example", "%40", "+44 20 7946 0018", "4111 1111 1111 1111", "10.0.0.1"),
    *("GB82 WEST 1234 5698 7654 32", "2026-02-30", "2026-05-01T09:30:00+02:00"),
    *("epoch", "31.12.2026 23:59", "12,5", "=1+1", "ä", "\u202e", "\ufeff", "\u0661"),
    *('{"seq":0', '"previous":', '"size":1,"root":"', "AAAA", "="),
]
TEXTS = st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=25).map("".join)
INPUTS = TEXTS.map(lambda text: text.encode("utf-8", "ignore")) | st.binary(max_size=60)


@pytest.mark.parametrize(
    "path", FOUND, ids=[f"{p.parent.name}/{p.name}" for p in FOUND]
)
def test_what_once_broke_a_parser_is_kept_right(path: Path) -> None:
    PARSERS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("parser", PARSERS)
def test_a_parser_keeps_its_promises_on_right_input(parser: str) -> None:
    given = seeds(parser)
    assert given
    for data in given:
        PARSERS[parser](data)


@pytest.mark.parametrize("parser", PARSERS)
def test_a_parser_keeps_its_promises_whatever_it_is_given(parser: str) -> None:
    @settings(
        max_examples=EXAMPLES.get(parser, 150),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(INPUTS)
    def keeps(data: bytes) -> None:
        PARSERS[parser](data)

    keeps()
