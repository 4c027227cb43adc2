"""How counts and shares are shown to a viewer, in the language of their browser."""

from __future__ import annotations

import os
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.numbers import format_decimal, format_percent

from dmp.core.cells import Cells

LANGUAGES = "Accept-Language"
_GIVEN = "HTTP_ACCEPT_LANGUAGE"


def counted(number: float) -> str:
    """Return a number with the separators of the viewer's language.

    >>> counted(1234567), counted(12.5)
    ('1,234,567', '12.5')
    """
    return str(format_decimal(number, locale=_viewer_locale()))


def amount(number: float) -> str:
    """Return a number with two digits after the point.

    >>> amount(1234.5)
    '1,234.50'
    """
    return str(format_decimal(number, "#,##0.00", locale=_viewer_locale()))


@cache
def locale_of(languages: str) -> Locale:
    """Return the first language of an `Accept-Language` header that is known.

    >>> [str(locale_of(one)) for one in ("de-CH,de;q=0.9", "xx, fr;q=0.5", "*")]
    ['de_CH', 'fr', 'en']
    """
    for part in languages.split(","):
        name = part.partition(";")[0].strip()
        try:
            return Locale.parse(name, sep="-")
        except (ValueError, UnknownLocaleError):
            continue
    return Locale("en")


def _viewer_locale() -> Locale:
    """Return the locale of the request that this kernel serves; English without one."""
    return locale_of(os.environ.get(_GIVEN, ""))


def percent(share: float, *, tenths: bool = True) -> str:
    """Return a share of [0, 1] in per cent, to a tenth or whole; nobody and all whole.

    >>> percent(0.1234), percent(0.5, tenths=False), percent(1.0)
    ('12.3%', '50%', '100%')
    """
    locale = _viewer_locale()
    pattern = locale.percent_formats[None].pattern
    if tenths and 0 < share < 1:
        pattern = pattern.replace("##0", "##0.0")
    return str(format_percent(share, pattern, locale=locale))


def shown_count(people: int, *, cells: Cells) -> str:
    """Return the count as this viewer may see it, with thousands separators.

    >>> shown_count(1234567, cells=Cells(50, exact=True))
    '1,234,567'
    >>> rounded = Cells(50, exact=False)
    >>> shown_count(1237, cells=rounded), shown_count(7, cells=rounded)
    ('1,240', '< 50')
    """
    shown = cells.shown(people)
    return f"< {cells.minimum}" if shown is None else counted(shown)


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
        return percent(share)
    return "" if cells.shown(people) is None else percent(share, tenths=False)
