"""The same command in two processes at once, and withdrawals in between."""

from __future__ import annotations

from pathlib import Path

import pytest
from boxes import AS_OF, PATIENCE_S, Box, kill
from cases import CASES, Stage
from contents import contents, difference
from gate import Turn

from dmp.core.sql import Query
from dmp.storage.lake import Lake
from dmp.storage.write import append, commit

pytestmark = pytest.mark.slow

SYNC = ("sync", "warehouse", "--as-of", AS_OF, "--force")


@pytest.mark.parametrize("name", ["build", "sync"])
def test_two_processes_do_what_one_does(
    stage: Stage, name: str, tmp_path: Path
) -> None:
    """Each evaluates, but no member, stay or ledger row is doubled or lost."""
    alone, _ = stage.unbroken(name)
    both = stage.before(name).copy(tmp_path / "both")
    run_together(both, CASES[name].arguments)
    assert difference(contents(both), alone) == ""
    with both.open() as workspace:
        for table, key in (
            ("segment.membership", "segment, profile_key, entered_at"),
            ("segment.result", "segment, version, as_of"),
            ("activation.ledger", "destination, segment, destination_value"),
            ("activation.sync", "sync_id"),
        ):
            rows, keys = workspace.lake.row(
                f"select count(*), count(distinct ({key})) from {table}"
            )
            assert rows == keys, table


def run_together(box: Box, arguments: tuple[str, ...]) -> None:
    """Start two and let them meet at the first lock that the command takes."""
    lock = box.home / "data" / "lake" / "lock"
    turn = Turn(lock)
    assert turn.held.wait(PATIENCE_S)
    processes = [box.start(*arguments) for _ in range(2)]
    while not len(list(lock.glob("ticket-*"))) > 1:
        assert all(process.poll() is None for process in processes)
    turn.leave()
    for process in processes:
        _, words = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, words


def test_a_sync_that_waited_obeys_a_withdrawal_of_meanwhile(
    stage: Stage, tmp_path: Path
) -> None:
    box = stage.before("sync").copy(tmp_path / "box")
    root = box.home / "data" / "lake"
    box.run(*SYNC)
    with Lake(root, read_only=True) as lake:
        value, subject = lake.row(
            "select destination_value, subject_id from activation.ledger "
            "where destination = 'warehouse' and operation = 'add' order by 1 limit 1"
        )
    turn = Turn(root / "sync-lock" / "warehouse")
    assert turn.held.wait(PATIENCE_S)
    process = box.start(*SYNC)
    while len(list((root / "sync-lock" / "warehouse").glob("ticket-*"))) < 2:
        assert process.poll() is None
    withdraw(root, subject)
    turn.leave()
    _, words = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, words
    file = box.home / "data" / "exports" / "warehouse" / "loyal_shoppers.jsonl"
    assert value not in file.read_text()
    assert not kill(process)


def withdraw(root: Path, subject: int) -> None:
    denied = Query(
        "select $s::bigint as subject_id, 'email_marketing' as purpose, "
        "'denied' as status, now() as captured_at",
        {"s": subject},
    )
    with Lake(root) as lake:
        commit(lake, [append("privacy.consent", denied)], message="withdraw")
