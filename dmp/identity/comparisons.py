"""Comparisons of the linkage model, in Splink's terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dmp.core.sql import quote_name
from dmp.identity.settings import Comparison, root_column

Level = dict[str, Any]


def comparison_dict(comparison: Comparison) -> dict[str, Any]:
    """Return Splink's description of a comparison, levels from null to all else."""
    levels = _LEVELS[comparison.kind](*comparison.fields)
    return {
        "output_column_name": "_".join(comparison.fields),
        "comparison_levels": [*levels, _level("ELSE", "all else")],
    }


def _level(condition: str, label: str, **more: Any) -> Level:
    return {"sql_condition": condition, "label_for_charts": label, **more}


def _sides(field: str) -> tuple[str, str]:
    return quote_name(f"{field}_l"), quote_name(f"{field}_r")


def _null(*fields: str) -> Level:
    missing = " and ".join(
        f"({left} is null or {right} is null)" for left, right in map(_sides, fields)
    )
    return _level(missing, "missing", is_null_level=True)


def _exact(field: str, *, frequencies: bool) -> Level:
    left, right = _sides(field)
    more = {"tf_adjustment_column": field} if frequencies else {}
    return _level(f"{left} = {right}", "exact", **more)


def _given_name(field: str, surname: str = "last_name") -> list[Level]:
    left, right = _sides(field)
    root_l, root_r = _sides(root_column(field))
    surname_l, surname_r = _sides(surname)
    missing, exact, *near = _surname(field)
    shortest = f"least(length({left}), length({right}))"
    return [
        missing,
        exact,
        _level(f"{root_l} = {root_r}", "same name, another form"),
        _level(f"{left} = {surname_r} or {right} = {surname_l}", "names swapped"),
        _level(f"{shortest} = 1 and {left}[1] = {right}[1]", "initial agrees"),
        *near,
    ]


def _surname(field: str) -> list[Level]:
    left, right = _sides(field)
    near = f"jaro_winkler_similarity({left}, {right})"
    return [
        _null(field),
        _exact(field, frequencies=True),
        _level(f"{near} >= 0.92", "very close spelling"),
        _level(f"{near} >= 0.8", "close spelling"),
    ]


def _date(field: str) -> list[Level]:
    left, right = _sides(field)
    apart = f"damerau_levenshtein({left}::varchar, {right}::varchar)"
    swapped = (
        f"(day({left}) = month({right}) and month({left}) = day({right}) "
        f"and year({left}) = year({right}))"
    )
    return [
        _null(field),
        _exact(field, frequencies=False),
        _level(f"{apart} <= 1 or {swapped}", "one digit off, or day and month swapped"),
        _level(f"year({left}) = year({right})", "same year"),
    ]


def _email(field: str) -> list[Level]:
    """Near is the whole address but for two keys.

    What is before the @ follows the name: alike for parent and child of one name, it
    would say again what the names say.
    """
    left, right = _sides(field)
    return [
        _null(field),
        _exact(field, frequencies=True),
        _level(f"damerau_levenshtein({left}, {right}) <= 2", "one or two keys off"),
    ]


def _plain(field: str) -> list[Level]:
    return [_null(field), _exact(field, frequencies=True)]


def _text(field: str) -> list[Level]:
    left, right = _sides(field)
    near = f"jaro_winkler_similarity({left}, {right})"
    return [
        _null(field),
        _exact(field, frequencies=True),
        _level(f"{near} >= 0.9", "close spelling"),
    ]


def _parts(*fields: str) -> list[Level]:
    """Fold correlated fields into one comparison: how many of them agree."""
    agreeing = " + ".join(
        f"coalesce(({left} = {right})::integer, 0)"
        for left, right in map(_sides, fields)
    )
    return [
        _null(*fields),
        *(
            _level(f"({agreeing}) >= {n}", f"{n} of {len(fields)} agree")
            for n in range(len(fields), 0, -1)
        ),
    ]


_LEVELS: dict[str, Callable[..., list[Level]]] = {
    "given_name": _given_name,
    "surname": _surname,
    "date": _date,
    "email": _email,
    "phone": _plain,
    "exact": _plain,
    "text": _text,
    "parts": _parts,
}
