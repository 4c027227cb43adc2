"""Point-in-time features: what was known of each person at an instant, one row each.

Nothing that happened later counts, and nothing that came to be known later: an event
that was received late, a purchase as it was corrected afterwards, an attribute of a
later profile. So a model trained on the features of May sees what it would have seen
in May.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dmp.core.errors import UsageError
from dmp.core.sql import Query, join, quote_name, sql
from dmp.core.traits import TRAITS
from dmp.storage.lake import Lake
from dmp.storage.migrate import struct_fields

Known = Literal["received", "occurred"]
WINDOWS = (7, 30, 90, 365)
MOST_EVENTS = 12
MOST_DAYS = 36_500


@dataclass(frozen=True)
class Feature:
    """One column: how SQL makes it of the step it belongs to, and what it says.

    Attributes:
        step: activity, purchase, attribute, consent.
        expression: an aggregate over the step's rows, or a column of it.
        empty: what stands for people without rows of the step.
    """

    name: str
    step: str
    expression: Query
    doc: str
    empty: str = "null"


@dataclass(frozen=True)
class Wanted:
    """What features are asked for.

    Attributes:
        as_of: the instant; whatever is later does not count.
        windows: lengths in days of the windows (as_of - n, as_of].
        events: names whose occurrences in the longest window are counted; None takes
            the most frequent ones that were known at `as_of`.
        known: `received` leaves out what was received, corrected or loaded after
            `as_of`; `occurred` goes by when it happened alone, and takes attributes
            that were not known then from the first profile there was.
    """

    as_of: datetime
    windows: Sequence[int] = WINDOWS
    events: Sequence[str] | None = None
    known: Known = "received"

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: an instant without a zone, no window, or one that is no number
                of days from 1 to 36,500.
        """
        if self.as_of.tzinfo is None:
            raise UsageError("as_of: needs a zone, such as 2026-05-01T00:00:00Z")
        if self.known not in ("received", "occurred"):
            raise UsageError(f"known: {self.known!r} is neither received nor occurred")
        wrong = [n for n in self.windows if not 1 <= n <= MOST_DAYS]
        if wrong or not self.windows:
            raise UsageError(
                f"windows: {wrong or 'none'}; give days from 1 to 36,500: (7, 30, 90)"
            )


def feature_list(lake: Lake, wanted: Wanted) -> tuple[Feature, ...]:
    """Return the columns of `features_query`, after `profile_id`, in their order."""
    windows = sorted(set(wanted.windows))
    names = wanted.events if wanted.events is not None else _frequent(lake, wanted)
    return (
        *_activity(windows),
        *_events(names, windows[-1]),
        *_purchases(windows),
        *_attributes(lake),
        *_consents(lake, wanted),
    )


def features_query(wanted: Wanted, features: Sequence[Feature]) -> Query:
    """Return the select of one row a person who was known at the instant.

    Reads `core.event`, `core.transaction`, `core.transaction_version`,
    `profile.profile`, `privacy.consent`, and who is who as of now. Sorted by
    profile_id.
    """
    steps = {
        step: [f for f in features if f.step == step]
        for step in ("activity", "purchase", "attribute", "consent")
    }
    made = [_step(step, some, wanted.known) for step, some in steps.items() if some]
    cells = [
        sql(
            "{column} as {name}",
            column=Query(
                f"{f.step}.{quote_name(f.name)}"
                if f.empty == "null"
                else f"coalesce({f.step}.{quote_name(f.name)}, {f.empty})"
            ),
            name=Query(quote_name(f.name)),
        )
        for f in features
    ]
    joins = [
        Query(f"left join {step} using (profile_key)")
        for step, some in steps.items()
        if some
    ]
    return sql(
        _FRAME,
        known_rows=_known_rows(wanted),
        steps=join(made, ",\n") if made else Query("nothing as (select 1)"),
        cells=join([Query("i.profile_id"), *cells]),
        joins=join(joins, "\n"),
        as_of=wanted.as_of,
    )


_FRAME = """
with {known_rows},
{steps}
select {cells}
from known_person
join identity.profile as i using (profile_key)
{joins}
order by i.profile_id
"""

_KNOWN_ROWS = """
placed as (
    select subject_id, profile_key from identity.assignment where valid_to is null
), load as (
    select load_id, loaded_at,
        loaded_at = min(loaded_at) over (partition by source) as is_first
    from ops.load
), known_event as (
    select p.profile_key, e.event, e.platform, e.occurred_at
    from core.event as e
    join placed as p using (subject_id)
    left join load as l using (load_id)
    where e.occurred_at <= $as_of and {event_known} <= $as_of
), purchase_version as (
    select transaction_id, subject_id, load_id, occurred_at, amount, quantity,
        category, recorded_at
    from core.transaction
    union all
    select transaction_id, subject_id, load_id, occurred_at, amount, quantity,
        category, recorded_at
    from core.transaction_version
), known_purchase as (
    select p.profile_key, v.occurred_at, v.amount, v.quantity, v.category
    from purchase_version as v
    join placed as p using (subject_id)
    left join load as l using (load_id)
    where {purchase_known} <= $as_of
    qualify row_number() over (
        partition by v.transaction_id order by v.recorded_at desc, l.loaded_at desc
    ) = 1
), known_order as (
    select * from known_purchase where occurred_at <= $as_of
), known_decision as (
    select p.profile_key, c.subject_id, c.purpose, c.status, c.captured_at
    from privacy.consent as c
    join placed as p using (subject_id)
    left join load as l using (load_id)
    where c.captured_at <= $as_of and {decision_known} <= $as_of
), known_record as (
    select distinct p.profile_key
    from core.record as r
    join placed as p using (subject_id)
    left join load as l using (load_id)
    where {record_known} <= $as_of
), known_person as (
    select profile_key from known_event union select profile_key from known_order
    union select profile_key from known_decision
    union select profile_key from known_record
)"""


def _known_rows(wanted: Wanted) -> Query:
    """Return the steps that leave only what was known at the instant.

    What a source dates itself was known then. What it does not was known when it was
    loaded, but for the source's first load, which brings the history of a thing that
    was there before: that was known when it happened.
    """
    if wanted.known == "occurred":
        return sql(
            _KNOWN_ROWS,
            event_known=Query("e.occurred_at"),
            purchase_known=Query("v.occurred_at"),
            decision_known=Query("c.captured_at"),
            record_known=Query(
                "case when r.recorded_at < l.loaded_at then r.recorded_at "
                "else '-infinity' end"
            ),
        )
    return sql(
        _KNOWN_ROWS,
        event_known=_known_at("e.received_at", "e.occurred_at"),
        purchase_known=_known_at("v.recorded_at", "v.occurred_at"),
        decision_known=Query(
            "case when coalesce(l.is_first, true) then c.captured_at "
            "else l.loaded_at end"
        ),
        record_known=Query("r.recorded_at"),
    )


def _known_at(said: str, happened: str) -> Query:
    return Query(
        f"case when {said} < coalesce(l.loaded_at, 'infinity') then {said} "
        f"when l.is_first then {happened} else l.loaded_at end"
    )


def _step(step: str, features: Sequence[Feature], known: Known) -> Query:
    cells = [
        sql("{e} as {n}", e=f.expression, n=Query(quote_name(f.name))) for f in features
    ]
    rows = _rows(step, join(cells), known)
    return sql("{step} as ({rows})", step=Query(step), rows=rows)


_THEN = "(valid_from <= $as_of and (valid_to is null or valid_to > $as_of))"


def _rows(step: str, cells: Query, known: Known) -> Query:
    if step == "attribute":
        where = _THEN if known == "received" else "true"
        return sql(
            "select distinct on (profile_key) profile_key, {cells} "
            f"from profile.profile where {where} "
            f"order by profile_key, {_THEN} desc, valid_from",
            cells=cells,
        )
    source = {
        "activity": "known_event",
        "purchase": "known_order",
        "consent": "(select distinct on (profile_key, subject_id, purpose) * "
        "from known_decision order by profile_key, subject_id, purpose, "
        "captured_at desc, status)",
    }[step]
    return sql(
        "select profile_key, {cells} from {source} group by profile_key",
        cells=cells,
        source=Query(source),
    )


def _since(days: int) -> str:
    return f"occurred_at > $as_of::timestamptz - interval {int(days)} day"


def _days(earlier: str) -> Query:
    return Query(f"date_diff('second', {earlier}, $as_of::timestamptz) / 86400.0")


def _activity(windows: Sequence[int]) -> Iterator[Feature]:
    def made(name: str, expression: Query, doc: str, empty: str = "null") -> Feature:
        return Feature(name, "activity", expression, doc, empty)

    yield made("event_count", Query("count(*)"), "events ever", "0")
    yield made("days_since_event", _days("max(occurred_at)"), "days since the last")
    yield made("days_since_first_event", _days("min(occurred_at)"), "since the first")
    yield made("event_names", Query("count(distinct event)"), "different events", "0")
    yield made(
        "last_platform",
        Query("arg_max(platform, (occurred_at, platform))"),
        "platform of the last event",
    )
    for days in windows:
        where = f"filter (where {_since(days)})"
        yield made(
            f"event_count_{days}d",
            Query(f"count(*) {where}"),
            f"events of the last {days} days",
            "0",
        )
        yield made(
            f"active_days_{days}d",
            Query(f"count(distinct date_trunc('day', occurred_at)) {where}"),
            f"days (UTC) of the last {days} with an event",
            "0",
        )


def _events(names: Sequence[str], days: int) -> Iterator[Feature]:
    for place, name in enumerate(names):
        counted = Query(
            f"count(*) filter (where event = $event_{place} and {_since(days)})",
            {f"event_{place}": name},
        )
        doc = f"times {name} of the last {days} days"
        yield Feature(f"did_{name}_{days}d", "activity", counted, doc, "0")


def _purchases(windows: Sequence[int]) -> Iterator[Feature]:
    def made(name: str, expression: Query, doc: str, empty: str = "null") -> Feature:
        return Feature(name, "purchase", expression, doc, empty)

    yield made("order_count", Query("count(*)"), "purchases ever", "0")
    yield made(
        "order_total", Query("round(sum(amount), 2)"), "amounts added, as they are", "0"
    )
    yield made(
        "order_mean", Query("round(avg(amount), 6)"), "mean amount of a purchase"
    )
    yield made("item_count", Query("sum(quantity)::double"), "items bought", "0")
    yield made("days_since_order", _days("max(occurred_at)"), "days since the last")
    yield made("days_since_first_order", _days("min(occurred_at)"), "since the first")
    yield made(
        "order_gap_days",
        Query(
            "date_diff('second', min(occurred_at), max(occurred_at)) / 86400.0 "
            "/ nullif(count(*) - 1, 0)"
        ),
        "mean days between purchases",
    )
    yield made("top_category", Query("mode(category order by category)"), "most bought")
    for days in windows:
        where = f"filter (where {_since(days)})"
        yield made(
            f"order_count_{days}d",
            Query(f"count(*) {where}"),
            f"purchases of the last {days} days",
            "0",
        )
        yield made(
            f"order_total_{days}d",
            Query(f"round(sum(amount) {where}, 2)"),
            f"amounts of the last {days} days",
            "0",
        )


def _attributes(lake: Lake) -> Iterator[Feature]:
    for name in struct_fields(lake, "profile.profile", "attributes"):
        if name not in TRAITS and name != "_":
            column = Query(f"attributes.{quote_name(name)}")
            doc = f"attribute {name} of the profile as it was then"
            yield Feature(f"attribute_{name}", "attribute", column, doc)


def _consents(lake: Lake, wanted: Wanted) -> Iterator[Feature]:
    purposes = lake.rows(
        sql(
            "with {known} select distinct purpose from known_decision order by 1",
            known=_known_rows(wanted),
            as_of=wanted.as_of,
        )
    )
    for place, (purpose,) in enumerate(purposes):
        said = Query(
            f"case when bool_or(status = 'denied' and purpose = $purpose_{place}) "
            "then 'denied' "
            f"when bool_or(status = 'granted' and purpose = $purpose_{place}) "
            "then 'granted' else 'unknown' end",
            {f"purpose_{place}": purpose},
        )
        doc = f"what was said on {purpose}: a feature, no permission"
        yield Feature(f"consent_{purpose}", "consent", said, doc, "'unknown'")


def _frequent(lake: Lake, wanted: Wanted) -> list[str]:
    rows = lake.rows(
        sql(
            "with {known} select event from known_event group by event "
            "order by count(distinct profile_key) desc, event limit $most",
            known=_known_rows(wanted),
            as_of=wanted.as_of,
            most=MOST_EVENTS,
        )
    )
    return sorted(event for (event,) in rows)
