"""Data science over a workspace, under roles and audit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dmp.core.clock import instant
from dmp.core.errors import UsageError
from dmp.flows.workspace import Workspace, open_workspace
from dmp.privacy import Permission
from dmp.segments.science.features import (
    WINDOWS,
    Known,
    Wanted,
    feature_list,
    features_query,
)
from dmp.storage.rows import Rows


def features(
    as_of: datetime | str,
    *,
    workspace: Workspace | None = None,
    windows: Sequence[int] = WINDOWS,
    events: Sequence[str] | None = None,
    known: Known = "received",
) -> Rows:
    """Return what was known of each person at an instant, one row each.

    Columns: `profile_id`, then those of `feature_docs`. `.df()`, `.arrow()`, `.pl()`
    read them. Nothing later than `as_of` counts: no event, purchase or decision that
    happened later, and none that came to be known later. Attributes are those of the
    profile as it was then. Who is who is as of now.

    Args:
        as_of: an instant or its ISO 8601 text, UTC without an offset.
        workspace: None opens the one of `DMP_HOME` or of the current folder.
        windows: lengths in days of the windows (as_of - n, as_of].
        events: names counted over the longest window; None takes the most frequent
            ones of then. Name them where a model has to meet the same columns again.
        known: `received` leaves out what came late or was corrected afterwards;
            `occurred` goes by when it happened, for lakes loaded long after the facts.

    Raises:
        NotAllowed: the caller lacks the analyst role.
        UsageError: an argument cannot be meant.
    """
    opened = workspace or open_workspace()
    opened.allow(Permission.READ_PSEUDONYMOUS)
    wanted = Wanted(read_instant(as_of), tuple(windows), events, known)
    query = features_query(wanted, feature_list(opened.lake, wanted))
    return Rows(opened.lake, query.text, query.params)


def feature_docs(
    as_of: datetime | str,
    *,
    workspace: Workspace | None = None,
    windows: Sequence[int] = WINDOWS,
    events: Sequence[str] | None = None,
    known: Known = "received",
) -> dict[str, str]:
    """Return what each column of `features` says; takes and raises the same."""
    opened = workspace or open_workspace()
    opened.allow(Permission.COUNT)
    wanted = Wanted(read_instant(as_of), tuple(windows), events, known)
    return {one.name: one.doc for one in feature_list(opened.lake, wanted)}


def read_instant(as_of: datetime | str) -> datetime:
    """Return an instant given as such or as text.

    Raises:
        UsageError: the text is none.
    """
    if isinstance(as_of, datetime):
        return as_of
    try:
        return instant(as_of)
    except ValueError as error:
        raise UsageError(
            f"as_of: {as_of!r} is no instant such as 2026-05-01T00:00:00Z"
        ) from error
