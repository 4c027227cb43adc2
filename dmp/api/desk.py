"""The workspaces that are open, one a user, so that a request need not open one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from dmp.api.limits import MOST_SECONDS, limited
from dmp.core.accounts import Account
from dmp.core.errors import StorageError
from dmp.flows.api_tokens import user_of
from dmp.flows.workspace import Workspace

MOST_OPEN = 16


@dataclass
class _Place:
    workspace: Workspace
    lock: Lock = field(default_factory=Lock)


class Desk:
    """Opens a workspace for each user who asks and keeps the latest ones open.

    One request of a user goes at a time, those of different users at once. The
    environment of the server narrows nobody's roles.
    """

    def __init__(
        self,
        home: Path,
        environ: Mapping[str, str],
        *,
        most_seconds: float = MOST_SECONDS,
    ) -> None:
        """Open nothing yet.

        Args:
            home: the workspace.
            environ: of the server.
            most_seconds: that the queries of one request may take.
        """
        self._home = home
        self._most_seconds = most_seconds
        self._environ = {k: v for k, v in environ.items() if k != "DMP_ROLE"}
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self._lock = Lock()

    def user_of(self, token: str) -> str | None:
        """Return whose token it is; nobody's is None, and a denial on record."""
        with self._opened("") as workspace:
            return user_of(workspace, token)

    @contextmanager
    def open_for(self, user: str) -> Iterator[Workspace]:
        """Give the workspace as a user's, with the roles and settings of now."""
        place = self._place(user)
        with place.lock:
            place.workspace.look_anew()
            try:
                with limited(place.workspace.lake, self._most_seconds):
                    yield place.workspace
            except StorageError:
                place.workspace.close()
                raise

    def close(self) -> None:
        """Close all that is open."""
        with self._lock:
            while self._places:
                self._places.popitem()[1].workspace.close()

    def _place(self, user: str) -> _Place:
        with self._lock:
            if user not in self._places:
                self._places[user] = _Place(self._opened(user))
            self._places.move_to_end(user)
            self._close_idle()
            return self._places[user]

    def _close_idle(self) -> None:
        """Close the places used longest ago, except those in use."""
        for user in list(self._places)[: max(0, len(self._places) - MOST_OPEN)]:
            if self._places[user].lock.acquire(blocking=False):
                place = self._places.pop(user)
                place.workspace.close()
                place.lock.release()

    def _opened(self, user: str) -> Workspace:
        return Workspace(self._home, environ=self._environ, account=Account(user))
