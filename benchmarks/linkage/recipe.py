"""What Splink's documentation would have a person set for a table of people.

The sets that the documentation itself links (fake_1000, febrl3, febrl4) get the
settings of its demos. Any other table gets what the demos and the guide to building a
model have in common: each column the comparison that the library offers for its kind,
one comparison for the place (febrl4: further location columns are strongly correlated),
many strict blocking rules on names, birth, place and contacts, a guess of the recall of
deterministic rules, and two rounds of expectation maximisation. Kinds are read off the
columns' names, as a person would. No truth is used.
Source: Splink 5, docs/demos/tutorials 03 to 05 and 08, docs/demos/examples/duckdb:
accuracy_analysis_from_labels_column, febrl3, febrl4, deduplicate_50k_synthetic,
quick_and_dirty_persons.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import splink.comparison_library as cl

KINDS: Mapping[str, str] = {
    "ignored": r"first_and_surname|amount|^row$|^title$|segment|_id$|^record_type$",
    "email": r"mail",
    "phone": r"phone|^tel|mobile",
    "id": r"ssn|soc_sec|insurance|^student$|passport_number|national_id_number",
    "birth_part": r"^b[ymd]$|birth_year",
    "birth": r"dob|birth_?date|date_of_birth|born|geburt",
    "given": r"^first|^given|fname|forename|name_first",
    "family": r"surname|^last|lname|family|name_last",
    "postcode": r"post_?code|zip|pcode|postal",
    "number": r"street_number|house_number",
    "line": r"^street|^addr|address|house|line1",
    "city": r"city|town|suburb|birth_place",
    "name": r"name|^who$",
}
"""Kind by what the column's name holds; the first that fits, else `other`."""


Rule = str | tuple[str, ...]
"""SQL over sides l and r, or expressions that both sides have in common."""


@dataclass(frozen=True)
class Recipe:
    """Everything that Splink is told.

    Attributes:
        comparisons: Splink's own, by column.
        blocking: rules whose pairs are scored.
        deterministic: rules that find most matches and little else.
        recall: the guess of how many of the matches those find.
        training: one rule for each round of expectation maximisation.
        u_pairs: random pairs for u.
    """

    comparisons: Sequence[Any]
    blocking: Sequence[Rule]
    deterministic: Sequence[Rule]
    recall: float
    training: Sequence[Rule]
    u_pairs: float = 1e7


def recipe(columns: Sequence[str], dates: Sequence[str]) -> Recipe:
    """Return the documentation's recipe for these columns.

    Args:
        columns: all but ids, source and truth; a column without a second value is out.
        dates: the columns that hold whole dates, as ISO text.
    """
    if set(columns) == {"first_name", "surname", "dob", "city", "email"}:
        return fake_1000()
    if {"soc_sec_id", "given_name", "address_1", "state"} <= set(columns):
        return febrl()
    return general(kinds_of(columns), dates)


def kinds_of(columns: Sequence[str]) -> dict[str, list[str]]:
    """Group the columns by kind."""
    kinds: dict[str, list[str]] = {}
    for column in columns:
        fitting = (k for k, form in KINDS.items() if re.search(form, column.lower()))
        kinds.setdefault(next(fitting, "other"), []).append(column)
    return kinds


def fake_1000() -> Recipe:
    """Return the recipe of the demo that measures its accuracy."""
    near = "levenshtein(r.dob, l.dob) <= 1"
    return Recipe(
        comparisons=[
            cl.ForenameSurnameComparison("first_name", "surname"),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.ExactMatch("city").configure(term_frequency_adjustments=True),
            cl.EmailComparison("email"),
        ],
        blocking=[("first_name",), ("surname",), ("dob",), ("email",)],
        deterministic=[
            f"l.first_name = r.first_name and {near}",
            f"l.surname = r.surname and {near}",
            "l.first_name = r.first_name and levenshtein(r.surname, l.surname) <= 2",
            "l.email = r.email",
        ],
        recall=0.7,
        training=[("dob",), ("email",), ("first_name", "surname")],
        u_pairs=1e6,
    )


def febrl() -> Recipe:
    """Return the recipe of the febrl demos, with the blocking rules of febrl4's."""
    tf = {"term_frequency_adjustments": True}
    return Recipe(
        comparisons=[
            cl.NameComparison("given_name").configure(**tf),
            cl.NameComparison("surname").configure(**tf),
            cl.DateOfBirthComparison("date_of_birth", input_is_string=True),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
            cl.ExactMatch("street_number").configure(**tf),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(**tf),
        ],
        blocking=[
            ("given_name", "surname"),
            "l.given_name = r.surname and l.surname = r.given_name",
            ("date_of_birth",),
            ("soc_sec_id",),
            ("state", "address_1"),
            ("street_number", "address_1"),
            ("postcode",),
        ],
        deterministic=[
            ("soc_sec_id",),
            ("given_name", "surname", "date_of_birth"),
        ],
        recall=0.8,
        training=[("date_of_birth",), ("postcode",)],
        u_pairs=1e6,
    )


def general(kinds: Mapping[str, Sequence[str]], dates: Sequence[str]) -> Recipe:
    """Return what the demos have in common, for whatever kinds there are."""
    key = {kind: f'"{columns[0]}"' for kind, columns in kinds.items()}
    return Recipe(
        comparisons=_comparisons(kinds, dates),
        blocking=_blocking(key),
        deterministic=_deterministic(key),
        recall=0.6 if "email" not in key and "id" not in key else 0.7,
        training=_training(key),
    )


def _comparisons(kinds: Mapping[str, Sequence[str]], dates: Sequence[str]) -> list[Any]:
    made = [
        _comparison(kind, c, dates) for kind in _COMPARED for c in kinds.get(kind, ())
    ]
    places = [c for kind in ("postcode", "line", "city") for c in kinds.get(kind, ())]
    if places:
        made.append(_place(kinds, places[0]))
    return made


_COMPARED = (
    "given", "family", "name", "birth", "birth_part", "email", "phone", "id", "number",
    "other",
)  # fmt: skip


def _comparison(kind: str, column: str, dates: Sequence[str]) -> Any:
    if kind in ("given", "family", "name"):
        return cl.NameComparison(column).configure(term_frequency_adjustments=True)
    if kind == "birth":
        if column in dates:
            return cl.DateOfBirthComparison(column, input_is_string=True)
        return cl.LevenshteinAtThresholds(column, 1)
    if kind == "email":
        return cl.EmailComparison(column)
    if kind in ("phone", "id"):
        return cl.DamerauLevenshteinAtThresholds(column, [1, 2])
    return cl.ExactMatch(column).configure(
        term_frequency_adjustments=kind != "birth_part"
    )


def _place(kinds: Mapping[str, Sequence[str]], column: str) -> Any:
    if column in kinds.get("postcode", ()):
        made: Any = cl.LevenshteinAtThresholds(column, 2)
    else:
        made = cl.JaroWinklerAtThresholds(column, 0.9)
    return made.configure(term_frequency_adjustments=True)


def _blocking(key: Mapping[str, str]) -> list[Rule]:
    """The rules of the demo of 50,000 people, and one for each contact and id."""
    given, family = key.get("given"), key.get("family") or key.get("name")
    birth = key.get("birth") or key.get("birth_part")
    place = key.get("postcode") or key.get("line") or key.get("city")
    cut = [_cut(given, 3), _cut(family, 4)], [_cut(place, 3)]
    rules = [
        cut[0],
        [family, birth],
        [given, birth],
        [place, given],
        [place, family],
        [birth, key.get("city")],
        [*cut[1], birth],
        [*cut[1], given],
        [*cut[1], family],
        [_cut(given, 2), _cut(family, 2), _cut(birth, 4)],
        *([key.get(kind)] for kind in ("email", "phone", "id")),
    ]
    if not given:
        rules += [[family], [_cut(family, 6), birth], [_cut(family, 6), place]]
    return [rule for rule in dict.fromkeys(map(_whole, rules)) if rule]


def _deterministic(key: Mapping[str, str]) -> list[Rule]:
    given, family = key.get("given"), key.get("family") or key.get("name")
    birth = key.get("birth") or key.get("birth_part")
    place = key.get("postcode") or key.get("line") or key.get("city")
    names = [given, family] if given else [family]
    rules = [[*names, birth], [*names, place], [birth, place]]
    rules += [[key.get(kind)] for kind in ("email", "id")]
    return [rule for rule in dict.fromkeys(map(_whole, rules)) if rule]


def _training(key: Mapping[str, str]) -> list[Rule]:
    """Names first, then birth, or the place or a contact where there is none."""
    given, family = key.get("given"), key.get("family") or key.get("name")
    rest = ("birth", "postcode", "line", "email", "phone", "id", "birth_part")
    second = next((key[kind] for kind in rest if kind in key), None)
    rules = [[given, family] if given else [family], [second]]
    return [rule for rule in map(_whole, rules) if rule]


def _cut(column: str | None, letters: int) -> str | None:
    return f"substr({column},1,{letters})" if column else None


def _whole(rule: Sequence[str | None]) -> tuple[str, ...]:
    """Return a rule of which every part is there, else an empty one."""
    parts = tuple(part for part in rule if part)
    return tuple(dict.fromkeys(parts)) if len(parts) == len(rule) else ()
