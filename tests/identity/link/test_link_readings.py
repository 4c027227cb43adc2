"""What the columns of a people file are taken for, and how their values are read."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest

from dmp.identity.link.block_sizes import NearBlockSizes, SampledBlockSizes
from dmp.identity.link.blocking import block_pairs
from dmp.identity.link.columns import Kind
from dmp.identity.link.fields import Reading, read_fields
from dmp.identity.link.files import read_files
from dmp.identity.link.nodes import Nodes
from dmp.identity.link.vectors import comparisons, vectors
from dmp.storage.scratch import scratch_connection

N = 60


def read(columns: dict[str, list[str | None]], folder: Path, **more: object) -> Reading:
    """Read columns as a CSV file without ids."""
    path = folder / "file.csv"
    pa_csv.write_csv(pa.table(columns), path)
    with scratch_connection() as connection:
        records = read_files(connection, [path])
        return read_fields(connection, records, **more)  # type: ignore[arg-type]


def values(reading: Reading, name: str) -> list[str | None]:
    field = next(field for field in reading.fields if field.name == name)
    known = field.values.to_pylist()
    return [known[code] if code >= 0 else None for code in field.codes]


FAMILY = """Smith Jones Brown Taylor Wilson Evans Walker White Hall Wright Cooper Ward
    Turner Hill Moore""".split()
GIVEN = """Anna Peter Maria John Sarah David Emma James Laura Paul Alice Henry Clara
    Oscar Nina""".split()


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        (Kind.GIVEN_NAME, [GIVEN[n % 15] for n in range(N)]),
        (Kind.FAMILY_NAME, [FAMILY[n % 15] for n in range(N)]),
        (Kind.FULL_NAME, [f"{GIVEN[n % 15]} {FAMILY[n // 4]}" for n in range(N)]),
        (Kind.DATE, [f"19{n + 30}-0{n % 9 + 1}-{n % 18 + 10}" for n in range(N)]),
        (Kind.DATE, [f"{n % 28 + 1}/{n % 12 + 1}/19{n + 30}" for n in range(N)]),
        (Kind.DATE, [f"{n % 28 + 1} March 19{n + 30}" for n in range(N)]),
        (Kind.DATE, [f"{n % 28 + 1} de marzo de 19{n + 30}" for n in range(N)]),
        (Kind.DATE, [f"16{n + 30}-{n % 9 + 1}-{n % 18 + 10}" for n in range(N)]),
        (Kind.EMAIL, [f"user{n % 40}@example.org" for n in range(N)]),
        (Kind.PHONE, [f"+44 20 7946 0{n % 40 + 100}" for n in range(N)]),
        (Kind.PHONE, [f"{'+49' * (n % 2)}69{n % 40}12345" for n in range(N)]),
        (Kind.ADDRESS, [f"{n % 40 + 1} Mill Lane" for n in range(N)]),
        (Kind.ADDRESS, [f"Saparontie {n % 40 + 1}" for n in range(N)]),
        (Kind.POSTCODE, [f"SW{n % 9 + 1} {n % 5 + 1}AB" for n in range(N)]),
        (Kind.SEX, ["mf"[n % 2] for n in range(N)]),
        (Kind.YEAR, [str(1930 + n % 50) for n in range(N)]),
        (Kind.IDENTIFIER, [f"QX{n % 40 + 100}77{n % 40}" for n in range(N)]),
        (Kind.UNUSED, [f"QX{n + 100}77{n}" for n in range(N)]),
        (Kind.UNUSED, ["same"] * N),
    ],
)
def test_a_column_is_known_by_its_values(
    kind: Kind, cells: list[str], tmp_path: Path
) -> None:
    reading = read({"column": cells}, tmp_path)
    assert reading.kinds[0].kind == kind


class TestLanguagesOfNoLexicon:
    """People whose names and towns are made of syllables that mean nothing."""

    N_HOMES = 500

    def columns(self) -> dict[str, list[str | None]]:
        dice = random.Random(5)

        def words(n: int, length: int) -> list[str]:
            parts = "ka lo mi re su to ne vi ha po gu shi".split()
            return ["".join(dice.choices(parts, k=length)).title() for _ in range(n)]

        given, family, towns = words(120, 2), words(300, 3), words(25, 4)
        rows = []
        for home in range(self.N_HOMES):
            at, name = dice.randrange(25), dice.choice(family)
            for _ in range(dice.choice((1, 2, 3))):
                born = f"{dice.randint(1940, 2005)}-{dice.randint(1, 12):02}-11"
                row = (name, dice.choice(given), born, f"{700 + at}-{home}", towns[at])
                rows += [row] * dice.choice((1, 2))
        return {
            f"c{i}": list(column) for i, column in enumerate(zip(*rows, strict=True))
        }

    def kinds(self, folder: Path, *left_out: str) -> dict[str, Kind]:
        columns = {n: c for n, c in self.columns().items() if n not in left_out}
        return {c.column: c.kind for c in read(columns, folder).kinds}

    def test_names_and_places_are_told_apart(self, tmp_path: Path) -> None:
        kinds = self.kinds(tmp_path)
        found = kinds["c0"], kinds["c1"], kinds["c4"]
        assert found == (Kind.FAMILY_NAME, Kind.GIVEN_NAME, Kind.PLACE)

    def test_a_town_goes_with_the_family_where_no_code_tells(
        self, tmp_path: Path
    ) -> None:
        columns = self.columns()
        pairs = zip(columns["c1"], columns["c0"], strict=True)
        names = {"name": [f"{given} {family}" for given, family in pairs]}
        reading = read(names | {n: columns[n] for n in ("c2", "c4")}, tmp_path)
        kinds = {c.column: c.kind for c in reading.kinds}
        assert (kinds["name"], kinds["c4"]) == (Kind.FULL_NAME, Kind.PLACE)

    def test_what_goes_with_nothing_is_no_place(self, tmp_path: Path) -> None:
        dice = random.Random(6)
        trades = [f"{a}{b}maker" for a in "barn" for b in "dolm"]
        columns = self.columns()
        columns["c5"] = [dice.choice(trades) for _ in columns["c0"]]
        kinds = {c.column: c.kind for c in read(columns, tmp_path).kinds}
        assert kinds["c5"] == Kind.TEXT


def test_names_written_twice_with_errors_are_one_field(tmp_path: Path) -> None:
    given = [GIVEN[n % 15] for n in range(N)]
    slipped = [name + "x" * (n % 3 == 0) for n, name in enumerate(given)]
    full = [f"{name} {FAMILY[n // 4]}" for n, name in enumerate(given)]
    reading = read({"who": full, "first": slipped}, tmp_path)
    assert reading.merged == {"first": "who: given"}


@pytest.mark.parametrize(
    ("kind", "written", "means"),
    [
        (Kind.GIVEN_NAME, "  Dr. José-María ", "jose maria"),
        (Kind.FAMILY_NAME, "O'Brien", "obrien"),
        (Kind.EMAIL, "Ann <Ann.B@Example.ORG>", "ann.b@example.org"),
        (Kind.PHONE, "+44 (0)20 7946-0123", "079460123"),
        (Kind.PHONE, "020 7946 0123", "079460123"),
        (Kind.STREET, "Long Mill Street", "long mill st"),
        (Kind.POSTCODE, "90210-1234", "90210"),
        (Kind.IDENTIFIER, "ab-12 3", "AB123"),
        (Kind.SEX, "Frau", "f"),
        (Kind.PLACE, "Unknown", None),
        (Kind.PLACE, "N/A", None),
    ],
)
def test_a_value_has_one_normal_form(
    kind: Kind, written: str, means: str | None, tmp_path: Path
) -> None:
    cells: list[str | None] = [written, "b@c.org 0201234567", "yy@zz.org 8"]
    reading = read({"column": cells}, tmp_path, given={"column": kind})
    assert values(reading, "column")[0] == means


def test_dates_of_three_formats_are_one_date(tmp_path: Path) -> None:
    columns: dict[str, list[str | None]] = {
        "source": ["uk"] * 3 + ["us"] * 3 + ["iso"] * 2,
        "born": [
            *("13/02/1980", "03/04/1981", "5 May 1982"),
            *("02/13/1980", "04/03/1981", "May 5, 1982"),
            *("1980-02-13", "19810403"),
        ],
    }
    reading = read(columns, tmp_path, given={"born": Kind.DATE})
    days = ["19800213", "19810403", "19820505"]
    assert values(reading, "born") == days * 2 + days[:2]
    assert set(reading.dates["born"].day_first.values()) == {True, False}


def test_months_have_names_in_several_languages(tmp_path: Path) -> None:
    written = """5. März 1970|5 mars 1970|5 de marzo de 1970|March 5, 1970|05-Mar-70
        |5 août 1970|5. Oktober 1970|5 ottobre 1970|5 juillet 1970|5 juin 1970"""
    cells = [cell.strip() for cell in written.split("|")]
    [field] = read({"born": cells}, tmp_path).fields
    months = [field.values.to_pylist()[code] for code in field.codes]
    assert months == [f"1970{m:02}05" for m in (3, 3, 3, 3, 3, 8, 10, 10, 7, 6)]


def test_a_date_that_is_none_is_counted(tmp_path: Path) -> None:
    cells: list[str | None] = ["1980-02-13", "soon", "1981-02-14", None]
    reading = read({"born": cells}, tmp_path, given={"born": Kind.DATE})
    assert reading.unread == {"born": 1}


def test_year_month_and_day_are_one_date(tmp_path: Path) -> None:
    columns: dict[str, list[str | None]] = {
        "y": [str(1930 + n) for n in range(N)],
        "m": [str(n % 12 + 1) for n in range(N)],
        "d": [str(n % 31 + 1) for n in range(N)],
    }
    reading = read(columns, tmp_path)
    [field] = reading.fields
    assert field.kind == Kind.DATE
    assert values(reading, field.name)[:2] == ["19300101", "19310202"]


def test_a_column_twice_is_one_field(tmp_path: Path) -> None:
    mail: list[str | None] = [f"u{n % 40}@example.org" for n in range(N)]
    other = [None if n % 5 == 0 else cell for n, cell in enumerate(mail)]
    reading = read({"mail": other, "mail2": mail}, tmp_path)
    assert reading.merged == {"mail2": "mail"}
    assert values(reading, "mail") == mail


@pytest.mark.parametrize(
    ("kind", "one", "other", "level"),
    [
        (Kind.GIVEN_NAME, "anna", "anna", "the same"),
        (Kind.GIVEN_NAME, "bob", "robert", "a short form of the other"),
        (Kind.GIVEN_NAME, "a", "anna", "initial of the other"),
        (Kind.FAMILY_NAME, "smith", "smyth", "one letter different"),
        (Kind.FAMILY_NAME, "smith", "msith", "one letter different"),
        (Kind.FAMILY_NAME, "garcia lopez", "garcia", "one word of several the same"),
        (Kind.FAMILY_NAME, "smith", "brown", "different"),
        (Kind.DATE, "19800213", "19801302", "day and month swapped"),
        (Kind.DATE, "19800213", "19800214", "one digit different"),
        (Kind.EMAIL, "a.b@x.org", "a.b@y.org", "same name before the @"),
        (Kind.IDENTIFIER, "12345678", "345678", "one ends or begins with the other"),
        (Kind.SEX, "m", "f", "different"),
    ],
)
def test_two_values_are_of_a_level(
    kind: Kind, one: str, other: str, level: str, tmp_path: Path
) -> None:
    reading = read({"c": [one, other, "zzzz"]}, tmp_path, given={"c": kind})
    [field] = reading.fields
    nodes = Nodes((field,), np.zeros(3, np.int32), np.ones(3, np.int64), np.arange(3))
    [comparison] = comparisons(nodes.fields)
    with scratch_connection() as connection:
        found = vectors(connection, nodes, [comparison], np.array([0]), np.array([1]))
    assert comparison.level_names[found[0, 0]] == level


def test_blocks_give_each_pair_of_theirs_once() -> None:
    chance = np.random.default_rng(3)
    keys = chance.integers(-1, 30, 300)
    left, right = block_pairs(keys, 12)
    sizes = np.bincount(keys[keys >= 0])
    one, two = np.triu_indices(len(keys), k=1)
    wanted = (keys[one] == keys[two]) & (keys[one] >= 0)
    wanted &= sizes[np.maximum(keys[one], 0)] <= 12
    expected = sorted(zip(one[wanted].tolist(), two[wanted].tolist(), strict=True))
    assert sorted(zip(left.tolist(), right.tolist(), strict=True)) == expected


def test_a_code_that_goes_with_the_address_is_a_place(tmp_path: Path) -> None:
    homes = range(80)
    columns: dict[str, list[str | None]] = {
        "name": [GIVEN[n % 15] for n in homes] + [GIVEN[(n + 7) % 15] for n in homes],
        "born": [f"19{n % 60 + 30}-01-1{n % 9}" for n in range(2 * len(homes))],
        "street": [f"{n + 1} Mill Lane" for n in homes] * 2,
        "district": [f"D{n // 4 + 100}" for n in homes] * 2,
        "member": [f"M{n // 2 + 100}" for n in range(2 * len(homes))],
    }
    reading = read(columns, tmp_path)
    kinds = {column.column: column.kind for column in reading.kinds}
    assert (kinds["district"], kinds["member"]) == (Kind.PLACE, Kind.IDENTIFIER)


def test_pairs_are_estimated_from_a_sample_of_the_nodes() -> None:
    n = 1_000_000
    chance = np.random.default_rng(5)
    keys = chance.integers(0, n // 4, n)
    keys[chance.random(n) < 0.2] = n
    small, common = 0.8**2 * 2 * n, 0.2**2 * n * n / 2
    for sizes in (SampledBlockSizes.of(keys[:100_000], n), NearBlockSizes.of(keys)):
        whole, capped = sizes.pairs([n, 200])
        assert whole == pytest.approx(small + common, rel=0.05)
        assert capped == pytest.approx(small, rel=0.05)
