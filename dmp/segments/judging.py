"""Segments judged in few passes: everybody, or only those whom something has touched.

An evaluation rests on the one before where its basis is the same: the rule, those it
refers to, the attributes there are. Then only the touched are judged, as they are now
and as they were; whoever is not touched is as before, so members and counts are those
of a full evaluation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from importlib.metadata import version

from dmp.core.config import fingerprint
from dmp.core.sql import Name, Query, columns, sql
from dmp.segments.checks import reachable
from dmp.segments.event_rows import TouchedRows
from dmp.segments.graph import columns_read, uses
from dmp.segments.population import (
    Among,
    plain_people,
    population_of,
    stage_people,
)
from dmp.segments.rule import Computed, Leaf, Segment
from dmp.segments.saved import Saved, rules
from dmp.segments.sources import Population
from dmp.segments.touched import (
    PEOPLE,
    Base,
    Changes,
    Touched,
    changes,
    nobody,
    snapshots,
    stage_touched,
)
from dmp.segments.truths import Counts, Judging
from dmp.segments.turning import Turning, turning
from dmp.storage.lake import Lake


@dataclass(frozen=True)
class Judged:
    """Who is in a segment at an instant.

    Attributes:
        members: the query of their `profile_key`.
        anew: the query of those of them who were judged anew.
        among: the query of whoever was judged anew; None is everybody.
        people: everybody there is.
        snapshot: of the lake, read before anything else was.
        touched: who was judged anew; None where everybody was.
    """

    members: Query
    anew: Query
    among: Query | None
    people: int
    conditions: Counts
    snapshot: int
    basis: str
    touched: int | None = None


@dataclass(frozen=True)
class _Kept:
    """A stored evaluation to build on."""

    base: Base
    conditions: Counts
    people: int


def judge(
    lake: Lake,
    saved: Mapping[str, Saved],
    names: Sequence[str],
    as_of: datetime,
    *,
    full: bool = False,
    traits: Sequence[Computed] = (),
) -> dict[str, Judged]:
    """Judge segments at one instant, anew only who was touched since they last were.

    Stages what it needs; writes nothing. With `full` everybody is judged, which gives
    the same.
    """
    population = population_of(lake, as_of, traits=traits)
    snapshot = lake.snapshot()
    bases = {name: basis_of(saved, name, population) for name in names}
    kept = {} if full else _kept(lake, bases, as_of)
    found: dict[str, Judged] = {}
    for number, (base, mine) in enumerate(_grouped(kept).items()):
        chosen = {name: kept[name] for name in mine}
        touched = f"touched_{number}"
        since = _Since(lake, saved, population, base, as_of, snapshot, touched)
        found |= since.judged(chosen, bases)
    rest = [name for name in names if name not in found]
    if rest:
        read = _read(saved, rest, population)
        stage_people(lake, population, as_of, read=read)
        found |= _everybody(lake, saved, rest, population, as_of, snapshot, bases)
    return found


def _read(
    saved: Mapping[str, Saved], names: Iterable[str], population: Population
) -> frozenset[str] | None:
    known = rules(saved)
    others = {other for name in names for other in reachable(known[name], known)}
    return columns_read([known[other] for other in others], population.traits)


def judge_people(
    lake: Lake,
    saved: Mapping[str, Saved],
    name: str,
    population: Population,
    as_of: datetime,
) -> Judged:
    """Judge a staged population by one segment."""
    basis = {name: basis_of(saved, name, population)}
    given = population, as_of, lake.snapshot(), basis
    return _everybody(lake, saved, [name], *given)[name]


def basis_of(saved: Mapping[str, Saved], name: str, population: Population) -> str:
    """Return a fingerprint of all that decides membership, but for data and time."""
    known = rules(saved)
    others = sorted(reachable(known[name], known))
    read = uses({other: known[other] for other in others}, population.traits)
    computed = {use.used for use in read if use.uses == "trait"}
    defined = {trait.name for trait in population.traits}
    types = population.attributes.items()
    return fingerprint(
        _version(),
        [(other, saved[other].version) for other in others],
        {name: type_ for name, type_ in types if name not in defined},
        dict(population.typed_properties),
        [repr(trait) for trait in population.traits if trait.name in computed],
    )


@cache
def _version() -> str:
    """Return that of dmp: it is read from a file each time that it is asked for."""
    return version("dmp")


def _kept(lake: Lake, bases: Mapping[str, str], as_of: datetime) -> dict[str, _Kept]:
    """Return the newest evaluations, of those that can be built on."""
    rows = lake.rows(
        "select segment, as_of, snapshot, basis, people, conditions::varchar "
        "from segment.result qualify row_number() over ("
        "partition by segment order by as_of desc, computed_at desc) = 1"
    )
    found = {}
    readable = snapshots(lake)
    for segment, then, snapshot, basis, people, conditions in rows:
        base = Base(then, snapshot)
        usable = basis == bases.get(segment) and then <= as_of
        if usable and snapshot in readable:
            counts = tuple((path, n) for path, n in json.loads(conditions))
            found[segment] = _Kept(base, counts, people)
    return found


def _grouped(kept: Mapping[str, _Kept]) -> dict[Base, list[str]]:
    groups: dict[Base, list[str]] = {}
    for name, one in kept.items():
        groups.setdefault(one.base, []).append(name)
    return groups


@dataclass(frozen=True)
class _Since:
    """A build on evaluations of one instant and snapshot.

    Attributes:
        touched: the scratch table of those to judge again.
    """

    lake: Lake
    saved: Mapping[str, Saved]
    population: Population
    base: Base
    as_of: datetime
    snapshot: int
    touched: str

    @cached_property
    def changed(self) -> Changes:
        """What changed in the lake since."""
        return changes(self.lake, self.base.snapshot, self.snapshot)

    def judged(
        self, kept: Mapping[str, _Kept], bases: Mapping[str, str]
    ) -> dict[str, Judged]:
        """Return the segments that can be built on; the others need everybody."""
        known = rules(self.saved)
        chosen = [known[name] for name in kept]
        traits = self.population.traits
        gone = turning(chosen, known, self.base.as_of, self.as_of, traits)
        names = [name for name in kept if name not in gone.everybody]
        if not names:
            return {}
        people = kept[names[0]].people
        if self.changed.of(*PEOPLE):
            people = _people(self.lake)
        touched = self._stage_touched(gone, names)
        if touched.pairs * 2 > people * len(names):
            return {}
        chosen = [known[name] for name in names if name in touched.segments]
        shift = self._shift(chosen, known, touched) if chosen else {}
        return {
            name: Judged(
                *self._members(name, shift.get(name), touched),
                people,
                _moved(kept[name].conditions, shift.get(name)),
                self.snapshot,
                bases[name],
                touched.people,
            )
            for name in names
        }

    def _stage_touched(self, gone: Turning, names: Sequence[str]) -> Touched:
        if self.as_of == self.base.as_of and not self.changed.kinds:
            return nobody(names)
        population = self.population
        if gone.attributes:
            population = plain_people(self.lake, population)
        given = self.base, self.changed, gone, population, names
        return stage_touched(self.lake, self.touched, *given)

    def _shift(
        self, chosen: Sequence[Segment], known: Mapping[str, Segment], touched: Touched
    ) -> dict[str, _Shift]:
        """Judge the touched as they are and as they were.

        As they were only where members do not tell it: a rule of one condition admits
        just them.
        """
        ends = self.as_of, self.base.as_of
        given = self.lake, touched, chosen, known, self.base.as_of, self.as_of
        rows = TouchedRows(*given, self.changed)
        ids = [one.id for one in chosen]
        populations = rows.populations(
            self._stage_people(ids, self.as_of, "now"),
            self._stage_people(ids, self.base.as_of, "then", self.base.snapshot),
        )
        joined = [one for one in chosen if not isinstance(one.rule, Leaf)]
        after, before = (
            Judging(self.lake, some, known, population, at, touched).truths()
            for some, population, at in zip(
                (chosen, joined), populations, ends, strict=True
            )
        )
        stayed = self._stayed(ids, touched)
        return {
            id_: _Shift(
                members,
                counts,
                before[id_][1] if id_ in before else ((counts[0][0], stayed[id_]),),
            )
            for id_, (members, counts) in after.items()
        }

    def _stage_people(
        self, ids: Sequence[str], at: datetime, name: str, snapshot: int | None = None
    ) -> Population:
        """Stage the touched with what some segments read of them."""
        among = Among(self.touched, f"{self.touched}_{name}", snapshot)
        traits = self.population.traits
        population = population_of(self.lake, at, among, traits=traits)
        read = _read(self.saved, ids, population)
        stage_people(self.lake, population, at, among, read=read)
        return population

    def _stayed(self, ids: Sequence[str], touched: Touched) -> dict[str, int]:
        """Count the members so far of segments, of those touched for each."""
        masks = touched.masks
        bits = zip(*(masks.values({id_}) for id_ in ids), strict=True)
        mine = columns(segment=ids, **dict(zip(masks.columns, bits, strict=True)))
        test = " or ".join(f"(t.{m} & b.{m}) <> 0" for m in masks.columns)
        rows = self.lake.rows(
            sql(
                "select segment, count(*) from segment.membership "
                "join {touched} as t using (profile_key) join ({mine}) as b "
                "using (segment) where left_at is null and ({test}) group by segment",
                touched=Name(touched.table),
                mine=mine,
                test=Query(test),
            )
        )
        return dict.fromkeys(ids, 0) | dict(rows)

    def _members(
        self, name: str, shift: _Shift | None, touched: Touched
    ) -> tuple[Query, Query, Query]:
        """Return the queries of members, of those judged anew, and of these people."""
        stays = sql(
            "select profile_key from segment.membership "
            "where segment = $segment and left_at is null",
            segment=name,
        )
        if shift is None:
            return stays, _NOBODY, _NOBODY
        among = sql(
            "select profile_key from {touched} where {mine}",
            touched=Name(touched.table),
            mine=Query(touched.is_of(name)),
        )
        members = sql(
            "select profile_key from ({stays}) where profile_key not in ({among}) "
            "union all ({anew})",
            stays=stays,
            among=among,
            anew=shift.members,
        )
        return members, shift.members, among


_NOBODY = Query("select profile_key from profile.profile where false")


@dataclass(frozen=True)
class _Shift:
    """Who of the touched are members; how many each condition admits, and admitted."""

    members: Query
    after: Counts
    before: Counts


def _moved(kept: Counts, shift: _Shift | None) -> Counts:
    if shift is None:
        return kept
    changes = zip(kept, shift.after, shift.before, strict=True)
    return tuple((path, n + more - less) for (path, n), (_, more), (_, less) in changes)


def _everybody(
    lake: Lake,
    saved: Mapping[str, Saved],
    names: Sequence[str],
    population: Population,
    as_of: datetime,
    snapshot: int,
    bases: Mapping[str, str],
) -> dict[str, Judged]:
    known, people = rules(saved), _people(lake)
    chosen = [known[name] for name in names]
    return {
        name: Judged(members, members, None, people, conditions, snapshot, bases[name])
        for name, (members, conditions) in Judging(
            lake, chosen, known, population, as_of
        )
        .truths()
        .items()
    }


def _people(lake: Lake) -> int:
    return int(
        lake.value(
            "select count(*) from profile.profile as p "
            "join identity.profile as i using (profile_key) where p.valid_to is null"
        )
    )
