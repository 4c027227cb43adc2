"""Millions of people in households and four sources, made set by set in SQL.

Every choice is drawn from a hash of what it is for, so the same number of rows gives
the same records, on any number of threads. Most people live with others of the same
surname and address; sources misspell, leave out, use nicknames and old homes.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from dmp.ingest.synthetic.given_names import NICKNAMES, known_given_names
from dmp.ingest.synthetic.surnames import surname_odds

RECORDS_EACH = 2.3
"""Mean records of a person, over the four sources."""


def write_people(n_rows: int, path: Path) -> None:
    """Write `record_id`, `source`, `true_id` and fields, in shuffled order."""
    with duckdb.connect() as connection:
        connection.execute(MACROS)
        for name, words, ends in (("surname", *_surnames()), ("given", *_given())):
            _register(connection, name, words, ends)
        nicknames = [(k.lower(), v[0].lower()) for k, v in NICKNAMES.items()]
        columns = {
            "given": [k for k, _ in nicknames],
            "short": [v for _, v in nicknames],
        }
        connection.register("nickname_arrow", pa.table(columns))
        connection.execute("create table nickname as from nickname_arrow")
        n_people = int(n_rows / RECORDS_EACH * 1.02)
        connection.execute(HOUSEHOLDS, {"n": n_people})
        connection.execute(PEOPLE, {"n": n_people})
        connection.execute(RECORDS)
        select = (
            f"select * from record order by hash(record_id, 'order') limit {n_rows}"
        )
        connection.execute(f"copy ({select}) to '{path}' (format parquet)")


def _surnames() -> tuple[list[str], list[float]]:
    odds = surname_odds()
    return list(odds.words), [end / odds.ends[-1] for end in odds.ends]


def _given() -> tuple[list[str], list[float]]:
    """All given names, falling as rank to the power of -0.7 in order of a hash."""
    words = sorted(known_given_names(), key=lambda name: (len(name) * 7919 % 31, name))
    weights = [rank**-0.7 for rank in range(1, len(words) + 1)]
    total, ends = 0.0, []
    for weight in weights:
        total += weight
        ends.append(total)
    return words, [end / total for end in ends]


def _register(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    words: list[str],
    ends: list[float],
) -> None:
    starts = [0.0, *ends[:-1]]
    table = pa.table({"word": [w.lower() for w in words], "at": starts})
    connection.register(f"{name}_arrow", table)
    connection.execute(f"create table {name} as from {name}_arrow")


MACROS = """
create macro chance(id, purpose) as
    (hash(purpose || ':' || id) >> 11)::double / 9007199254740992;
create macro slip(word, u, rate) as case
    when word is null or u >= rate or length(word) < 3 then word
    when u < rate / 2 then
        substr(word, 1, 1 + (u * 2 / rate * (length(word) - 2))::int)
        || substr(word, 3 + (u * 2 / rate * (length(word) - 2))::int)
    else substr(word, 1, 1 + ((u * 2 / rate - 1) * (length(word) - 2))::int)
        || chr(97 + (u / rate * 1e6)::int % 26)
        || substr(word, 3 + ((u * 2 / rate - 1) * (length(word) - 2))::int)
    end;
create macro kept(value, u, rate) as case when u >= rate then value end;
create macro digits(id, purpose, n) as
    lpad((hash(purpose || ':' || id) % (10 ** n)::ubigint)::varchar, n, '0');
"""
HOUSEHOLDS = """
create table home as
with drawn as (
    select id, chance(id, 'surname') as u,
        1 + (chance(id, 'number') ** 1.6 * 120)::int as number,
        (chance(id, 'street') * (1 + $n / 60))::int as street
    from range($n * 2) as t(id)
)
select id, s.word as family, number,
    street, chr(97 + street % 24) || chr(97 + street // 24 % 24)
        || (1 + street % 28)::varchar || ' ' || (street // 7 % 10)::varchar
        || chr(97 + street // 11 % 24) || chr(97 + street // 13 % 24) as postcode,
    'street ' || chr(97 + street % 26) || chr(97 + street // 5 % 26)
        || (street % 997)::varchar as line,
    'town' || (street % 400)::varchar as city,
    '0' || digits(id, 'landline', 10) as landline
from drawn asof join surname as s on drawn.u >= s.at
"""
PEOPLE = """
create table person as
with drawn as (
    select id, chance(id, 'given') as u,
        5 * (id // 12) + [0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 4][1 + id % 12] as home,
        chance(id, 'alone') < 0.15 as has_own_name
    from range($n) as t(id)
)
select d.id, g.word as given, coalesce(n.short, g.word) as short,
    case when has_own_name then own.family else home.family end as family,
    (date '1940-01-01' + (chance(d.id, 'born') * 24800)::int)::varchar as born,
    home.number::varchar || ' ' || home.line as line, home.city, home.postcode,
    old.number::varchar || ' ' || old.line as old_line,
    old.city as old_city, old.postcode as old_postcode,
    '07' || digits(d.id, 'mobile', 9) as mobile, home.landline,
    g.word || '.' || home.family || (hash('mail' || d.id) % 1000)::varchar
        || '@mail' || (hash('host' || d.id) % 6)::varchar || '.example' as email
from drawn as d
asof join given as g on d.u >= g.at
left join nickname as n on n.given = g.word
join home on home.id = d.home
join home as old on old.id = d.home + $n
join home as own on own.id = (d.id * 7 + 11) % $n
"""
RECORDS = """
create table record as
with copy as (
    select p.*, s.source, k.copy, hash(p.id || s.source || k.copy) as r
    from person as p,
        (values ('crm', 0.75), ('shop', 0.6), ('app', 0.5), ('call', 0.35))
            as s(source, share),
        range(2) as k(copy)
    where chance(p.id, s.source || k.copy) < case k.copy when 0 then share else 0.06 end
)
select 'r' || r::varchar as record_id, source, id::varchar as true_id,
    slip(case when chance(r, 'nick') < 0.08 then short else given end,
        chance(r, 'given'), 0.04) as first_name,
    slip(family, chance(r, 'family'), 0.04) as last_name,
    kept(slip(born, chance(r, 'born'), 0.02), chance(r, 'born?'), 0.25) as birth_date,
    kept(slip(email, chance(r, 'mail'), 0.02), chance(r, 'mail?'), 0.35) as email,
    kept(case when chance(r, 'line?') < 0.2 then landline else mobile end,
        chance(r, 'phone?'), 0.4) as phone,
    kept(slip(case when chance(r, 'old') < 0.12 then old_line else line end,
        chance(r, 'line'), 0.04), chance(r, 'home?'), 0.15) as street,
    kept(case when chance(r, 'old') < 0.12 then old_city else city end,
        chance(r, 'home?'), 0.15) as city,
    kept(case when chance(r, 'old') < 0.12 then old_postcode else postcode end,
        chance(r, 'post?'), 0.2) as postcode
from copy
"""
