"""The present instant, passed in wherever it matters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """Return the present instant, in UTC."""
    return datetime.now(UTC)


def instant(text: str) -> datetime:
    """Read an ISO instant or date; without an offset it is taken as UTC.

    >>> instant("2026-06-30").isoformat()
    '2026-06-30T00:00:00+00:00'

    Raises:
        ValueError: the text is no ISO 8601 date or instant.
    """
    read = datetime.fromisoformat(text)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
