from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from made_up_people import BEGIN, People

from dmp.core.sql import Query
from dmp.identity.profiles import ProfileBuild, build_profiles
from dmp.identity.settings import ProfileSettings, Survivorship
from dmp.storage.migrate import ensure_fields
from dmp.storage.write import append, commit

RULES = ProfileSettings(
    attributes={
        "tier": Survivorship(rule="trusted", sources=("crm", "shop")),
        "year": Survivorship(rule="most_frequent"),
        "interest": Survivorship(rule="union"),
    }
)
FIELDS = {"tier": "VARCHAR", "year": "BIGINT", "interest": "VARCHAR", "town": "VARCHAR"}


def say(people: People, subject: int, source: str, day: int, **values: Any) -> None:
    """Write a version of what a source says about a subject."""
    ensure_fields(people.lake, "core.record", "attributes", FIELDS)
    cells = "".join(f", '{name}': {value!r}" for name, value in values.items())
    row = Query(
        f"select {subject}::bigint as subject_id, '{source}' as source, "
        f"'load-{source}-{day}' as load_id, $at::timestamptz as recorded_at, "
        f"'t{subject}-{day}' as content_token, "
        f"{{'_': null::boolean{cells}}} as attributes",
        {"at": BEGIN + timedelta(days=day)},
    )
    commit(people.lake, [append("core.record", row)], message="say")


def one_person(people: People, *sources: str) -> None:
    for subject, source in enumerate(sources, start=1):
        people.add(subject, source=source)
        if subject > 1:
            people.decide("must_link", 1, subject)
    people.resolve()


def build(people: People, now: datetime | None = None) -> ProfileBuild:
    return build_profiles(people.lake, RULES, now=now or people.tick())


def profile(people: People) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    attributes, provenance = people.lake.row(
        "select attributes, provenance::varchar from profile.profile "
        "where valid_to is null"
    )
    return attributes, json.loads(provenance)


def test_each_attribute_survives_by_its_rule_with_its_source(people: People) -> None:
    one_person(people, "crm", "shop", "app", "partner")
    say(people, 1, "crm", 1, tier="gold", year=1980, interest="golf", town="Leeds")
    say(people, 2, "shop", 2, tier="tin", year=1981, interest="art", town="York")
    say(people, 3, "app", 3, tier="zinc", year=1980, interest="golf")
    say(people, 4, "partner", 4, year=1979)
    build(people)
    attributes, provenance = profile(people)
    assert attributes["tier"] == "gold"
    assert attributes["year"] == 1980
    assert attributes["interest"] == ["art", "golf"]
    assert attributes["town"] == "York"
    assert provenance == {
        "tier": "crm",
        "year": "app",
        "interest": "app",
        "town": "shop",
    }


def test_the_most_frequent_of_equally_frequent_values_is_the_smallest(
    people: People,
) -> None:
    one_person(people, "crm", "shop")
    say(people, 1, "crm", 1, year=1985)
    say(people, 2, "shop", 2, year=1980)
    build(people)
    attributes, provenance = profile(people)
    assert (attributes["year"], provenance["year"]) == (1980, "shop")


def test_a_source_counts_with_its_newest_version_only(people: People) -> None:
    one_person(people, "crm")
    say(people, 1, "crm", 1, town="Leeds", tier="gold")
    say(people, 1, "crm", 2, town="York")
    build(people)
    attributes, _ = profile(people)
    assert (attributes["town"], attributes["tier"]) == ("York", None)


def test_only_changed_people_get_a_new_version(people: People) -> None:
    people.add(1, 2)
    people.resolve()
    say(people, 1, "crm", 1, town="Leeds")
    say(people, 2, "crm", 1, town="York")
    first = people.tick()
    assert build(people, first) == ProfileBuild(profiles=2, changed=2, ended=0)
    before = people.lake.snapshot()
    assert build(people) == ProfileBuild(profiles=2, changed=0, ended=0)
    assert people.lake.snapshot() == before
    say(people, 2, "crm", 2, town="Hull")
    second = people.tick()
    assert build(people, second) == ProfileBuild(profiles=2, changed=1, ended=0)
    versions = people.lake.rows(
        "select attributes.town, valid_from, valid_to from profile.profile "
        "order by attributes.town"
    )
    assert versions == [
        ("Hull", second, None),
        ("Leeds", first, None),
        ("York", first, second),
    ]


def test_a_person_merged_away_has_no_current_version(people: People) -> None:
    people.add(1, 2)
    people.resolve()
    build(people)
    people.decide("must_link", 1, 2)
    people.resolve()
    assert build(people) == ProfileBuild(profiles=1, changed=1, ended=1)
    assert (
        people.lake.value("select count(*) from profile.profile where valid_to is null")
        == 1
    )
