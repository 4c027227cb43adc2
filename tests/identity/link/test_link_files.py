"""`dmp link` on files: what it finds, what changes nothing, what can be overridden."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from people_file import PeopleFile, f1, linked, made, written

from dmp.core.errors import DMPError, UsageError
from dmp.identity.link import link_files
from dmp.identity.link.files import read_files
from dmp.storage.scratch import scratch_connection


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> PeopleFile:
    table, person = made(150)
    path = tmp_path_factory.mktemp("people") / "people.parquet"
    return PeopleFile(written(table, path), table, person)


@pytest.fixture(scope="module")
def plain(people: PeopleFile) -> pa.Table:
    """The clusters without labels; the model lies beside the file."""
    return linked(
        people.path, people.path.with_name("plain.parquet"), model_out=model(people)
    )[1]


def model(people: PeopleFile) -> Path:
    return people.path.with_name("model.json")


def clusters(table: pa.Table) -> np.ndarray:
    return table["cluster_id"].to_numpy()


def same_partition(one: np.ndarray, two: np.ndarray) -> bool:
    pairs = set(zip(one.tolist(), two.tolist(), strict=True))
    return len(pairs) == len(set(one.tolist())) == len(set(two.tolist()))


def test_people_are_found_without_settings(people: PeopleFile, plain: pa.Table) -> None:
    assert plain["record_id"].to_pylist() == [f"r{n}" for n in range(len(plain))]
    assert f1(clusters(plain), people.person) > 0.95
    confidence = plain["confidence"].to_numpy()
    assert ((confidence > 0) & (confidence < 1)).all()


def test_confidence_is_lower_where_the_cluster_is_wrong(
    people: PeopleFile, plain: pa.Table
) -> None:
    person, cluster = np.array(people.person), clusters(plain)
    whole = np.array(
        [
            set(np.flatnonzero(cluster == c)) == set(np.flatnonzero(person == p))
            for c, p in zip(cluster, person, strict=True)
        ]
    )
    confidence = plain["confidence"].to_numpy()
    assert 0 < (~whole).sum() < len(whole)
    assert confidence[~whole].mean() < confidence[whole].mean()


def test_order_and_ids_make_no_difference(
    people: PeopleFile, plain: pa.Table, tmp_path: Path
) -> None:
    order = list(range(len(people.table)))
    random.Random(1).shuffle(order)
    ids = [f"{n * 7919 % 100_003}" for n in order]
    path = written(people.table.take(order), tmp_path / "other.parquet", ids)
    found = clusters(linked(path, tmp_path / "out.parquet")[1])
    assert same_partition(found, clusters(plain)[order])


def test_names_of_columns_make_no_difference(
    people: PeopleFile, plain: pa.Table, tmp_path: Path
) -> None:
    renamed = people.table.rename_columns(["email", "x", "first", "c4", "born"])
    path = written(renamed, tmp_path / "renamed.parquet")
    found = clusters(linked(path, tmp_path / "out.parquet")[1])
    assert abs(f1(found, people.person) - f1(clusters(plain), people.person)) <= 0.005


@pytest.mark.parametrize("name", ["true_id", "cluster", "Entity_ID"])
def test_a_column_of_truth_is_never_used(
    people: PeopleFile, plain: pa.Table, tmp_path: Path, name: str
) -> None:
    told = people.table.append_column(name, pa.array(list(map(str, people.person))))
    path = written(told, tmp_path / "told.parquet")
    found, table = linked(path, tmp_path / "out.parquet")
    assert name not in found.fields
    assert same_partition(clusters(table), clusters(plain))


def test_a_column_that_says_nothing_of_who_is_left_out(
    people: PeopleFile, plain: pa.Table, tmp_path: Path
) -> None:
    dice = random.Random(3)
    months = [dice.randint(1, 12) for _ in people.person]
    days = [f"2025-{month:02}-{dice.randint(1, 28):02}" for month in months]
    ordered = people.table.append_column("ordered_on", pa.array(days))
    path = written(ordered, tmp_path / "orders.parquet")
    found, table = linked(path, tmp_path / "out.parquet")
    assert "ordered_on" not in found.fields
    [choice] = [c for c in found.model.choices if "ordered_on" in c.place]
    assert (choice.chosen, choice.instead) == ("not compared", "date")
    assert same_partition(clusters(table), clusters(plain))


def test_csv_and_parquet_mean_the_same(
    people: PeopleFile, plain: pa.Table, tmp_path: Path
) -> None:
    pa_csv.write_csv(pq.read_table(people.path), tmp_path / "people.csv")
    link_files([tmp_path / "people.csv"], out=tmp_path / "out.csv")
    found = pa_csv.read_csv(tmp_path / "out.csv")
    assert found.column_names == ["record_id", "cluster_id", "confidence"]
    assert found["cluster_id"].to_pylist() == plain["cluster_id"].to_pylist()


def test_several_files_are_sources_of_one_linkage(
    people: PeopleFile, plain: pa.Table, tmp_path: Path
) -> None:
    whole = pq.read_table(people.path)
    pq.write_table(whole.slice(0, 150), tmp_path / "one.parquet")
    pa_csv.write_csv(whole.slice(150), tmp_path / "two.csv")
    files = [tmp_path / "one.parquet", tmp_path / "two.csv"]
    link_files(files, out=tmp_path / "out.parquet")
    found = pq.read_table(tmp_path / "out.parquet")
    assert found["record_id"].to_pylist() == plain["record_id"].to_pylist()
    assert f1(clusters(found), people.person) > 0.94


class TestModel:
    def test_it_gives_the_same_clusters_again(
        self, people: PeopleFile, plain: pa.Table, tmp_path: Path
    ) -> None:
        again = linked(people.path, tmp_path / "out.parquet", model=model(people))[1]
        assert again.equals(plain)

    def test_it_holds_every_choice_and_no_value(
        self, people: PeopleFile, plain: pa.Table
    ) -> None:
        text = model(people).read_text()
        places = {choice["place"] for choice in json.loads(text)["choices"]}
        assert {f"columns.{c}.kind" for c in people.table.column_names} <= places
        assert {"blocking", "clustering.threshold_bits"} <= places
        for column in people.table.columns:
            assert not [v for v in column.to_pylist() if v and f'"{v}"' in text]

    @pytest.mark.parametrize(
        ("change", "joins"),
        [
            (lambda m: m["clustering"].update(threshold_bits=25), "fewer"),
            (
                lambda m: m["clustering"].update(method="connected", threshold_bits=-6),
                "more",
            ),
            (lambda m: m["columns"]["mail"].update(kind="unused"), "other"),
            (
                lambda m: m["comparisons"]["mail"]["levels"][0].update(add_bits=-40),
                "fewer",
            ),
            (lambda m: m["comparisons"].pop("first"), "other"),
        ],
    )
    def test_what_stands_in_it_is_obeyed(
        self,
        people: PeopleFile,
        plain: pa.Table,
        tmp_path: Path,
        change: object,
        joins: str,
    ) -> None:
        document = json.loads(model(people).read_text())
        change(document)  # type: ignore[operator]
        (tmp_path / "m.json").write_text(json.dumps(document))
        out = tmp_path / "out.parquet"
        table = linked(people.path, out, model=tmp_path / "m.json")[1]
        before, after = len(set(clusters(plain))), len(set(clusters(table)))
        holds = {
            "fewer": after > before,
            "more": after < before,
            "other": not same_partition(clusters(table), clusters(plain)),
        }
        assert holds[joins]

    def test_a_kind_alone_may_be_said_and_the_rest_is_found(
        self, people: PeopleFile, tmp_path: Path
    ) -> None:
        kinds = {"first": "given_name", "last": "family_name", "mail": "email"}
        document = {"columns": {name: {"kind": kind} for name, kind in kinds.items()}}
        (tmp_path / "m.json").write_text(json.dumps(document))
        found, table = linked(
            people.path, tmp_path / "out.parquet", model=tmp_path / "m.json"
        )
        assert set(found.fields) == set(kinds)
        assert f1(clusters(table), people.person) > 0.7

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda m: m["columns"].update(phone={"kind": "phone"}), "phone"),
            (lambda m: m["columns"]["mail"].update(kind="mail"), "columns.mail.kind"),
            (lambda m: m.update(thresold=3), "thresold"),
            (lambda m: m.pop("shares"), "both or none"),
            (
                lambda m: m["comparisons"]["mail"]["levels"][0]["probability"].update(
                    same=7
                ),
                "sum to",
            ),
            (lambda m: m["comparisons"]["born"].update(levels=[]), "levels"),
            (
                lambda m: m.update(
                    blocking=[
                        {"on": [{"field": "mail", "part": "x"}], "largest_block": 9}
                    ]
                ),
                "no part 'x' of mail",
            ),
            (lambda m: m["judged"].update(match=[True]), "unlike length"),
        ],
    )
    def test_its_faults_are_told_and_nothing_is_written(
        self,
        people: PeopleFile,
        plain: pa.Table,
        tmp_path: Path,
        change: object,
        said: str,
    ) -> None:
        document = json.loads(model(people).read_text())
        change(document)  # type: ignore[operator]
        (tmp_path / "m.json").write_text(json.dumps(document))
        out = tmp_path / "out.parquet"
        with pytest.raises(UsageError, match=said):
            link_files([people.path], out=out, model=tmp_path / "m.json")
        assert not out.exists()

    @pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"columns": 3}'])
    def test_what_is_no_model_is_refused(
        self, people: PeopleFile, tmp_path: Path, text: str
    ) -> None:
        (tmp_path / "m.json").write_text(text)
        with pytest.raises(DMPError, match=r"m\.json"):
            link_files(
                [people.path], out=tmp_path / "o.parquet", model=tmp_path / "m.json"
            )


def few() -> pa.Table:
    return made(12)[0]


def column(values: list[str | None]) -> pa.Table:
    return pa.table({"name": pa.array(values, pa.string())})


class TestOddFiles:
    @pytest.mark.parametrize(
        "table",
        [
            column(["anna"] * 50),
            column([None] * 50),
            column(["anna"]),
            few().select([]).append_column("x", pa.nulls(len(few()), pa.string())),
        ],
        ids=["one value", "nulls", "one record", "nulls alone"],
    )
    def test_nothing_that_tells_apart_is_said(
        self, tmp_path: Path, table: pa.Table
    ) -> None:
        path = written(table, tmp_path / "odd.parquet")
        with pytest.raises(UsageError, match="no column tells people apart"):
            link_files([path], out=tmp_path / "out.parquet")
        assert not (tmp_path / "out.parquet").exists()

    def test_a_file_of_ids_alone_is_said(self, tmp_path: Path) -> None:
        path = tmp_path / "ids.csv"
        path.write_text("id\n1\n2\n3\n")
        with pytest.raises(UsageError, match="no column tells people apart"):
            link_files([path], out=tmp_path / "out.parquet")

    @pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
    def test_older_encodings_are_read(self, tmp_path: Path, encoding: str) -> None:
        path = tmp_path / "old.csv"
        path.write_bytes("id;navn\n1;Søren\n2;Åse\n".encode(encoding))
        with scratch_connection() as connection:
            records = read_files(connection, [path])
        assert records.columns["navn"].to_pylist() == ["Søren", "Åse"]

    def test_an_empty_file_is_said(self, tmp_path: Path) -> None:
        path = written(few().slice(0, 0), tmp_path / "none.parquet")
        with pytest.raises(UsageError, match="no record"):
            link_files([path], out=tmp_path / "out.parquet")

    def test_what_is_no_parquet_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "no.parquet").write_text("a,b\n1,2\n")
        with pytest.raises(UsageError, match=r"no\.parquet: cannot be read"):
            link_files([tmp_path / "no.parquet"], out=tmp_path / "out.parquet")

    def test_a_torn_line_is_named_and_its_values_are_not(self, tmp_path: Path) -> None:
        rows = [f"{n},anna,smith" for n in range(30_000)]
        rows[25_000] = "25000,anna,smith,and,more"
        (tmp_path / "torn.csv").write_text("id,first,last\n" + "\n".join(rows))
        with pytest.raises(UsageError, match=r"torn\.csv, line \d+") as told:
            link_files([tmp_path / "torn.csv"], out=tmp_path / "out.parquet")
        assert "anna" not in str(told.value)

    def test_whole_numbers_kept_as_floats_are_read_whole(self, tmp_path: Path) -> None:
        table, person = made(30)
        years = pa.array([1950.0 + n for n in person])
        path = written(table.append_column("year", years), tmp_path / "f.parquet")
        found, _ = linked(path, tmp_path / "o.parquet", model_out=tmp_path / "m.json")
        assert found.model.columns and found.model.columns["year"].kind == "year"

    def test_a_file_twice_is_one_person_a_pair(self, tmp_path: Path) -> None:
        table, person = made(60)
        twice = pa.concat_tables([table, table])
        path = written(twice, tmp_path / "twice.parquet")
        found = clusters(linked(path, tmp_path / "out.parquet")[1])
        assert (found[: len(table)] == found[len(table) :]).all()
        assert f1(found, person * 2) > 0.9

    def test_repeated_ids_are_refused_where_they_were_asked_for(
        self, tmp_path: Path
    ) -> None:
        path = written(few(), tmp_path / "f.parquet", ["same"] * len(few()))
        with pytest.raises(UsageError, match=r"record_id: .* repeated"):
            link_files([path], out=tmp_path / "o.parquet", id_column="record_id")
        found = linked(path, tmp_path / "o.parquet")[1]
        assert found["record_id"].to_pylist()[:2] == ["1", "2"]

    def test_ids_of_mixed_type_are_texts(self, tmp_path: Path) -> None:
        lines = ["id,name,mail", "1,anna,a@example.org", "x2,boris,b@example.org"]
        lines += [f"{n}.5,clara,c{n}@example.org" for n in range(9)]
        (tmp_path / "f.csv").write_text("\n".join(lines))
        found = linked(tmp_path / "f.csv", tmp_path / "o.parquet")[1]
        assert found["record_id"].to_pylist()[:3] == ["1", "x2", "0.5"]

    def test_two_hundred_columns_are_read(self, tmp_path: Path) -> None:
        table, person = made(60)
        dice = random.Random(2)
        for n in range(195):
            noise = [dice.choice(["a", "b", "c", None]) for _ in range(len(table))]
            table = table.append_column(f"extra{n}", pa.array(noise))
        path = written(table, tmp_path / "wide.parquet")
        found = linked(path, tmp_path / "o.parquet")[1]
        assert f1(clusters(found), person) > 0.5

    def test_an_unknown_column_is_told_with_those_there(
        self, people: PeopleFile, tmp_path: Path
    ) -> None:
        with pytest.raises(UsageError, match="record_id"):
            link_files([people.path], out=tmp_path / "o.parquet", id_column="recordid")

    def test_its_own_input_is_never_overwritten(self, people: PeopleFile) -> None:
        before = people.path.read_bytes()
        with pytest.raises(UsageError, match="another file"):
            link_files([people.path], out=people.path)
        assert people.path.read_bytes() == before

    def test_a_folder_that_is_not_there_is_told_at_once(
        self, people: PeopleFile, tmp_path: Path
    ) -> None:
        with pytest.raises(UsageError, match="no such folder"):
            link_files([people.path], out=tmp_path / "none" / "o.parquet")
