"""Numbers are shown in the language of the viewer's browser."""

from __future__ import annotations

import pytest

from dmp.core.cells import Cells
from dmp.ui.numbers import amount, counted, shown_count, shown_share

EXACT = Cells(50, exact=True)


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        ("de-DE,de;q=0.9,en;q=0.8", ["1.234.567", "1.234,50", "12,3\N{NBSP}%"]),
        ("hi-IN", ["12,34,567", "1,234.50", "12.3%"]),
        ("<script>, en", ["1,234,567", "1,234.50", "12.3%"]),
        ("", ["1,234,567", "1,234.50", "12.3%"]),
    ],
    ids=["german", "hindi", "hostile", "none"],
)
def test_numbers_follow_the_browser(
    languages: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_ACCEPT_LANGUAGE", languages)
    assert shown_count(1_234_567, cells=EXACT) == counted(1_234_567) == expected[0]
    assert amount(1234.5) == expected[1]
    assert shown_share(0.1234, 900, cells=EXACT) == expected[2]
