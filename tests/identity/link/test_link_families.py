"""A small file in which families share all but their first names and birth dates."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pytest
from people_file import FAMILY, GIVEN, STREETS, linked, written

REGIONS = ("Harwell North", "Harwell South", "Upper Dene", "Lower Dene", "Old Quay")
STATES = "OH NV CA TX NY WA".split()


def families(seed: int) -> tuple[pa.Table, list[tuple[int, str]]]:
    """Return the records of thirty families of three, and whose each is."""
    dice = random.Random(seed)
    rows, person = [], []
    for home in range(30):
        family = dice.choice(FAMILY)
        shared = {
            "last": family,
            "street": f"{dice.randint(1, 99)} {dice.choice(STREETS)}",
            "region": dice.choice(REGIONS),
            "state": dice.choice(STATES),
            "mail": f"{family}{home}@example.org",
        }
        for first in dice.sample(GIVEN, 3):
            year, month, day = (
                dice.randint(*x) for x in ((1940, 2004), (1, 12), (1, 28))
            )
            born = f"{year}-{month:02}-{day:02}"
            for _ in range(dice.choice((1, 1, 2))):
                row = {"first": first, "born": born, **shared}
                gone = {k for k in ("born", "mail", "street") if dice.random() < 0.25}
                rows.append({k: None if k in gone else v for k, v in row.items()})
                person.append((home, first))
    return pa.Table.from_pylist(rows), person


@pytest.mark.parametrize("seed", [0, 3])
def test_what_a_family_shares_does_not_make_it_one_person(
    tmp_path: Path, seed: int
) -> None:
    table, person = families(seed)
    path = written(table, tmp_path / "families.parquet")
    _, found = linked(path, tmp_path / "clusters.parquet")
    members = defaultdict(set)
    for cluster, who in zip(found["cluster_id"].to_pylist(), person, strict=True):
        members[cluster].add(who)
    assert all(len(people) == 1 for people in members.values())
    assert len(members) == len(set(person))
