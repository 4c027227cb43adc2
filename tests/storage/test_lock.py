from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import processes
import pytest

from dmp.core.errors import LakeBusy
from dmp.storage.lock import fair_lock, holder

Start = Callable[..., BaseProcess]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a process; those still running at the end of the test are killed."""
    started: list[BaseProcess] = []

    def run(action: Callable[..., None], *arguments: object) -> BaseProcess:
        process = get_context("spawn").Process(target=action, args=arguments)
        process.start()
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.join()


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def kill(process: BaseProcess) -> None:
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def passed(folder: Path) -> list[int]:
    file = folder / "passed"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def queue_up(start: Start, folder: Path, number: int) -> BaseProcess:
    """Start a process and wait until it stands in the queue."""
    tickets = len(list(folder.glob("ticket-*")))
    process = start(processes.pass_through, folder, number)
    wait_for(lambda: len(list(folder.glob("ticket-*"))) > tickets)
    return process


def test_one_at_a_time_in_the_order_of_arrival(tmp_path: Path, start: Start) -> None:
    with fair_lock(tmp_path, timeout_s=1):
        queue = [queue_up(start, tmp_path, number) for number in range(5)]
        assert passed(tmp_path) == []
    for process in queue:
        process.join()
        assert process.exitcode == 0
    assert passed(tmp_path) == [0, 1, 2, 3, 4]
    assert not list(tmp_path.glob("ticket-*"))


def test_the_lock_outlives_a_killed_holder(tmp_path: Path, start: Start) -> None:
    process = start(processes.hold, tmp_path)
    wait_for((tmp_path / "held").exists)
    kill(process)
    with fair_lock(tmp_path, timeout_s=1):
        pass
    assert holder(tmp_path) is None
    assert not list(tmp_path.glob("ticket-*"))


def test_the_queue_outlives_a_killed_waiter(tmp_path: Path, start: Start) -> None:
    with fair_lock(tmp_path, timeout_s=1):
        first = queue_up(start, tmp_path, 1)
        second = queue_up(start, tmp_path, 2)
        kill(first)
        time.sleep(0.2)
        assert passed(tmp_path) == []
    second.join()
    assert passed(tmp_path) == [2]
    assert not list(tmp_path.glob("ticket-*"))


def test_a_time_out_names_the_holder(tmp_path: Path, start: Start) -> None:
    process = start(processes.hold, tmp_path)
    wait_for((tmp_path / "held").exists)
    with (
        pytest.raises(LakeBusy, match=rf"process {process.pid} .* holds the commit"),
        fair_lock(tmp_path, timeout_s=0.1),
    ):
        pass
    held = holder(tmp_path)
    assert held is not None and held.pid == process.pid


def test_a_time_out_leaves_the_queue_as_it_was(tmp_path: Path) -> None:
    with fair_lock(tmp_path, timeout_s=1):
        with pytest.raises(LakeBusy), fair_lock(tmp_path, timeout_s=0.05):
            pass
        assert len(list(tmp_path.glob("ticket-*"))) == 1
    with fair_lock(tmp_path, timeout_s=1):
        assert holder(tmp_path) is not None


def test_an_error_inside_lets_go(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), fair_lock(tmp_path, timeout_s=1):
        raise ZeroDivisionError
    assert holder(tmp_path) is None


@pytest.mark.parametrize("text", ["", "7", "0" * 18 + "42"])
def test_any_counter_is_counted_on(tmp_path: Path, text: str) -> None:
    (tmp_path / "counter").write_text(text)
    with fair_lock(tmp_path, timeout_s=1):
        pass
    assert int((tmp_path / "counter").read_text()) == int(text or 0) + 1


def test_nobody_holds_a_lock_never_used(tmp_path: Path) -> None:
    assert holder(tmp_path / "absent") is None
