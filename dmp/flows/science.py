"""Data science over a workspace, under roles and audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from dmp.core.clock import instant
from dmp.core.errors import UsageError
from dmp.core.sql import Query, sql
from dmp.flows.population import population_at
from dmp.flows.segments import saved_segments
from dmp.flows.workspace import Workspace, open_workspace
from dmp.privacy import Permission
from dmp.privacy.consent import stage_gate
from dmp.segments import build, lists
from dmp.segments.saved import chosen, rules
from dmp.segments.science import lifetime
from dmp.segments.science.features import (
    WINDOWS,
    Known,
    Wanted,
    feature_list,
    features_query,
)
from dmp.segments.science.groups import Groups, discover
from dmp.segments.science.holdout import Lift, held_out, lift
from dmp.segments.science.leakage import leaking
from dmp.segments.science.lookalike import Lookalikes, lookalikes
from dmp.segments.science.matrix import KEY
from dmp.segments.science.propensity import Propensity, Window, propensity
from dmp.storage.rows import Rows

if TYPE_CHECKING:
    import pandas as pd


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
            `occurred` goes by when it happened, for lakes loaded long after the facts,
            and takes attributes that were not known then from the first profile.

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


def find_lookalikes(
    workspace: Workspace,
    segment: str,
    as_of: datetime | str,
    *,
    purpose: str = "",
    known: Known = "received",
    seed: int = 0,
) -> Lookalikes:
    """Return the people outside a segment who are most like those in it.

    Only people who consent to the purpose are read, on both sides. Features that
    would give the seed away are left out, each with its reason.

    Args:
        purpose: what the result is for; empty takes the segment's own.

    Raises:
        NotAllowed: the caller lacks the analyst role.
        UnknownName: no such segment.
        UsageError: there is no purpose, or too few people of either kind.
    """
    workspace.allow(Permission.READ_PSEUDONYMOUS)
    at, lake = read_instant(as_of), workspace.lake
    saved = saved_segments(workspace)
    one = chosen(saved, segment).segment
    purpose = purpose or one.purpose
    if not purpose:
        raise UsageError(f"purpose: {segment} has none; say what lookalikes are for")
    wanted = Wanted(at, known=known)
    found = feature_list(lake, wanted)
    query = features_query(wanted, found)
    inside = _members(workspace, segment, at)
    stage_gate(lake, "gate", purpose=purpose, as_of=max(at, workspace.clock()))
    rows = Rows(lake, _CONSENTED.format(rows=query.text), query.params).df()
    positive = rows[KEY].isin(inside).to_numpy(bool)
    left_out = leaking(one, rules(saved), found, rows, positive)
    left_out |= {f.name: _CONSENT for f in found if f.step == "consent"}
    return lookalikes(rows, positive, left_out, seed=seed)


def keep_list(
    workspace: Workspace,
    list_id: str,
    profile_ids: Sequence[str],
    *,
    as_of: datetime | str,
    purpose: str = "",
    origin: str,
) -> int:
    """Keep people as a static list, for rules: `list: {in: ID}`; return how many.

    Args:
        as_of: the instant from which they are in it.
        purpose: what the list was made for.
        origin: where it comes from, in words; kept with the list and in the audit log.

    Raises:
        NotAllowed: the caller may not define segments, or reads no rows.
        UsageError: as `dmp.segments.lists.save_list`.
    """
    workspace.allow(Permission.DEFINE_SEGMENT)
    workspace.allow(Permission.READ_PSEUDONYMOUS)
    at = read_instant(as_of)
    people = lists.save_list(
        workspace.lake,
        list_id,
        profile_ids,
        as_of=at,
        purpose=purpose,
        origin={"origin": origin, "as_of": at.isoformat()},
        now=workspace.clock(),
    )
    workspace.record("save_list", list=list_id, people=people, origin=origin)
    return people


def discover_groups(
    workspace: Workspace,
    as_of: datetime | str,
    *,
    segment: str = "",
    count: int | None = None,
    without: Sequence[str] = (),
    known: Known = "received",
    seed: int = 0,
) -> Groups:
    """Return the groups that people fall into, each in words.

    Args:
        segment: look at its members alone; empty takes everybody known at `as_of`.
        count: how many groups; None chooses.
        without: features that are left out, beside consent.

    Raises:
        NotAllowed: the caller lacks the analyst role.
        UsageError: fewer than sixty people.
    """
    rows = features(as_of, workspace=workspace, known=known).df()
    if segment:
        inside = _members(workspace, segment, read_instant(as_of))
        rows = rows[rows[KEY].isin(inside)].reset_index(drop=True)
    consents = [name for name in rows.columns if name.startswith("consent_")]
    without = (*without, *consents)
    return discover(rows, count=count, without=without, seed=seed)


def find_propensity(
    workspace: Workspace,
    as_of: datetime | str,
    *,
    days: int,
    event: str = "",
    known: Known = "received",
    seed: int = 0,
) -> Propensity:
    """Return who will do something in the days after an instant, likeliest first.

    Args:
        days: how many days ahead; two windows of as many before `as_of` are learned
            from.
        event: what they do; empty means that they buy.

    Raises:
        NotAllowed: the caller lacks the analyst role.
        UsageError: too few did it, or did not, in one of the windows.
    """
    at, length = read_instant(as_of), timedelta(days=days)
    first = at - 2 * length
    workspace.allow(Permission.READ_PSEUDONYMOUS)
    named = feature_list(workspace.lake, Wanted(first, known=known))
    events = [f.name[4:].rpartition("_")[0] for f in named if f.name[:4] == "did_"]

    def rows(moment: datetime) -> pd.DataFrame:
        found = features(moment, workspace=workspace, events=events, known=known)
        return found.df()

    def window(moment: datetime) -> Window:
        known_then = rows(moment)
        did = _did(workspace, event, moment, moment + length)
        return Window(known_then, known_then[KEY].isin(did).to_numpy(bool))

    older, newer = window(first), window(at - length)
    return propensity(older, newer, rows(at), seed=seed)


@dataclass(frozen=True)
class LifetimeValues:
    """What each customer is expected to spend, and what such expectations were worth.

    Attributes:
        rows: profile_id, expected_spend, chance_of_return, the highest first.
        judged: the same model one window earlier, on what was spent since.
        reference: BG/NBD with Gamma-Gamma alone, judged on the same.
    """

    rows: pd.DataFrame
    judged: lifetime.Judged
    reference: lifetime.Judged


def lifetime_values(
    workspace: Workspace, as_of: datetime | str, *, days: int
) -> LifetimeValues:
    """Return what each customer is expected to spend in the days after an instant.

    Purchases go by when they happened; currencies are added as they are.

    Raises:
        NotAllowed: the caller lacks the analyst role.
        UsageError: too few customers, or too short a past: three windows are needed.
    """
    import pandas as pd

    workspace.allow(Permission.READ_PSEUDONYMOUS)
    at, length = read_instant(as_of), timedelta(days=days)
    told = Rows(workspace.lake, _PURCHASES, {"as_of": at}).arrow().to_pandas()
    purchases = lifetime.Purchases.of(told)
    before = lifetime.history(purchases, at - length)
    earlier = lifetime.fit(purchases, at - length, length)
    spent = purchases.spent(at - length, at)[before.customer]
    known = lifetime.history(purchases, at)
    model = lifetime.fit(purchases, at, length)
    rows = pd.DataFrame(
        {
            KEY: purchases.names[known.customer],
            "expected_spend": np.round(model.expected(known), 2),
            "chance_of_return": np.round(model.reference.alive(known), 4),
        }
    ).sort_values(["expected_spend", KEY], ascending=[False, True], ignore_index=True)
    reference = earlier.reference.spend(before, earlier.weeks)
    return LifetimeValues(
        rows,
        lifetime.judge(earlier.expected(before), spent),
        lifetime.judge(reference, spent),
    )


def measure_lift(
    workspace: Workspace,
    profile_ids: Sequence[str],
    *,
    percent: float,
    salt: str,
    since: datetime | str,
    until: datetime | str,
    event: str = "",
) -> Lift:
    """Return what a treatment of people did, against those held out at random.

    Held out are those of `{sample: {percent, salt}}`; who did it is asked of both
    sides alike.

    Args:
        profile_ids: everybody who was meant, treated or held out.
        since, until: who did it in (since, until] counts.
        event: what was hoped for; empty means a purchase.

    Raises:
        NotAllowed: the caller lacks the analyst role.
        UsageError: one side is empty.
    """
    workspace.allow(Permission.READ_PSEUDONYMOUS)
    treated, held = held_out(profile_ids, percent=percent, salt=salt)
    did = set(_did(workspace, event, read_instant(since), read_instant(until)))
    return lift(
        len(treated), len(did.intersection(treated)), len(held), len(did & set(held))
    )


def _members(workspace: Workspace, segment: str, as_of: datetime) -> list[str]:
    saved = saved_segments(workspace)
    one = chosen(saved, segment).segment
    population = population_at(workspace, as_of)
    build.stage_members(workspace.lake, population, one, rules(saved), as_of)
    found = workspace.lake.rows(
        "select profile_id from member join person using (profile_key)"
    )
    return [profile_id for (profile_id,) in found]


def _did(
    workspace: Workspace, event: str, since: datetime, until: datetime
) -> list[str]:
    found = workspace.lake.rows(
        sql(
            "select distinct p.profile_id from {rows} as r "
            "join identity.assignment as a using (subject_id) "
            "join identity.profile as p using (profile_key) "
            "where a.valid_to is null and r.occurred_at > $since "
            "and r.occurred_at <= $until",
            rows=Query("(select * from core.event where event = $event)")
            if event
            else Query("core.transaction"),
            since=since,
            until=until,
            **({"event": event} if event else {}),
        )
    )
    return [profile_id for (profile_id,) in found]


_CONSENT = "consent says what may be done, not what somebody is like"
_CONSENTED = """
select * from ({rows}) where profile_id in (
    select p.profile_id from gate join identity.profile as p using (profile_key)
    where gate.is_eligible
)
"""
_PURCHASES = """
select p.profile_id as customer, t.occurred_at as "at", t.amount
from core.transaction as t
join identity.assignment as a using (subject_id)
join identity.profile as p using (profile_key)
where a.valid_to is null and t.occurred_at <= $as_of
"""
