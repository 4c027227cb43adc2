"""Who made a commit, kept with its snapshot."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dmp.storage.lake import Lake


@dataclass(frozen=True)
class Signature:
    """What a process says of a commit of its own.

    Attributes:
        author: the pseudonym of who called.
        role: the roles held, with commas between them.
        run: the process; null where nobody has to put the commit on record.
        number: the commit's, among those of the run.
    """

    author: str
    role: str
    run: str | None = None
    number: int | None = None

    @property
    def extra(self) -> str:
        """All but the author, as the lake keeps it."""
        return json.dumps({"run": self.run, "commit": self.number, "role": self.role})


Sign = Callable[[bool], Signature]
"""Called before each commit, with whether it is one to be put on record."""


@dataclass(frozen=True)
class SignedCommit:
    """A commit with a number in its run.

    Attributes:
        did: its message.
    """

    author: str
    role: str
    did: str
    at: datetime


def commits_of(lake: Lake, run: str, *, after: int) -> list[SignedCommit]:
    """Return the commits of a run with a number above `after`, in order.

    Those of snapshots that have expired are not told any more.
    """
    return [SignedCommit(*row) for row in lake.rows(_COMMITS, run=run, after=after)]


_COMMITS = """
select author, commit_extra_info ->> 'role', commit_message, snapshot_time
from lake.snapshots()
where commit_extra_info ->> 'run' = $run
    and (commit_extra_info ->> 'commit')::integer > $after
order by snapshot_id
"""
