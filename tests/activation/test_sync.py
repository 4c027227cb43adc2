from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from desk import SEGMENT, Desk
from sample_workspace import NOW, UNTIL

from dmp.activation.destinations import FileSettings, IdentifierSpec
from dmp.activation.sync import ChangeTooLarge, HeldBack
from dmp.core.errors import CommitFailed, NotAllowed, QueryFailed, UsageError
from dmp.core.sql import Query
from dmp.flows.activate import sync_segments
from dmp.privacy.roles import as_sender
from dmp.storage.lake import Lake
from dmp.storage.write import append, change, commit


def test_a_first_sync_writes_file_manifest_and_ledger(desk: Desk) -> None:
    done = desk.sync()
    values = desk.sent()
    assert done.status == "written" and done.removed == done.kept == 0
    assert len(values) == done.added > done.addressable > 50
    assert values == sorted(values) == desk.ledger("add")
    assert all(len(value) == 64 for value in values)
    data = desk.file().read_bytes()
    manifest = json.loads(desk.file().with_suffix(".manifest.json").read_text())
    assert manifest["people"] == done.sent == done.accepted == done.addressable
    assert manifest["files"] == [
        {
            "name": f"{SEGMENT}.jsonl",
            "rows": len(data.splitlines()),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
    ]
    assert desk.file().stat().st_mode & 0o777 == 0o600
    lost = sum(people for _, _, people in done.losses)
    assert done.members == done.addressable + lost


def test_a_second_sync_writes_nothing(desk: Desk) -> None:
    desk.sync()
    before, stamp = desk.file().read_bytes(), desk.file().stat().st_mtime_ns
    snapshot = desk.lake.snapshot()
    again = desk.sync()
    assert again.status == "unchanged" and again.added == again.removed == 0
    assert desk.file().read_bytes() == before
    assert desk.file().stat().st_mtime_ns == stamp
    assert desk.lake.snapshot() == snapshot


def test_a_file_that_was_lost_is_written_again_under_the_same_sync(desk: Desk) -> None:
    first = desk.sync()
    before = desk.file().read_bytes()
    desk.file().unlink()
    again = desk.sync()
    assert (again.status, again.added) == ("written", 0)
    assert again.sync_id == first.sync_id and desk.file().read_bytes() == before
    assert desk.lake.value("select count(*) from activation.sync") == 1


def test_who_withdraws_leaves_the_file_and_the_ledger_says_so(desk: Desk) -> None:
    desk.sync()
    gone = desk.ledger("add")[:2]
    desk.withdraw(desk.subjects(gone))
    done = desk.sync()
    assert done.removed >= 2 and done.added == 0
    assert not set(gone) & set(desk.sent())
    assert set(gone) <= set(desk.ledger("remove"))
    assert desk.ledger("add") == desk.sent()
    keys = desk.lake.row(
        "select count(*), count(distinct (destination, segment, destination_value)) "
        "from activation.ledger"
    )
    assert keys[0] == keys[1]


def test_consent_counts_as_it_is_when_data_leaves(desk: Desk) -> None:
    (first,) = sync_segments(desk.workspace, ["warehouse"], as_of=UNTIL)
    subjects = desk.subjects(desk.ledger("add")[:1])
    desk.withdraw(subjects, at=UNTIL + timedelta(hours=1))
    (second,) = sync_segments(desk.workspace, ["warehouse"], as_of=UNTIL)
    assert first.as_of == second.as_of == UNTIL
    assert second.removed > 0 and second.consented < first.consented


@pytest.mark.parametrize("encoding", ["plain", "sha256"])
def test_an_identifier_that_somebody_who_declined_holds_too_is_left_out(
    desk: Desk, encoding: str
) -> None:
    first = desk.sync()
    value = desk.ledger("add")[0]
    (subject,) = desk.subjects([value])
    stranger = Query("select 1::bigint as subject_id, 'new' as source")
    token = Query(
        "select 1::bigint as subject_id, namespace, type, encoding, token "
        "from identity.identifier where subject_id = $s and type = 'email' "
        "and encoding = $e",
        {"s": subject, "e": encoding},
    )
    writes = [
        append("identity.subject", stranger),
        append("identity.identifier", token),
    ]
    commit(desk.lake, writes, message="stranger")
    assert desk.sync().status == "unchanged"
    desk.withdraw([1])
    done = desk.sync()
    assert value not in desk.sent()
    assert 0 < done.removed < first.added
    assert done.consented == first.consented


def test_a_small_audience_is_not_sent_outside(desk: Desk) -> None:
    outside = desk.destination(internal=False)
    done = desk.sync(outside)
    assert done.status == "held" and "fewer than 100 people" in done.reason
    assert (done.added, done.sent, done.accepted) == (0, 0, 0)
    assert done.losses[-1] == ("sent", done.reason, done.addressable)
    assert not desk.file().exists()
    recorded = "select status, accepted from activation.sync"
    assert desk.lake.rows(recorded) == [("held", 0)]
    snapshot = desk.lake.snapshot()
    again = desk.sync(outside)
    assert (again.sync_id, again.status) == (done.sync_id, "held")
    assert not again.is_new
    assert desk.lake.snapshot() == snapshot


def test_a_withdrawal_does_not_wait_for_the_floor(desk: Desk) -> None:
    desk.sync()
    before = set(desk.sent())
    gone = desk.ledger("add")[:1]
    desk.withdraw(desk.subjects(gone))
    outside = desk.destination(internal=False)
    done = desk.sync(outside)
    assert (done.status, done.added) == ("written", 0) and done.removed > 0
    assert set(desk.sent()) < before and gone[0] not in desk.sent()
    assert desk.sync(outside).status == "held"


def test_another_purpose_is_refused(desk: Desk) -> None:
    with pytest.raises(UsageError, match="consent for one does not cover the other"):
        desk.sync(desk.destination(purpose="advertising"))
    assert not desk.file().exists()


def test_too_large_a_change_stops_until_it_is_forced(desk: Desk) -> None:
    careful = desk.destination(max_change_share=0.1)
    desk.sync(careful)
    desk.acknowledge(150)
    values, snapshot = desk.sent(), desk.lake.snapshot()
    with pytest.raises(UsageError, match=r"more than max_change_share = 0\.1"):
        desk.sync(careful)
    assert desk.sent() == values and desk.lake.snapshot() == snapshot
    dry = desk.sync(careful, dry_run=True)
    assert (dry.status, dry.removed, dry.kept) == ("dry run", 150, len(values))
    done = desk.sync(careful, force=True)
    assert (done.status, done.removed) == ("written", 150)


def test_withdrawals_go_out_where_the_rest_is_held_back(desk: Desk) -> None:
    careful = desk.destination(max_change_share=0.1)
    desk.sync(careful)
    people = set(desk.ledger("add"))
    desk.acknowledge(150)
    gone = min(people)
    desk.withdraw(desk.subjects([gone]))
    with pytest.raises(ChangeTooLarge, match="who withdrew were taken away") as held:
        desk.sync(careful, only=5)
    done = held.value.outcome
    assert done is not None and done.added == 0
    assert (done.status, done.removed) == ("written", len(desk.ledger("remove")))
    assert gone in desk.ledger("remove") and set(desk.ledger("remove")) < people
    assert len(desk.ledger("add")) == len(people) + 150 - done.removed
    assert desk.sent() == desk.ledger("add")
    snapshot = desk.lake.snapshot()
    with pytest.raises(ChangeTooLarge) as again:
        desk.sync(careful, only=5)
    assert again.value.outcome is None and desk.lake.snapshot() == snapshot
    forced = desk.sync(careful, only=5, force=True)
    assert forced.sent <= 5 and forced.sync_id != done.sync_id
    assert desk.lake.value("select count(*) from activation.sync") == 3


def test_a_segment_that_is_held_back_keeps_nobody_who_withdrew(desk: Desk) -> None:
    with pytest.raises(HeldBack, match="not approved") as unsent:
        desk.sync(hold="not approved", force=True)
    assert unsent.value.outcome is None and desk.ledger("add") == []
    desk.sync(only=20)
    people = set(desk.ledger("add"))
    gone = min(people)
    desk.withdraw(desk.subjects([gone]))
    with pytest.raises(HeldBack, match=r"not approved\. The .* taken away") as held:
        desk.sync(hold="not approved", force=True)
    done = held.value.outcome
    assert (
        done is not None
        and done.reason == "it is held back: only withdrawals were sent"
    )
    removed = set(desk.ledger("remove"))
    assert gone in removed and removed <= desk.values_of_holders(gone)
    assert set(desk.ledger("add")) == people - removed == set(desk.sent())
    assert desk.sync(hold="not approved", dry_run=True).added > 0


def test_clear_values_of_people_held_back_are_read_anew(desk: Desk) -> None:
    plain = IdentifierSpec(encoding="plain")
    careful = desk.destination(max_change_share=0.1, identifier=plain)
    desk.sync(careful)
    before = desk.sent()
    desk.acknowledge(150)
    with pytest.raises(ChangeTooLarge) as held:
        desk.sync(careful, only=5)
    assert held.value.outcome is not None and held.value.outcome.removed == 150
    assert desk.sent() == before


def test_an_erased_person_leaves_though_the_rest_is_held_back(desk: Desk) -> None:
    careful = desk.destination(max_change_share=0.1)
    desk.sync(careful)
    desk.acknowledge(150)
    gone = desk.sent()[0]
    erased = Query(
        "delete from identity.subject where subject_id in ("
        "select subject_id from identity.assignment where valid_to is null "
        "and profile_key in (select profile_key from identity.assignment "
        "where valid_to is null and subject_id in (select unnest($s::bigint[]))))",
        {"s": desk.subjects([gone])},
    )
    commit(desk.lake, [change("identity.subject", erased)], message="erase")
    with pytest.raises(ChangeTooLarge):
        desk.sync(careful, only=5)
    assert gone not in desk.sent()


def test_the_floor_does_not_let_too_large_a_change_pass(desk: Desk) -> None:
    outside = desk.destination(internal=False, max_change_share=0.1)
    desk.sync(desk.destination(max_change_share=0.1))
    desk.acknowledge(150)
    values = desk.sent()
    with pytest.raises(ChangeTooLarge):
        desk.sync(outside, only=5)
    assert desk.sent() == values


def test_too_large_a_change_does_not_keep_others_from_their_withdrawals(
    desk: Desk,
) -> None:
    first, second = (
        desk.home / "config" / "destinations" / name
        for name in ("warehouse.yaml", "zoo.yaml")
    )
    text = first.read_text() + "max_change_share: 0.1\n"
    second.write_text(
        text.replace("destination: warehouse", "destination: zoo").replace(
            "data/exports/warehouse", "data/exports/zoo"
        )
    )
    first.write_text(text)
    names = ["warehouse", "zoo"]
    sync_segments(desk.workspace, names, as_of=UNTIL)
    gone = min(desk.ledger("add"))
    desk.acknowledge(150)
    desk.withdraw(desk.subjects([gone]))
    with pytest.raises(ChangeTooLarge, match="to warehouse would change"):
        sync_segments(desk.workspace, names, as_of=UNTIL)
    left = desk.lake.rows(
        "select destination, count(*) from activation.ledger "
        "where destination_value = $v and operation = 'remove' group by 1 order by 1",
        v=gone,
    )
    assert left == [("warehouse", 1), ("zoo", 1)]


def test_what_was_removed_below_the_floor_stays_on_record(desk: Desk) -> None:
    desk.sync()
    desk.withdraw(desk.subjects(desk.ledger("add")[:1]))
    outside = desk.destination(internal=False)
    desk.sync(outside)
    desk.sync(outside)
    statuses = desk.lake.rows("select status from activation.sync order by status")
    assert statuses == [("held",), ("written",), ("written",)]


def test_a_dry_run_writes_nothing_and_tells_what_a_sync_does(desk: Desk) -> None:
    snapshot = desk.lake.snapshot()
    dry = desk.sync(dry_run=True)
    assert dry.status == "dry run" and not desk.file().parent.exists()
    assert desk.lake.snapshot() == snapshot
    done = desk.sync()
    assert (done.added, done.addressable) == (dry.added, dry.addressable)


@pytest.mark.parametrize("format_", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize(
    ("encoding", "column"),
    [
        ("plain", "email"),
        ("sha256_hex", "email_sha256"),
        ("sha256_base64", "email_sha256"),
    ],
)
def test_every_format_and_encoding_reads_back_equal(
    desk: Desk, format_: Any, encoding: Any, column: str
) -> None:
    chosen = desk.destination(
        file=FileSettings(format=format_, folder="out"),
        identifier=IdentifierSpec(encoding=encoding),
    )
    desk.sync(chosen)
    wanted = [v for (v,) in desk.lake.rows("select value from desired order by value")]
    assert desk.sent(chosen) == wanted and len(wanted) > 50
    text = desk.file(chosen).read_bytes()
    assert column.encode() in text
    assert not desk.file(chosen).with_name(f"{SEGMENT}.{format_}.partial").exists()
    clear = any("@" in value for value in desk.ledger("add"))
    assert not clear


def test_plain_values_hash_to_what_the_ledger_holds(desk: Desk) -> None:
    plain = desk.destination(identifier=IdentifierSpec(encoding="plain"))
    desk.sync(plain)
    hashed = sorted(hashlib.sha256(v.encode()).hexdigest() for v in desk.sent(plain))
    assert hashed == desk.ledger("add")


class CrashingLake(Lake):
    """A lake whose every commit fails, as on a full disk."""

    def execute(self, query: Query | str, /, **params: Any) -> None:
        if query == "commit":
            raise QueryFailed("disk full")
        super().execute(query, **params)


def test_a_crash_between_file_and_ledger_heals(desk: Desk) -> None:
    with CrashingLake(desk.lake.root) as broken, pytest.raises(CommitFailed):
        desk.sync(lake=broken)
    orphan = desk.file().read_bytes()
    assert desk.ledger("add") == []
    done = desk.sync()
    assert done.status == "written" and done.added == len(desk.ledger("add"))
    assert desk.file().read_bytes() == orphan
    assert desk.sync().status == "unchanged"


def test_only_a_sender_for_this_destination_reads_identifiers(desk: Desk) -> None:
    person = desk.workspace.caller
    other = as_sender(person, "email_tool", "email_marketing")
    elsewhere = as_sender(person, "warehouse", "advertising")
    for caller in (person, other, elsewhere):
        with pytest.raises(NotAllowed):
            desk.sync(sender=caller)
    late = as_sender(
        person, "warehouse", "email_marketing", clock=lambda: NOW - timedelta(days=900)
    )
    with pytest.raises(NotAllowed, match="expired"):
        desk.sync(sender=late)
    assert not desk.file().exists()
