from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from door import NOW, Door, contract, events

from dmp.core.errors import ConfigInvalid, UsageError
from dmp.ingest.batch import load_file, load_files
from dmp.ingest.dry_run import try_file
from dmp.ingest.load import FOLDER, LoadReport, Stores
from dmp.ingest.replay import replay
from dmp.storage.lake import Lake
from dmp.storage.loads import LOADS_BY_SOURCE

RECORDS = contract(recorded_at={"from": "updated"})
PERSON = {
    "email": {
        "from": "email",
        "type": "email",
        "class": "direct",
        "purpose": "identity",
        "identifier": {"type": "email"},
    },
    "phone": {
        "from": "phone",
        "type": "phone",
        "class": "direct",
        "purpose": "identity",
        "on_fault": "drop",
    },
    "tier": {"from": "tier", "purpose": "analytics"},
}


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def page(m: str, at: str = "2026-06-01T10:00:00Z", **more: Any) -> dict[str, Any]:
    return {"id": "u1", "m": m, "type": "page", "at": at, "page": "/", **more}


def counts(report: LoadReport) -> tuple[int, int, int, int]:
    return (
        report.rows_read,
        report.rows_accepted,
        report.rows_unchanged,
        report.rows_refused,
    )


def tiers(lake: Lake) -> list[str]:
    return [
        tier
        for (tier,) in lake.rows(
            "select attributes.tier from core.record as r "
            "join ops.load as l using (load_id) "
            "order by subject_id, recorded_at, loaded_at"
        )
    ]


def test_the_same_file_twice_is_once(door: Door) -> None:
    text = "id,tier\n1,gold\n2,silver\n"
    first = door.load(contract(), text)
    before = door.lake.snapshot()
    again = door.load(contract(), text, name="renamed")
    assert first.is_new and counts(first) == (2, 2, 0, 0)
    assert not again.is_new and again.load_id == first.load_id
    assert door.lake.snapshot() == before


def test_what_a_killed_load_left_goes_though_its_file_is_known(door: Door) -> None:
    scratch = door.folder / "tmp"
    stores = replace(door.stores, scratch=scratch)
    file = door.file("id,tier\n1,gold\n")
    assert next(load_files(stores, contract(), [file], now=NOW)).is_new
    left = scratch / f"{FOLDER}left"
    left.mkdir()
    (left / "new_record.parquet").touch()
    assert not next(load_files(stores, contract(), [file], now=NOW)).is_new
    assert list(scratch.iterdir()) == []


def test_a_changed_file_gives_its_changes(door: Door) -> None:
    door.load(contract(), "id,tier\n1,gold\n2,silver\n")
    later = NOW + timedelta(days=1)
    text = "id,tier\n1,gold\n2,bronze\n3,gold\n"
    report = door.load(contract(), text, now=later)
    assert counts(report) == (3, 2, 1, 0)
    assert sorted(tiers(door.lake)) == ["bronze", "gold", "gold", "silver"]
    assert door.lake.value("select count(*) from identity.subject") == 3


def test_a_correction_that_keeps_its_instant_counts(door: Door) -> None:
    for day, tier in enumerate(("gold", "tin", "zinc", "lead")):
        text = f"id,tier,updated\n1,{tier},2026-01-01\n"
        door.load(RECORDS, text, now=NOW + timedelta(days=day))
        assert tiers(door.lake)[-1] == tier


def test_an_old_file_loaded_late_writes_each_version_once(door: Door) -> None:
    door.load(RECORDS, "id,tier,updated\n1,gold,2026-03-01\n")
    old = "id,tier,updated\n1,tin,2026-01-01\n"
    assert door.load(RECORDS, old, now=NOW + timedelta(1)).versions == 1
    longer = old + "2,tin,2026-01-01\n"
    assert door.load(RECORDS, longer, now=NOW + timedelta(2)).versions == 1


def test_no_record_is_from_the_future(door: Door) -> None:
    door.load(RECORDS, "id,tier,updated\n1,gold,2099-01-01\n")
    door.load(RECORDS, "id,tier,updated\n1,tin,2026-07-02\n", now=NOW + timedelta(2))
    assert tiers(door.lake) == ["gold", "tin"]


def test_what_an_event_leaves_out_stays_as_an_earlier_load_said_it(door: Door) -> None:
    fields = {**PERSON, "city": {"from": "city", "purpose": "analytics"}}
    spec = events().model_dump(by_alias=True)["event"]
    made = contract("jsonl", fields=fields, event=spec)
    first = page("a", email="jo@mail.example", tier="gold")
    second = page("b", "2026-06-02T10:00:00Z", phone="020 7946 0018", city="Leeds")
    door.load(made, lines(first))
    door.load(made, lines(second), now=NOW + timedelta(1))
    newest = door.lake.sql(
        "select subject_id, load_id from core.record order by recorded_at desc limit 1"
    ).to_arrow_table()
    clear = door.stores.vault.read(newest, ["email", "phone"]).to_pylist()
    assert [(row["email"], row["phone"]) for row in clear] == [
        ("jo@mail.example", "+442079460018")
    ]
    assert door.lake.row(
        "select attributes.tier, attributes.city from core.record "
        "order by recorded_at desc limit 1"
    ) == ("gold", "Leeds")


def test_refused_rows_keep_place_and_reason_but_no_value(door: Door) -> None:
    made = contract(fields=PERSON)
    text = "id,email,phone,tier\n1,jo@mail.example,,gold\n2,jo at home 12,,\n,,,tin\n"
    report = door.load(made, text, name="people.csv")
    assert counts(report) == (3, 1, 0, 2)
    rows = door.lake.records(
        "select file_name, line, field, action, reason, expected, masked_value "
        "from raw.refused order by line"
    )
    assert rows == [
        {
            "file_name": "people.csv",
            "line": 3,
            "field": "email",
            "action": "refused",
            "reason": "not readable as email",
            "expected": "an e-mail address such as jane@mail.example",
            "masked_value": "aa aa aaaa 99",
        },
        {
            "file_name": "people.csv",
            "line": 4,
            "field": "subject",
            "action": "refused",
            "reason": "missing",
            "expected": "a value at id",
            "masked_value": None,
        },
    ]
    assert "people.csv line 3: email: not readable as email" in report.faults[0]


def test_an_unreadable_value_that_may_be_dropped_refuses_no_row(door: Door) -> None:
    report = door.load(
        contract(fields=PERSON), "id,email,phone,tier\n1,,12,gold\n2,,020 7946 0018,\n"
    )
    assert counts(report) == (2, 2, 0, 0)
    faults = door.lake.rows("select line, field, action from raw.refused")
    assert faults == [(2, "phone", "dropped")]


def test_mended_rows_are_replayed_once(door: Door) -> None:
    faulty = contract(
        fields={"age": {"from": "age", "type": "integer", "purpose": "a"}}
    )
    text = "id,age\n1,30\n2,about 40\n3,none\n"
    refused = door.load(faulty, text)
    assert counts(refused) == (3, 1, 0, 2)
    wider = {"from": "age", "type": "integer", "purpose": "a", "on_fault": "drop"}
    mended = contract(fields={"age": wider, "note": {"from": "age", "purpose": "a"}})
    later = NOW + timedelta(hours=1)
    (report,) = replay(door.stores, mended, now=later)
    assert counts(report) == (2, 2, 0, 0)
    marked = door.lake.rows(
        "select line, action, replayed_by is not null from raw.refused order by 1, 2"
    )
    assert marked == [
        (3, "dropped", False),
        (3, "refused", True),
        (4, "dropped", False),
        (4, "refused", True),
    ]
    before = door.lake.snapshot()
    assert not [*replay(door.stores, mended, now=later)]
    assert door.lake.snapshot() == before
    assert door.lake.value("select count(*) from core.record") == 3
    assert added_up(door) == (1, 3, 3, 0, 0)


def added_up(door: Door) -> tuple[int, ...]:
    """Return loads, and rows read, accepted, unchanged and refused, of the source."""
    return tuple(door.lake.row(LOADS_BY_SOURCE)[1:-1])


def test_rows_that_stay_refused_wait_and_are_not_tried_twice(door: Door) -> None:
    faulty = contract(
        fields={"age": {"from": "age", "type": "integer", "purpose": "a"}}
    )
    door.load(faulty, "id,age\n1,x\n2,40.0\n,3\n")
    bounded = contract(fields={"age": {"from": "age", "purpose": "a"}})
    with pytest.raises(ConfigInvalid):
        list(replay(door.stores, bounded, now=NOW))
    mended = contract(
        fields={"age": {"from": "age", "type": "integer", "purpose": "a", "minimum": 0}}
    )
    (first,) = replay(door.stores, mended, now=NOW)
    (second,) = replay(door.stores, mended, now=NOW)
    assert first.is_new and first.rows_refused == 2 and first.rows_accepted == 0
    assert not second.is_new
    assert added_up(door) == (1, 3, 1, 0, 2)


def test_rows_whose_key_is_gone_are_left_alone(door: Door) -> None:
    faulty = contract(
        fields={"age": {"from": "age", "type": "integer", "purpose": "a"}}
    )
    door.load(faulty, "id,age\n1,x\n")
    door.stores.bodies.destroy((NOW + timedelta(days=1)).date())
    assert not [*replay(door.stores, faulty, now=NOW)]
    assert door.lake.value("select count(*) from raw.refused") == 1


def test_an_event_is_stored_once_in_and_across_files(door: Door) -> None:
    first = door.load(events(), lines(page("a"), page("a"), page("b")))
    second = door.load(events(), lines(page("b"), page("c")), now=NOW + timedelta(1))
    assert counts(first) == (3, 2, 1, 0)
    assert counts(second) == (2, 1, 1, 0)
    assert door.lake.value("select count(distinct event_id) from core.event") == 3


def test_two_processes_that_load_one_source_store_each_event_once(
    door: Door, tmp_path: Path
) -> None:
    files = [
        door.file(lines(page("same"), page(f"own{n}")), f"f{n}.jsonl") for n in range(3)
    ]
    faults: list[BaseException] = []

    def load(path: Path) -> None:
        try:
            with Lake(tmp_path / "lake") as lake:
                stores = Stores(
                    lake, door.stores.vault, door.stores.bodies, door.stores.keys
                )
                load_file(stores, events(), path, now=NOW)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=load, args=(path,)) for path in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert door.lake.row(
        "select count(*), count(distinct event_id) from core.event"
    ) == (
        4,
        4,
    )
    assert door.lake.value("select count(*) from identity.subject") == 1
    assert door.lake.value("select count(*) from ops.load") == 3


def test_a_wrong_device_clock_is_corrected(door: Door) -> None:
    skewed = events(sent_at={"from": "sent"}, received_at={"from": "got"})
    row = page(
        "a",
        "2031-01-01T10:00:00Z",
        sent="2031-01-01T10:00:05Z",
        got="2026-06-01T12:00Z",
    )
    row["got"] = "2026-06-01T12:00:00Z"
    door.load(skewed, lines(row))
    assert door.lake.row(
        "select occurred_at, received_at, is_clamped from core.event"
    ) == (
        datetime(2026, 6, 1, 11, 59, 55, tzinfo=UTC),
        datetime(2026, 6, 1, 12, tzinfo=UTC),
        False,
    )


def test_an_event_from_the_future_is_clamped_and_flagged(door: Door) -> None:
    door.load(events(), lines(page("a", "2040-01-01T00:00:00Z"), page("b")))
    rows = door.lake.rows(
        "select occurred_at, is_clamped from core.event order by occurred_at"
    )
    assert rows == [(datetime(2026, 6, 1, 10, tzinfo=UTC), False), (NOW, True)]


def test_one_instant_too_far_off_refuses_its_row_only(door: Door) -> None:
    epochs = events(occurred_at={"from": "at", "formats": "epoch_ms"})
    rows = (page("a", "9223372036854775807"), page("b", "1767260379459"))
    report = door.load(epochs, lines(*rows))
    assert counts(report) == (2, 1, 0, 1)


def test_fields_that_no_contract_declares_are_listed_and_not_stored(door: Door) -> None:
    rows = [page(f"m{n}") for n in range(60)]
    rows[41].update({"trait": {"shoe": 43, "list": [1]}, "jo@mail.example": 1})
    report = door.load(events(), lines(*rows))
    assert report.fields_undeclared == (
        "aa@aaaa.aaaaaaa",
        "trait.list",
        "trait.shoe",
    )
    stored = door.lake.value("select fields_undeclared from ops.load")
    assert tuple(stored) == report.fields_undeclared
    everything = str(door.lake.rows("select * from core.event"))
    assert "43" not in everything.replace("00:00", "") or "shoe" not in everything


def test_personal_data_in_ordinary_text_is_masked(door: Door) -> None:
    made = events(
        properties={
            "page": {"from": "page", "type": "path", "purpose": "a"},
            "note": {"from": "note", "purpose": "a"},
        }
    )
    row = page("a", page="/u/jo@mail.example/x", note="call +44 7700 900123")
    door.load(made, lines(row))
    assert door.lake.row("select properties.page, properties.note from core.event") == (
        "/u/[email]/x",
        "call [phone]",
    )


PURCHASES = contract(
    fields={},
    transaction={
        "id": ["id", "day", "amount"],
        "repeats": True,
        "occurred_at": {"from": "day"},
        "amount": {"from": "amount", "type": "number", "purpose": "a"},
    },
)


def test_equal_rows_of_purchases_are_different_ones(door: Door) -> None:
    text = "id,day,amount\n1,2026-01-01,5\n1,2026-01-01,5\n1,2026-01-02,5\n"
    assert door.load(PURCHASES, text).transactions == 3
    assert not door.load(PURCHASES, text).is_new
    longer = text + "1,2026-01-01,5\n2,2026-01-03,7\n"
    report = door.load(PURCHASES, longer, now=NOW + timedelta(days=1))
    assert counts(report) == (5, 2, 3, 0)
    assert door.lake.row("select count(*), sum(amount) from core.transaction") == (
        5,
        27,
    )


def test_a_preview_says_what_a_load_does_and_writes_nothing(door: Door) -> None:
    path = door.file("id,tier\n1,gold\n,x\n")
    before = door.lake.snapshot()
    preview = try_file(door.stores, contract(), path, now=NOW).report
    assert door.lake.snapshot() == before and not preview.is_new
    report = load_file(door.stores, contract(), path, now=NOW)
    assert counts(preview) == counts(report) == (2, 1, 0, 1)


def test_parquet_keeps_its_types(door: Door) -> None:
    fields = {
        "age": {"from": "age", "type": "integer", "purpose": "a"},
        "town": {"from": "home.town", "purpose": "a"},
    }
    table = pa.table(
        {"id": [7, 8], "age": [30.0, 31.5], "home": [{"town": "Leeds"}, {"town": None}]}
    )
    pq.write_table(table, door.folder / "p.parquet")
    made = contract("parquet", fields=fields)
    report = load_file(door.stores, made, door.folder / "p.parquet", now=NOW)
    assert counts(report) == (2, 1, 0, 1)
    assert door.lake.rows(
        "select attributes.age, attributes.town from core.record"
    ) == [(30, "Leeds")]


def test_a_file_that_is_not_there_or_of_another_kind_is_said(door: Door) -> None:
    with pytest.raises(UsageError, match="is not a file"):
        load_file(door.stores, contract(), door.folder / "absent.csv", now=NOW)
    with pytest.raises(UsageError, match="cannot be read as parquet"):
        door.load(contract("parquet"), "id\n1\n")


def test_an_export_that_goes_back_to_what_it_said_is_loaded_again(door: Door) -> None:
    gold, tin = "id,tier\n1,gold\n", "id,tier\n1,tin\n"
    days = [NOW + timedelta(days=day) for day in range(5)]
    told = [
        door.load(contract(), text, name="export.csv", now=now).is_new
        for text, now in zip([gold, tin, gold, gold, tin], days, strict=True)
    ]
    assert told == [True, True, True, False, True]
    assert tiers(door.lake) == ["gold", "tin", "gold", "tin"]


def test_old_files_that_still_lie_there_say_nothing_new(door: Door) -> None:
    gold, later = "id,tier\n1,gold\n", NOW + timedelta(days=1)
    files = [door.file(gold, "1.csv"), door.file("id,tier\n1,tin\n", "2.csv")]
    for now in (NOW, later):
        list(load_files(door.stores, contract(), files, now=now))
        assert tiers(door.lake) == ["gold", "tin"]
    back = door.load(contract(), gold, name="3.csv", now=later)
    assert back.is_new and tiers(door.lake)[-1] == "gold"
    assert not door.load(contract(), gold, name="3.csv", now=later).is_new


def test_rows_of_columns_with_dots_are_replayed(door: Door) -> None:
    age = {"from": "who.age", "type": "integer", "purpose": "a"}
    faulty = contract(fields={"age": age}, subject=[{"from": "who.id", "kind": "user"}])
    door.load(faulty, "who.id,who.age\n1,30\n2,?\nbroken\n")
    mended = contract(
        fields={"age": {**age, "on_fault": "drop"}},
        subject=[{"from": "who.id", "kind": "user"}],
    )
    (report,) = replay(door.stores, mended, now=NOW + timedelta(1))
    assert counts(report) == (1, 0, 1, 0)
    assert door.lake.value("select count(*) from identity.subject") == 2


def test_rows_of_parquet_are_replayed_with_nested_and_odd_values(door: Door) -> None:
    columns = {"id": [1, 2], "n": [1.5, float("nan")], "home": [{"town": "Leeds"}] * 2}
    pq.write_table(pa.table(columns), door.folder / "p.parquet")
    number = {"from": "n", "type": "number", "purpose": "a"}
    fields = {"n": number, "town": {"from": "home.town", "purpose": "a"}}
    faulty = contract("parquet", fields=fields)
    report = load_file(door.stores, faulty, door.folder / "p.parquet", now=NOW)
    assert counts(report) == (2, 1, 0, 1)
    mended = {**fields, "n": {**number, "on_fault": "drop"}}
    made = contract("parquet", fields=mended)
    (again,) = replay(door.stores, made, now=NOW + timedelta(1))
    assert counts(again) == (1, 1, 0, 0)
    assert door.lake.rows(
        "select attributes.n, attributes.town from core.record order by 1"
    ) == [(1.5, "Leeds"), (None, "Leeds")]


def test_what_an_event_from_the_future_says_is_not_the_newest_for_ever(
    door: Door,
) -> None:
    fields = {"tier": {"from": "tier", "purpose": "a"}}
    spec = events().model_dump(by_alias=True)["event"]
    made = contract("jsonl", fields=fields, event=spec)
    door.load(made, lines(page("a", "2040-01-01T00:00:00Z", tier="gold")))
    later = page("b", "2026-07-02T10:00:00Z", tier="tin")
    door.load(made, lines(later), now=NOW + timedelta(days=2))
    assert tiers(door.lake) == ["gold", "tin"]
