from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from dmp.core.clock import instant, now


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-30", "2026-06-30T00:00:00+00:00"),
        ("2026-06-30T12:00", "2026-06-30T12:00:00+00:00"),
        ("2026-06-30T12:00+02:00", "2026-06-30T10:00:00+00:00"),
        ("2026-06-30T12:00Z", "2026-06-30T12:00:00+00:00"),
    ],
)
def test_instants_are_utc(text: str, expected: str) -> None:
    assert instant(text).isoformat() == expected


@pytest.mark.parametrize("text", ["", "soon", "30.06.2026", "2026-13-01"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|month"):
        instant(text)


def test_now_is_in_utc_and_does_not_go_back() -> None:
    first, second = now(), now()
    assert first.tzinfo is UTC
    assert timedelta(0) <= second - first < timedelta(minutes=1)
