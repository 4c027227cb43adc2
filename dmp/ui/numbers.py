"""How counts and shares are shown to a viewer."""

from __future__ import annotations

from dmp.core.cells import Cells


def shown_count(people: int, *, cells: Cells) -> str:
    """Return the count as this viewer may see it, with thousands separators.

    >>> shown_count(1234567, cells=Cells(50, exact=True))
    '1,234,567'
    >>> rounded = Cells(50, exact=False)
    >>> shown_count(1237, cells=rounded), shown_count(7, cells=rounded)
    ('1,240', '< 50')
    """
    shown = cells.shown(people)
    return f"< {cells.minimum}" if shown is None else f"{shown:,}"


def drawn_count(people: int, *, cells: Cells) -> int:
    """Return the number that a bar's length may be drawn from.

    A hidden count is drawn as half the minimum cell, whatever it is.

    >>> rounded = Cells(50, exact=False)
    >>> drawn_count(1237, cells=rounded), drawn_count(7, cells=rounded)
    (1240, 25)
    """
    shown = cells.shown(people)
    return cells.minimum // 2 if shown is None else shown


def shown_share(share: float, people: int, *, cells: Cells) -> str:
    """Return a share of [0, 1] in per cent: a tenth when exact, otherwise whole.

    The share of a hidden count is hidden too: an empty text.

    >>> exact, rounded = Cells(50, exact=True), Cells(50, exact=False)
    >>> shown_share(0.1234, 900, cells=exact), shown_share(0.1234, 900, cells=rounded)
    ('12.3%', '12%')
    >>> shown_share(0.1234, 12, cells=rounded)
    ''
    """
    if cells.exact:
        return f"{share:.1%}"
    return "" if cells.shown(people) is None else f"{share:.0%}"
