from __future__ import annotations

import gc
import gzip
import hashlib
from datetime import datetime
from pathlib import Path

import pytest

import dmp.ingest.synthetic as synthetic
from dmp.core.errors import UnknownName, UsageError
from dmp.ingest.synthetic import generate
from dmp.ingest.synthetic.activity import make_activity
from dmp.ingest.synthetic.columns import lines
from dmp.ingest.synthetic.generation import UNTIL
from dmp.ingest.synthetic.people import Person
from dmp.ingest.synthetic.population import make_people
from dmp.ingest.synthetic.seeds import coded, permuted
from dmp.ingest.synthetic.spec import FORMATS, SOURCES, Spec
from dmp.ingest.synthetic.web import web_lines

pytestmark = pytest.mark.slow


def digests(out: Path) -> dict[str, str]:
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def test_exports_are_there_and_few():
    assert len(synthetic.__all__) <= 12
    assert all(hasattr(synthetic, name) for name in synthetic.__all__)


def test_same_arguments_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        generate(tmp_path / name, people=300, seed=5, chunk_people=120)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_another_seed_gives_other_people(tmp_path):
    for seed in (1, 2):
        generate(tmp_path / str(seed), people=50, seed=seed, sources=["crm"])
    one, two = digests(tmp_path / "1"), digests(tmp_path / "2")
    assert not set(one.values()) & set(two.values()) - {one["truth/refused.parquet"]}


def test_manifest_names_every_file_with_its_digest(made):
    entries = {file.path: file.sha256 for file in made.report.files}
    assert entries | {"manifest.json": ""} == digests(made.out) | {"manifest.json": ""}


def test_a_chunk_made_alone_equals_the_chunk_in_the_run(made):
    formats = {source: FORMATS[source][0] for source in SOURCES}
    spec = Spec(900, 3, UNTIL, 180, SOURCES, formats, 30.0, 300)
    people = make_people(spec, 2)
    alone = lines(web_lines(spec, 2, make_activity(spec, 2, people)))
    assert alone == (made.out / "web/part-00002.jsonl").read_bytes()


def test_no_more_than_a_chunk_of_people_is_ever_held(tmp_path):
    held: list[int] = []

    def count(done: int, total: int) -> None:
        gc.collect()
        held.append(sum(isinstance(thing, Person) for thing in gc.get_objects()))

    generate(tmp_path, people=500, seed=1, chunk_people=50, progress=count)
    assert len(held) == 10
    assert max(held) <= 50


def test_progress_ends_at_all_people(tmp_path):
    seen: list[tuple[int, int]] = []
    generate(
        tmp_path,
        people=70,
        seed=1,
        chunk_people=30,
        sources=["partner"],
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(30, 70), (60, 70), (70, 70)]


def test_leaving_out_sources_does_not_change_the_others(made, tmp_path):
    generate(tmp_path, people=900, seed=3, chunk_people=300, sources=["crm", "partner"])
    whole, part = digests(made.out), digests(tmp_path)
    kept = {path for path in part if path.startswith(("crm/", "partner/"))}
    assert len(kept) == 9
    assert all(part[path] == whole[path] for path in kept)
    assert not (tmp_path / "web").exists()


def test_without_events_there_is_neither_web_nor_app(tmp_path):
    report = generate(tmp_path, people=40, seed=1, events=False)
    assert set(report.rows) == {"crm", "shop", "partner"}
    assert report.hours == ()


def test_counts_are_as_documented(made):
    rows, people = made.report.rows, made.report.people
    assert 20 <= (rows["web"] + rows["app"]) / people <= 40
    assert 1.15 <= rows["crm"] / people <= 1.45
    assert 1.7 <= rows["shop"] / people <= 2.3
    assert 0.6 <= rows["partner"] / people <= 0.8


def test_report_reads_as_lines(made):
    text = "\n".join(made.report.lines())
    assert "900 people, seed 3" in text
    assert "events_gini" in text
    assert made.report.to_dict()["people"] == 900


def test_gzip_holds_the_same_events(made, tmp_path):
    generate(
        tmp_path, people=900, seed=3, chunk_people=300, formats={"app": "jsonl.gz"}
    )
    packed = gzip.decompress((tmp_path / "app/part-00001.jsonl.gz").read_bytes())
    assert packed == (made.out / "app/part-00001.jsonl").read_bytes()


@pytest.mark.parametrize(("source", "kind"), [("shop", "csv"), ("partner", "parquet")])
def test_other_formats_are_written(tmp_path, source, kind):
    report = generate(
        tmp_path, people=60, seed=1, sources=[source], formats={source: kind}
    )
    assert report.files[0].path == f"{source}/part-00000.{kind}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"formats": {"crm": "parquet"}}, "use csv"),
        ({"formats": {"shop": "jsonl"}}, "use parquet or csv"),
        ({"people": 0, "days": 3}, "people must be .*; days must be"),
        ({"seed": -1}, "seed must be"),
        ({"until": datetime(2026, 1, 1)}, "time zone"),
    ],
    ids=["crm as parquet", "shop as jsonl", "two faults", "seed", "naive until"],
)
def test_wrong_arguments_are_refused(tmp_path, arguments, message):
    with pytest.raises(UsageError, match=message):
        generate(tmp_path, **({"people": 10, "seed": 1} | arguments))
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_source_is_refused(tmp_path):
    with pytest.raises(UnknownName, match="did you mean crm"):
        generate(tmp_path, people=1, seed=1, sources=["crmm"])


def test_an_earlier_set_is_replaced_but_other_files_are_not(tmp_path):
    generate(tmp_path, people=40, seed=1, chunk_people=20)
    generate(tmp_path, people=20, seed=1, chunk_people=20)
    assert len(list((tmp_path / "web").iterdir())) == 1
    (tmp_path / "web/mine.txt").write_text("keep")
    with pytest.raises(UsageError, match="another origin"):
        generate(tmp_path, people=20, seed=1)
    assert (tmp_path / "web/mine.txt").exists()


def test_one_person_is_enough(tmp_path):
    report = generate(tmp_path, people=1, seed=1, events_per_person=0.1)
    assert report.people == 1


@pytest.mark.parametrize("size", [1, 7, 1000, 4096])
def test_permutation_is_one_to_one(size):
    values = permuted(range(size), size, 1, "x")
    assert sorted(values.tolist()) == list(range(size))


def test_codes_are_distinct_and_tell_no_order():
    codes = coded(range(500), "A", 10_000, 1)
    assert len(set(codes)) == 500
    assert codes != sorted(codes)
    assert all(len(code) == 8 for code in codes)
