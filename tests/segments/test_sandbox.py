"""What the SELECT of a `sql` node may do, and what it may not."""

from __future__ import annotations

import pytest

from dmp.core.errors import RuleInvalid
from dmp.segments.sandbox import checked_select

VIEWS = {"profiles": "profile", "events": "lake.core.event"}

TAKEN = [
    "select profile_id from profiles",
    "select distinct e.profile_id from events as e where e.event = 'x'",
    "select profile_id from events group by profile_id having count(*) > 5",
    "with x as (select profile_id from events) select profile_id from x",
    "select profile_id from profiles where country in ('GB', 'IE') and not (v > 1)",
    "select profile_id from profiles where lower(country) like 'g%' or v is null",
    "select profile_id from (select profile_id, row_number() over (order by v) n "
    "from profiles) where n <= 10",
    "select profile_id from profiles where exists (select 1 from events e "
    "where e.profile_id = profiles.profile_id)",
    "select case when v > 1 then profile_id else null end as profile_id from profiles",
    "select cast(profile_id as varchar) as profile_id from events "
    "where occurred_at > timestamp '2025-01-01' - interval 3 day",
    "select profile_id from events where json_extract_string(extra, '$.page') = 'x'",
    "select profile_id from profiles union_part",
]
REFUSED = {
    "delete from profiles": "no single SELECT",
    "select profile_id from profiles; drop table x": "no single SELECT",
    "select profile_id from profiles union select profile_id from events": "SELECT",
    "select profile_id from 'people.csv'": "reads",
    "select profile_id from read_csv('/etc/passwd')": "reads",
    "select profile_id from profiles where v in (from read_text('x'))": "reads",
    "select profile_id from profiles where born < current_date": "calls current_date",
    "select profile_id from profiles where random() < 0.5": "calls rand",
    "select profile_id from lake.core.event": "reads",
    "select profile_id from information_schema.tables": "reads",
    "select profile_id from duckdb_settings()": "reads",
    "select getenv('HOME') as profile_id from profiles": "calls getenv",
    "select profile_id from profiles where current_setting('x') = 'y'": "calls",
    "select profile_id from profile": "reads 'profile'",
    "select profile_id, country from profiles": "profile_id alone",
    "select * from profiles": "profile_id alone",
    "select country from profiles": "profile_id alone",
    "select profile_id from profiles where v = $secret": "uses",
    "selec profile_id": "SELECT",
    "with recursive x as (select profile_id from profiles union all "
    "select profile_id from x) select profile_id from x": "recursive",
    "copy profiles to 'x.csv'": "no single SELECT",
    "attach 'x.db'": "no single SELECT",
}


@pytest.mark.parametrize("select", TAKEN)
def test_a_select_over_views_is_taken(select: str) -> None:
    query = checked_select(select, VIEWS).sql("duckdb")
    assert '"profile"' in query or '"lake"."core"."event"' in query


@pytest.mark.parametrize("select", REFUSED)
def test_anything_else_is_refused(select: str) -> None:
    with pytest.raises(RuleInvalid, match=REFUSED[select]):
        checked_select(select, VIEWS)


@pytest.mark.parametrize(
    "select",
    [
        "with a as (select profile_id from profile), profile as (select 1 as x) "
        "select profile_id from a",
        "select profile_id from profile where exists "
        "(with profile as (select 1 as x) select x from profile)",
    ],
)
def test_a_part_with_the_name_of_a_relation_does_not_open_it(select: str) -> None:
    query = checked_select(select, VIEWS).sql("duckdb")
    assert '"profile"' not in query.replace('as "profile"', "").replace(
        'AS "profile"', ""
    )
