"""A small people file with errors of every kind, and its truth."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dmp.identity.link import Linked, link_files

GIVEN = """
anna boris clara david elena felix greta henry irene jonas karin louis maria nadia oscar
paula quentin rosa simon tamara ulrike viktor wanda xavier yvonne
""".split()
FAMILY = """
abbot brandt carver dubois engel fraser gomez hansen ibsen jansen keller lopez moreau
novak olsen petrov quast rossi sauer thorn ullman vogel weber young zhang ashford birch
cole dunne eklund farrow gale holt irving jarvis kemp lund marsh nash orton pryce rook
stone tate upton vance webb york zander
""".split()
STREETS = "mill lane|oak street|church road|station road|park avenue|high street".split(
    "|"
)


@dataclass(frozen=True)
class PeopleFile:
    """A file without its truth, and the person of each record."""

    path: Path
    table: pa.Table
    person: list[int]


def made(n_people: int, seed: int = 4) -> tuple[pa.Table, list[int]]:
    """Return records of people in households, one to four each, and whose each is."""
    dice = random.Random(seed)
    rows, person = [], []
    for number in range(n_people):
        year, month, day = (dice.randint(*x) for x in ((1940, 2004), (1, 12), (1, 28)))
        truth = {
            "first": dice.choice(GIVEN),
            "last": dice.choice(FAMILY),
            "born": f"{year}-{month:02}-{day:02}",
            "street": f"{dice.randint(1, 99)} {dice.choice(STREETS)}",
            "mail": "",
        }
        truth["mail"] = f"{truth['first'][0]}.{truth['last']}{number}@example.org"
        for _ in range(dice.choice((1, 2, 2, 3, 4))):
            rows.append({key: _written(dice, value) for key, value in truth.items()})
            person.append(number)
    order = list(range(len(rows)))
    dice.shuffle(order)
    table = pa.Table.from_pylist([rows[i] for i in order])
    return table, [person[i] for i in order]


def _written(dice: random.Random, value: str) -> str | None:
    roll = dice.random()
    if roll < 0.12:
        return None
    if roll < 0.24:
        at = dice.randrange(len(value))
        return value[:at] + dice.choice("aeiou") + value[at + 1 :]
    return value.title() if roll < 0.4 else value


def written(table: pa.Table, path: Path, ids: list[str] | None = None) -> Path:
    """Write a table with record ids before its columns."""
    ids = ids or [f"r{n}" for n in range(len(table))]
    pq.write_table(table.add_column(0, "record_id", pa.array(ids)), path)
    return path


def linked(path: Path, out: Path, **more: object) -> tuple[Linked, pa.Table]:
    """Link a file; return what was said and the clusters."""
    found = link_files([path], out=out, **more)  # type: ignore[arg-type]
    return found, pq.read_table(out)


def f1(cluster: np.ndarray, person: list[int]) -> float:
    """Return pairwise F1 of clusters over all true pairs."""
    one, two = np.triu_indices(len(person), k=1)
    truth = np.array(person)
    joined, true = cluster[one] == cluster[two], truth[one] == truth[two]
    return float(2 * (joined & true).sum() / (joined.sum() + true.sum()))
