"""One thing written in several columns, scripts or layouts, and columns of no worth."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from people_file import FAMILY, GIVEN, STREETS, linked, written

from dmp.identity.link.blocking import Pairs
from dmp.identity.link.classes import RANDOM, SAME
from dmp.identity.link.columns import Kind
from dmp.identity.link.fields import Reading, read_fields
from dmp.identity.link.files import read_files
from dmp.identity.link.nodes import collapse
from dmp.identity.link.scoring import class_likelihoods
from dmp.identity.link.training import Parameters
from dmp.identity.link.vectors import MISSING, comparisons, vectors
from dmp.storage.scratch import scratch_connection


def read(
    columns: dict[str, list[str | None]], folder: Path, given: dict[str, Kind]
) -> Reading:
    """Read columns of given kinds as a CSV file without ids."""
    path = folder / "file.csv"
    pa_csv.write_csv(pa.table(columns), path)
    with scratch_connection() as connection:
        return read_fields(connection, read_files(connection, [path]), given=given)


def cells(reading: Reading, name: str) -> list[str | None]:
    """Return the normal forms of one field, record by record."""
    field = next(field for field in reading.fields if field.name == name)
    known = field.values.to_pylist()
    return [known[code] if code >= 0 else None for code in field.codes]


def test_whole_names_complete_names_in_parts(tmp_path: Path) -> None:
    columns: dict[str, list[str | None]] = {
        "whole": ["Anna Moor", "Hill, Ben", None, None],
        "first": [None, None, "Anna", "Clara"],
        "last": [None, None, "Moor", "Dene"],
    }
    kinds = {
        "whole": Kind.FULL_NAME,
        "first": Kind.GIVEN_NAME,
        "last": Kind.FAMILY_NAME,
    }
    reading = read(columns, tmp_path, kinds)
    assert cells(reading, "whole: given") == ["anna", "ben", "anna", "clara"]
    assert cells(reading, "whole: family") == ["moor", "hill", "moor", "dene"]
    assert reading.merged == {"first": "whole: given", "last": "whole: family"}


def test_names_that_many_records_both_have_stay_apart(tmp_path: Path) -> None:
    columns: dict[str, list[str | None]] = {
        "first": ["Anna", "Ben", "Clara", "David"],
        "middle": ["Rosa", None, "Emil", None],
    }
    kinds = {"first": Kind.GIVEN_NAME, "middle": Kind.GIVEN_NAME}
    assert not read(columns, tmp_path, kinds).merged


@pytest.mark.parametrize(
    ("written_name", "given", "family", "generation"),
    [
        ("John Moor Jr.", "john", "moor", "junior"),
        ("Moor Sr, John", "john", "moor", "senior"),
        ("John Moor III", "john", "moor", "iii"),
        ("Sr. John Moor", "john", "moor", None),
        ("Junior Moor", "junior", "moor", None),
    ],
)
def test_a_generation_is_no_part_of_the_name(
    written_name: str, given: str, family: str, generation: str | None, tmp_path: Path
) -> None:
    others: list[str | None] = ["Ann Dene Jr", "Ann Dene Sr"]
    reading = read({"c": [written_name, *others]}, tmp_path, {"c": Kind.FULL_NAME})
    found = [cells(reading, f"c: {part}")[0] for part in ("given", "family")]
    assert found == [given, family]
    assert cells(reading, "c: generation")[0] == generation


def test_words_of_two_scripts_are_not_compared(tmp_path: Path) -> None:
    names: list[str | None] = ["Wang Jie", "王杰", "王偉", "Wang Wei"]
    reading = read({"c": names}, tmp_path, {"c": Kind.FAMILY_NAME})
    nodes = collapse(reading.fields, np.zeros(4, np.int32))
    place = nodes.of_record
    with scratch_connection() as connection:
        found = vectors(
            connection,
            nodes,
            comparisons(nodes.fields),
            place[[0, 1, 0]],
            place[[1, 2, 3]],
        )[:, 0]
    assert found[0] == MISSING
    assert (found[1:] != MISSING).all()


def test_a_rare_value_of_a_field_that_says_nothing_says_nothing(
    tmp_path: Path,
) -> None:
    columns: dict[str, list[str | None]] = {"c": ["rare", "rare", *["usual"] * 98]}
    columns["n"] = [f"v{n}" for n in range(100)]
    kinds = {"c": Kind.CATEGORY, "n": Kind.IDENTIFIER}
    reading = read(columns, tmp_path, kinds)
    nodes = collapse(reading.fields, np.zeros(100, np.int32))
    compared = comparisons(nodes.fields)
    tables = tuple(np.full((7, c.n_levels), 1 / c.n_levels) for c in compared)
    levels = np.array([[0, MISSING]], dtype=np.int8)
    pair = Pairs(nodes.of_record[:1], nodes.of_record[1:2], np.ones(1, np.int64))
    [found] = class_likelihoods(
        nodes, compared, Parameters(tables, np.ones(7) / 7), pair, levels, np.zeros(2)
    )
    assert found[SAME] == pytest.approx(found[RANDOM])


def people_and_firms(seed: int) -> tuple[pa.Table, list[int]]:
    """Return two sources of other layouts, colleagues of few employers among them."""
    dice = random.Random(seed)
    firms = [f"{word} Trading" for word in ("Northern", "Harbour", "Summit")]
    rows, person = [], []
    for number in range(60):
        first, last = dice.choice(GIVEN), dice.choice(FAMILY)
        mail = f"{first}.{last}{number}@example.org"
        home = f"{dice.randint(1, 99)} {dice.choice(STREETS)}"
        work = dice.choice(firms)
        rows.append({"source": "a", "first": first, "last": last, "home": home})
        rows[-1] |= {"mail": mail, "employer": work}
        person.append(number)
        if dice.random() < 0.6:
            whole = f"{last.title()}, {first.title()}"
            rows.append({"source": "b", "whole": whole, "mail": mail, "place": home})
            rows[-1] |= {"employer": work}
            person.append(number)
    names = ("source", "first", "last", "home", "mail", "employer", "whole", "place")
    return pa.table({n: [row.get(n) for row in rows] for n in names}), person


def test_sources_of_two_layouts_meet(tmp_path: Path) -> None:
    table, person = people_and_firms(1)
    path = written(table, tmp_path / "people.parquet")
    _, found = linked(path, tmp_path / "clusters.parquet", source_column="source")
    members = defaultdict(set)
    for cluster, who in zip(found["cluster_id"].to_pylist(), person, strict=True):
        members[cluster].add(who)
    assert all(len(people) == 1 for people in members.values())
    assert len(members) <= len(set(person)) + 1
