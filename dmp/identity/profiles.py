"""Profiles: what survives of all that the sources say about one person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from dmp.core.sql import Name, Query, quote_name, quote_text, sql
from dmp.core.traits import TRAITS, traits_sql
from dmp.identity.settings import ProfileSettings, Survivorship
from dmp.storage.lake import Lake
from dmp.storage.migrate import ensure_fields, struct_fields
from dmp.storage.versions import newest_versions_sql
from dmp.storage.write import append, change, commit


@dataclass(frozen=True)
class ProfileBuild:
    """What a build changed: versions written of how many current profiles."""

    profiles: int
    changed: int
    ended: int


def build_profiles(
    lake: Lake, settings: ProfileSettings, *, now: datetime
) -> ProfileBuild:
    """Bring `profile.profile` up to date with records, events and assignments.

    Writes a new version of each profile that changed and ends the old one at `now`;
    ends those that no subject has any more. With nothing changed nothing is written.
    """
    attributes = struct_fields(lake, "core.record", "attributes")
    types = _types(attributes, settings)
    ensure_fields(lake, "profile.profile", "attributes", {**types, **TRAITS})
    _stage_sources(lake)
    lake.stage("new_profile", _profile_sql(attributes, settings))
    lake.stage("changed_profile", _changed_sql([*types, *TRAITS]))
    lake.stage("ended_profile", _ENDED)
    changed, ended = (
        int(lake.value(f"select count(*) from {name}"))
        for name in ("changed_profile", "ended_profile")
    )
    if changed or ended:
        _commit(lake, now)
    profiles = int(lake.value("select count(*) from new_profile"))
    return ProfileBuild(profiles, changed, ended)


def _types(attributes: Mapping[str, str], settings: ProfileSettings) -> dict[str, str]:
    return {
        name: f"{type_}[]" if _rule(name, settings).rule == "union" else type_
        for name, type_ in attributes.items()
    }


def _rule(name: str, settings: ProfileSettings) -> Survivorship:
    return settings.attributes.get(name, Survivorship())


def _stage_sources(lake: Lake) -> None:
    lake.stage(
        "current_subject",
        "select a.subject_id, a.profile_key, s.source from identity.assignment as a "
        "join identity.subject as s using (subject_id) where a.valid_to is null",
    )
    lake.stage(
        "current_record",
        sql(
            "select c.profile_key, r.source, r.recorded_at, r.subject_id, r.attributes "
            "from ({newest}) as r join current_subject as c using (subject_id)",
            newest=newest_versions_sql(),
        ),
    )


def _profile_sql(attributes: Mapping[str, str], settings: ProfileSettings) -> Query:
    columns, origins = (
        "".join(f", {text} as {quote_name(name)}" for name, text in cells)
        for cells in (_chosen(attributes, settings), _origins(attributes, settings))
    )
    values = "".join(
        f", {quote_text(name)}: s.{quote_name(name)}" for name in attributes
    )
    traits = "".join(f", {quote_text(name)}: t.{name}" for name in TRAITS)
    sources = ", ".join(
        f"{quote_text(name)}: o.{quote_name(name)}" for name in attributes
    )
    return sql(
        _PROFILE,
        columns=Query(columns),
        origins=Query(origins),
        traits=traits_sql(),
        attributes=Query(f"{{'_': null::boolean{values}{traits}}}"),
        provenance=Query(f"to_json({{{sources}}})" if sources else "'{}'::json"),
    )


def _chosen(
    attributes: Mapping[str, str], settings: ProfileSettings
) -> Iterator[tuple[str, str]]:
    for name in attributes:
        value = f"r.attributes.{quote_name(name)}"
        rule = _rule(name, settings)
        if rule.rule == "union":
            present = f"filter ({value} is not null)"
            yield name, f"list_sort(list(distinct {value}) {present})"
        elif rule.rule == "most_frequent":
            yield name, f"mode({value} order by {value})"
        else:
            yield name, f"arg_max({value}, {_order(rule)})"


def _origins(
    attributes: Mapping[str, str], settings: ProfileSettings
) -> Iterator[tuple[str, str]]:
    """Yield for each attribute the newest source that says what was chosen."""
    for name in attributes:
        value = f"r.attributes.{quote_name(name)}"
        rule = _rule(name, settings)
        is_chosen = f"{value} = s.{quote_name(name)}"
        if rule.rule == "union":
            is_chosen = f"{value} is not null"
        yield name, f"arg_max(r.source, {_order(rule)}) filter ({is_chosen})"


def _order(rule: Survivorship) -> str:
    """Return the expression whose greatest value survives; ties by subject."""
    ranks = " ".join(
        f"when {quote_text(source)} then {len(rule.sources) - place}"
        for place, source in enumerate(rule.sources)
    )
    trust = f"case r.source {ranks} else 0 end" if ranks else "0"
    return f"row({trust}, r.recorded_at, r.subject_id)"


_PROFILE = """
with person as (
    select profile_key, count(*) as subjects,
        list_sort(list(distinct source)) as sources
    from current_subject group by profile_key
), survivor as (
    select r.profile_key{columns} from current_record as r group by r.profile_key
), origin as (
    select profile_key{origins}
    from current_record as r join survivor as s using (profile_key)
    group by profile_key
), trait as ({traits})
select p.profile_key, p.subjects, p.sources, {attributes} as attributes,
    {provenance} as provenance
from person as p
left join survivor as s using (profile_key)
left join origin as o using (profile_key)
left join trait as t using (profile_key)
order by p.profile_key
"""

_ENDED = """
select profile_key from profile.profile where valid_to is null
and profile_key not in (select profile_key from new_profile)
"""


def _changed_sql(fields: list[str]) -> Query:
    new, old = (
        ", ".join(f"{side}.attributes.{quote_name(name)}" for name in fields)
        for side in "no"
    )
    return sql(
        """
        select n.* from new_profile as n
        left join profile.profile as o
            on o.profile_key = n.profile_key and o.valid_to is null
        where o.profile_key is null
            or (n.subjects, n.sources, n.provenance::varchar, {new})
            is distinct from (o.subjects, o.sources, o.provenance::varchar, {old})
        """,
        new=Query(new),
        old=Query(old),
    )


def _commit(lake: Lake, now: datetime) -> None:
    end = sql(
        "update profile.profile set valid_to = $now where valid_to is null and "
        "(profile_key in (select profile_key from changed_profile) or "
        "profile_key in (select profile_key from ended_profile))",
        now=now,
    )
    versions = sql(
        "select *, $now::timestamptz as valid_from, null::timestamptz as valid_to "
        "from {t}",
        t=Name("changed_profile"),
        now=now,
    )
    commit(
        lake,
        [change("profile.profile", end), append("profile.profile", versions)],
        message="build profiles",
        on_record=False,
    )
