"""Each check as a query: what was found in each scope, and how many are at fault.

A measuring query gives rows of `scope`, `measured` and `failing`; measured is null
where there was nothing to measure. Where single rows can be at fault, a second query
gives them, as `scope` and whatever names the row by pseudonym.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dmp.core.sql import Name, Query, join, quote_text, sql
from dmp.quality.settings import Bound, Bridges, Late, QualitySettings, Windowed
from dmp.storage.tables import TABLES, TableSpec

FEWEST_DAYS = 3
"""Days with loads before the newest one, below which there is no usual volume."""


@dataclass(frozen=True)
class Ground:
    """What the checks look at.

    Attributes:
        fields: the attributes that each source declares and the lake has a place for.
    """

    now: datetime
    fields: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Check:
    """A check: how it measures, in which unit, and to which side its bound is.

    Attributes:
        rows: the rows at fault; None where no single row is.
    """

    name: str
    unit: Literal["hours", "rows", "share", "subjects"]
    side: Literal["most", "least"]
    measure: Callable[[Bound, Ground], Query]
    rows: Callable[[Bound, Ground], Query] | None = None


def freshness_sql(bound: Bound, ground: Ground) -> Query:
    """Hours since the newest load of each source."""
    return sql(
        """
        select source as scope,
            epoch($now::timestamptz - max(loaded_at)) / 3600 as measured,
            null::bigint as failing
        from ops.load where replay_of is null group by source
        """,
        now=ground.now,
    )


def volume_sql(bound: Bound, ground: Ground) -> Query:
    """Rows of the newest day beside the median of the days before, by source."""
    assert isinstance(bound, Windowed)
    return sql(
        """
        with daily as (
            select source, loaded_at::date as day, sum(rows_read)::double as n
            from ops.load
            where replay_of is null
                and loaded_at >= $now::timestamptz - to_days($volume_days)
            group by all
        ),
        ranked as (
            select *, row_number() over (partition by source order by day desc) as age
            from daily
        ),
        beside as (
            select source, max(n) filter (age = 1) as newest,
                median(n) filter (age > 1) as usual,
                count(*) filter (age > 1) as days
            from ranked group by source
        )
        select source as scope,
            case when days >= $fewest and greatest(newest, usual) > 0
                then least(newest, usual) / greatest(newest, usual) end as measured,
            null::bigint as failing
        from beside
        """,
        now=ground.now,
        volume_days=bound.days,
        fewest=FEWEST_DAYS,
    )


def null_rows_sql(bound: Bound, ground: Ground) -> Query:
    """People whose newest record lacks an attribute that its source declares."""
    head = "select {scope} as scope, subject_id"
    return _over_fields(ground, head, "where {f} is null")


def nulls_sql(bound: Bound, ground: Ground) -> Query:
    """Share of each source's people without each attribute it declares."""
    return _over_fields(
        ground,
        "select {scope} as scope, count(*) filter ({f} is null) / "
        "nullif(count(*), 0) as measured, count(*) filter ({f} is null) as failing",
        "",
    )


def _over_fields(ground: Ground, head: str, tail: str) -> Query:
    """Ask the newest record of each person of a source once for each field."""
    parts = [
        sql(
            f"{head} from (select * from core.record where source = {{source}} "
            "qualify row_number() over (partition by subject_id "
            f"order by recorded_at desc, load_id desc) = 1) {tail}",
            source=Query(quote_text(source)),
            scope=Query(quote_text(f"{source}.{name}")),
            f=Name("attributes", name),
        )
        for source, names in sorted(ground.fields.items())
        for name in names
    ]
    return join(parts, " union all ") if parts else Query(_NOTHING)


_NOTHING = (
    "select '' as scope, null::double as measured, null::bigint as failing where false"
)


def duplicate_rows_sql(bound: Bound, ground: Ground) -> Query:
    """Keys that more than one row of their table has."""
    return join((_twins(spec) for spec in TABLES), " union all ")


def duplicates_sql(bound: Bound, ground: Ground) -> Query:
    """Rows of each table whose key another row has already."""
    tables = join((Query(f"({quote_text(s.name)})") for s in TABLES), ", ")
    return sql(
        """
        with twin as ({twins})
        select scope, coalesce(sum(rows - 1), 0)::double as measured,
            coalesce(sum(rows - 1), 0)::bigint as failing
        from (values {tables}) as t (scope) left join twin using (scope)
        group by scope
        """,
        twins=duplicate_rows_sql(bound, ground),
        tables=tables,
    )


def _twins(spec: TableSpec) -> Query:
    key = [Name(column) for column in spec.key]
    return sql(
        "select {scope} as scope, to_json(row({key}))::varchar as key, "
        "count(*) as rows from {table} group by {key} having count(*) > 1",
        scope=Query(quote_text(spec.name)),
        key=key,
        table=Name.of(spec.name),
    )


def late_rows_sql(bound: Bound, ground: Ground) -> Query:
    """Events of the last days that were received late."""
    assert isinstance(bound, Late)
    return sql(
        "select source as scope, event_id from core.event "
        "where received_at >= $now::timestamptz - to_days($late_days) and "
        "epoch(received_at - occurred_at) > $late_s",
        now=ground.now,
        late_days=bound.days,
        late_s=bound.after_hours * 3600,
    )


def late_events_sql(bound: Bound, ground: Ground) -> Query:
    """Share of each source's events of the last days that came late."""
    assert isinstance(bound, Late)
    return sql(
        """
        select source as scope,
            count(*) filter (epoch(received_at - occurred_at) > $late_s) / count(*)
                as measured,
            count(*) filter (epoch(received_at - occurred_at) > $late_s) as failing
        from core.event
        where received_at >= $now::timestamptz - to_days($late_days)
        group by source
        """,
        now=ground.now,
        late_days=bound.days,
        late_s=bound.after_hours * 3600,
    )


def match_rate_sql(bound: Bound, ground: Ground) -> Query:
    """Share of each source's known people whom another source knows too."""
    return sql(
        """
        with known as (
            select s.source, a.profile_key, s.subject_id
            from identity.assignment as a join identity.subject as s using (subject_id)
            where a.valid_to is null and s.kind <> 'device'
        ),
        joined as (
            select source, count(distinct source) over (partition by profile_key) > 1
                as is_matched
            from known
        )
        select source as scope,
            case when (select count(distinct source) from known) > 1
                then count(*) filter (is_matched) / count(*) end as measured,
            count(*) filter (not is_matched) as failing
        from joined group by source
        """
    )


def cluster_rows_sql(bound: Bound, ground: Ground) -> Query:
    """People that join more subjects than the bound."""
    return sql(
        "select '' as scope, profile_key, subjects from profile.profile "
        "where valid_to is null and subjects > $most_subjects",
        most_subjects=bound.limit,
    )


def cluster_size_sql(bound: Bound, ground: Ground) -> Query:
    """Subjects of the largest profile."""
    return sql(
        "select '' as scope, max(subjects)::double as measured, "
        "count(*) filter (subjects > $most_subjects) as failing "
        "from profile.profile where valid_to is null",
        most_subjects=bound.limit,
    )


def bridge_rows_sql(bound: Bound, ground: Ground) -> Query:
    """Pairs whose evidence alone holds two parts of a person together."""
    assert isinstance(bound, Bridges)
    return sql(
        """
        select '' as scope, a.profile_key, e.subject_id_l, e.subject_id_r,
            any_value(e.held_alone) as subjects
        from identity.edge as e
        join identity.assignment as a
            on a.subject_id = e.subject_id_l and a.valid_to is null
        where e.is_used and e.held_alone >= $subjects
        group by a.profile_key, e.subject_id_l, e.subject_id_r
        """,
        subjects=bound.subjects,
    )


def bridges_sql(bound: Bound, ground: Ground) -> Query:
    """Share of people of two parts that one piece of evidence holds together."""
    return sql(
        """
        with held as (select distinct profile_key from ({rows}))
        select '' as scope, (select count(*) from held) / nullif(count(*), 0)
            as measured, (select count(*) from held) as failing
        from profile.profile where valid_to is null
        """,
        rows=bridge_rows_sql(bound, ground),
    )


def consent_rows_sql(bound: Bound, ground: Ground) -> Query:
    """People without any decision for a purpose for which others decided."""
    return sql(
        """
        with decided as (
            select distinct a.profile_key, c.purpose
            from privacy.consent as c
            join identity.assignment as a using (subject_id)
            where a.valid_to is null
        )
        select u.purpose as scope, p.profile_key
        from profile.profile as p
        cross join (select distinct purpose from privacy.consent) as u
        anti join decided as d
            on d.profile_key = p.profile_key and d.purpose = u.purpose
        where p.valid_to is null
        """
    )


def consent_missing_sql(bound: Bound, ground: Ground) -> Query:
    """Share of people without any decision, by purpose."""
    return sql(
        """
        with missing as ({rows}),
        people as (select count(*) as n from profile.profile where valid_to is null)
        select u.purpose as scope,
            count(m.profile_key) / nullif(any_value(people.n), 0) as measured,
            count(m.profile_key) as failing
        from (select distinct purpose from privacy.consent) as u
        cross join people
        left join missing as m on m.scope = u.purpose
        group by u.purpose
        """,
        rows=consent_rows_sql(bound, ground),
    )


def refusal_rate_sql(bound: Bound, ground: Ground) -> Query:
    """Share of the rows of each source's newest load that were refused."""
    return sql(
        """
        select source as scope,
            rows_refused / nullif(rows_read, 0) as measured, rows_refused as failing
        from ops.load where replay_of is null
        qualify row_number() over (
            partition by source order by loaded_at desc, load_id desc) = 1
        """
    )


def rejection_rate_sql(bound: Bound, ground: Ground) -> Query:
    """Share of what was sent last to each destination and was not accepted there."""
    return sql(
        """
        with newest as (
            select destination, sent, accepted from activation.sync
            where status = 'written'
            qualify row_number() over (
                partition by destination, segment
                order by synced_at desc, sync_id desc) = 1
        )
        select destination as scope,
            sum(sent - accepted) / nullif(sum(sent), 0) as measured,
            sum(sent - accepted)::bigint as failing
        from newest group by destination
        """
    )


CHECKS: tuple[Check, ...] = (
    Check("freshness", "hours", "most", freshness_sql),
    Check("volume", "share", "least", volume_sql),
    Check("nulls", "share", "most", nulls_sql, null_rows_sql),
    Check("duplicates", "rows", "most", duplicates_sql, duplicate_rows_sql),
    Check("late_events", "share", "most", late_events_sql, late_rows_sql),
    Check("match_rate", "share", "least", match_rate_sql),
    Check("cluster_size", "subjects", "most", cluster_size_sql, cluster_rows_sql),
    Check("bridges", "share", "most", bridges_sql, bridge_rows_sql),
    Check("consent_missing", "share", "most", consent_missing_sql, consent_rows_sql),
    Check("refusal_rate", "share", "most", refusal_rate_sql),
    Check("rejection_rate", "share", "most", rejection_rate_sql),
)


def bound_of(check: Check, settings: QualitySettings) -> Bound | None:
    """Return the bound of a check; None where the settings leave it out."""
    found: Bound | None = getattr(settings, check.name)
    return found
