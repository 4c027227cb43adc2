"""Questions of `dmp link`, and what it makes of the answers."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from people_file import PeopleFile, f1, linked, made, written

from dmp.core.errors import UsageError
from dmp.identity.link import link_files
from dmp.identity.link.classes import N_CLASSES
from dmp.identity.link.reranking import Features, Judged, corrected
from dmp.identity.link.training import Parameters
from dmp.identity.link.vectors import MISSING

N_ASKED = 60


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> PeopleFile:
    table, person = made(130, seed=9)
    path = tmp_path_factory.mktemp("labels") / "people.parquet"
    return PeopleFile(written(table, path), table, person)


@pytest.fixture(scope="module")
def answered(people: PeopleFile) -> Path:
    """The first round's questions, answered from the truth."""
    pairs = people.path.with_name("pairs.csv")
    found = link_files([people.path], ask=N_ASKED, pairs=pairs)
    assert found.asked == N_ASKED
    return answer(people, pairs)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def answer(people: PeopleFile, pairs: Path) -> Path:
    rows = rows_of(pairs)
    for row in rows:
        one, other = (int(row[f"record_id_{side}"][1:]) for side in "lr")
        row["match"] = str(int(people.person[one] == people.person[other]))
    return write_rows(pairs, rows)


def label(one: int, other: int, match: str) -> dict[str, str]:
    return {"record_id_l": f"r{one}", "record_id_r": f"r{other}", "match": match}


def test_questions_show_both_records_and_are_in_doubt(
    people: PeopleFile, answered: Path
) -> None:
    rows = rows_of(answered)
    assert list(rows[0])[:3] == ["record_id_l", "record_id_r", "match"]
    first = rows[0]
    shown = people.table.slice(int(first["record_id_l"][1:]), 1).to_pylist()[0]
    assert {k: first[f"{k}_l"] or None for k in shown} == shown
    assert 0.1 < sum(row["match"] == "1" for row in rows) / len(rows) < 0.9


def test_answers_make_the_clusters_better(
    people: PeopleFile, answered: Path, tmp_path: Path
) -> None:
    before = linked(people.path, tmp_path / "a.parquet")[1]["cluster_id"].to_numpy()
    found, table = linked(people.path, tmp_path / "b.parquet", labels=[answered])
    assert found.labels == N_ASKED
    after = f1(table["cluster_id"].to_numpy(), people.person)
    assert after > f1(before, people.person)


def test_judged_pairs_are_obeyed_and_not_asked_again(
    people: PeopleFile, answered: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.csv"
    out = tmp_path / "out.parquet"
    _, table = linked(people.path, out, labels=[answered], ask=N_ASKED, pairs=again)
    of = dict(
        zip(
            table["record_id"].to_pylist(), table["cluster_id"].to_pylist(), strict=True
        )
    )
    judged = {
        (r["record_id_l"], r["record_id_r"]): r["match"] for r in rows_of(answered)
    }
    for (one, other), match in judged.items():
        assert (of[one] == of[other]) == (match == "1")
    asked = {(r["record_id_l"], r["record_id_r"]) for r in rows_of(again)}
    assert len(asked) == N_ASKED
    assert not asked & set(judged)


def test_a_model_carries_what_was_judged_to_other_records(
    people: PeopleFile, answered: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model.json"
    link_files([people.path], labels=[answered], model_out=model)
    table, person = made(130, seed=77)
    other = written(table, tmp_path / "other.parquet")
    plain = linked(other, tmp_path / "a.parquet")[1]["cluster_id"].to_numpy()
    _, taught = linked(other, tmp_path / "b.parquet", model=model)
    assert f1(taught["cluster_id"].to_numpy(), person) > f1(plain, person) - 0.01
    assert taught["cluster_id"].to_pylist() != plain.tolist()
    text = model.read_text()
    assert not [v for v in people.table["mail"].to_pylist() if v and v in text]


def test_a_spreadsheet_may_have_rewritten_the_file(
    people: PeopleFile, answered: Path, tmp_path: Path
) -> None:
    rows = rows_of(answered)
    for row in rows:
        row["match"] = {"1": "TRUE", "0": " no "}[row["match"]]
    other = write_rows(tmp_path / "semicolons.csv", rows, delimiter=";")
    one = linked(people.path, tmp_path / "a.parquet", labels=[answered])[1]
    two = linked(people.path, tmp_path / "b.parquet", labels=[other])[1]
    assert one.equals(two)


def test_contradictions_unknown_ids_and_blanks_are_counted(
    people: PeopleFile, tmp_path: Path
) -> None:
    rows = [
        label(0, 1, "1"),
        label(1, 0, "0"),  # the same pair, judged the other way
        label(2, 3, "1"),
        label(3, 4, "1"),
        label(2, 4, "0"),  # against two matches
        label(5, 6, ""),
        label(7, 9_999, "1"),
    ]
    pairs = write_rows(tmp_path / "pairs.csv", rows)
    found, table = linked(people.path, tmp_path / "o.parquet", labels=[pairs])
    told = (found.labels, found.contradicting, found.unknown, found.unanswered)
    assert told == (2, 2, 1, 1)
    cluster = table["cluster_id"].to_pylist()
    assert cluster[2] == cluster[3] == cluster[4]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([label(0, 1, "perhaps")], "neither 1, 0 nor empty in 1 rows, first in row 2"),
        ([{"record_id_l": "r0", "match": "1"}], "no column record_id_r"),
        ([label(9_998, 9_999, "1")], "none of the 1 pairs"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(
    people: PeopleFile, tmp_path: Path, rows: list[dict[str, str]], said: str
) -> None:
    pairs = write_rows(tmp_path / "pairs.csv", rows)
    with pytest.raises(UsageError, match=said):
        link_files([people.path], out=tmp_path / "o.parquet", labels=[pairs])
    assert not (tmp_path / "o.parquet").exists()


def test_a_torn_file_of_labels_is_told_by_its_line(
    people: PeopleFile, tmp_path: Path
) -> None:
    pairs = write_rows(tmp_path / "pairs.csv", [label(0, n, "1") for n in range(1, 9)])
    pairs.write_text(pairs.read_text() + "r0\n")
    with pytest.raises(UsageError, match=r"pairs\.csv, line 10: the header has"):
        link_files([people.path], out=tmp_path / "o.parquet", labels=[pairs])


def test_cells_a_spreadsheet_would_calculate_are_kept_from_it(tmp_path: Path) -> None:
    table, _ = made(40)
    risky = table.set_column(
        0, "first", pa.array([f"=cmd|{n % 30}" for n in range(len(table))])
    )
    ids = [f"-{n}" for n in range(len(risky))]
    path = written(risky, tmp_path / "risky.parquet", ids)
    link_files([path], ask=20, pairs=tmp_path / "pairs.csv")
    rows = rows_of(tmp_path / "pairs.csv")
    assert not [c for row in rows for c in row.values() if c[:1] in "=+-@" and c]
    for row in rows:
        row["match"] = "0"
    pairs = write_rows(tmp_path / "pairs.csv", rows)
    found = link_files([path], out=tmp_path / "o.parquet", labels=[pairs])
    assert (found.labels, found.unknown) == (20, 0)


def test_asking_and_where_to_write_go_together(people: PeopleFile) -> None:
    with pytest.raises(UsageError, match="go together"):
        link_files([people.path], ask=5)


def test_what_no_judged_pair_shows_teaches_nothing() -> None:
    n = 40
    levels = np.full((n, 2), MISSING, dtype=np.int8)
    levels[:, 0] = np.arange(n) % 2
    weight = np.where(levels[:, 0] == 0, 5.0, -5.0)
    seen = Features(weight, levels, np.full((n, 2), np.nan))
    known = Judged(seen, (levels[:, 0] == 0).astype(float))
    table = np.tile([0.9, 0.1], (N_CLASSES, 1))
    moved = corrected(seen, known, Parameters((table, table), np.ones(N_CLASSES)))
    assert ((moved > 0) == (weight > 0)).all()
