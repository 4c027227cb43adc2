"""Trying again: what may pass by itself, how often, and with which parameters."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TypeVar

from dmp.core.errors import DMPError, NotAllowed, Terminal, UnknownName, UsageError
from dmp.flows.workspace import Workspace
from dmp.jobs.records import RunRecord, read_records

T = TypeVar("T")


def may_pass(error: Exception) -> bool:
    """Say whether trying again can help: not after wrong use or a missing right."""
    return not isinstance(error, UsageError | Terminal | NotAllowed)


def with_retries(
    attempt: Callable[[int], T],
    *,
    retries: int,
    wait_s: float,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Return what `attempt` gives, called with 1, 2, … until it does not fail.

    Raises:
        DMPError: what the last attempt raised, or the first that no retry can help.
    """
    for number in range(1, retries + 1):
        try:
            return attempt(number)
        except DMPError as error:
            if not may_pass(error):
                raise
            sleep(wait_s)
    return attempt(retries + 1)


def run_to_retry(workspace: Workspace, run_id: str | None) -> RunRecord:
    """Return the run of an id; without one the newest that did not reach its end.

    Raises:
        UnknownName: no such run.
        UsageError: the run reached its end, or none failed.
    """
    records = read_records(workspace.paths.runs)
    if run_id is None:
        found = next((one for one in records if not one.is_success), None)
        if found is None:
            raise UsageError("no run failed: there is nothing to retry")
        return found
    known = {one.run_id: one for one in records}
    if run_id not in known:
        raise UnknownName("run", run_id, list(known))
    if known[run_id].is_success:
        raise UsageError(
            f"{run_id} reached its end; run its notebook anew by: "
            f"dmp jobs run {known[run_id].notebook} --force"
        )
    return known[run_id]


def parameters_again(record: RunRecord) -> dict[str, str]:
    """Return the parameters of a run as a run takes them."""
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in record.parameters.items()
    }
