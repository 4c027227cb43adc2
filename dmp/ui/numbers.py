"""How counts and shares are shown to a viewer."""

from __future__ import annotations

MINIMUM_CELL = 50
ROUND_TO = 10


def shown_count(people: int, *, exact: bool) -> str:
    """Return the count as this viewer may see it, with thousands separators.

    >>> shown_count(1234567, exact=True)
    '1,234,567'
    >>> shown_count(1237, exact=False), shown_count(7, exact=False)
    ('1,240', '< 50')
    """
    if exact:
        return f"{people:,}"
    if people < MINIMUM_CELL:
        return f"< {MINIMUM_CELL}"
    return f"{drawn_count(people, exact=False):,}"


def drawn_count(people: int, *, exact: bool) -> int:
    """Return the number that a bar's length may be drawn from.

    A hidden count is drawn as half the minimum cell, whatever it is.

    >>> drawn_count(1237, exact=False), drawn_count(7, exact=False)
    (1240, 25)
    """
    if exact:
        return people
    if people < MINIMUM_CELL:
        return MINIMUM_CELL // 2
    return (people + ROUND_TO // 2) // ROUND_TO * ROUND_TO


def shown_share(share: float, people: int, *, exact: bool) -> str:
    """Return a share of [0, 1] in per cent: a tenth when exact, otherwise whole.

    The share of a hidden count is hidden too: an empty text.

    >>> shown_share(0.1234, 900, exact=True), shown_share(0.1234, 900, exact=False)
    ('12.3%', '12%')
    >>> shown_share(0.1234, 12, exact=False)
    ''
    """
    if exact:
        return f"{share:.1%}"
    return f"{share:.0%}" if people >= MINIMUM_CELL else ""
