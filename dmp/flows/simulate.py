"""See what other identity settings or another model would change, before they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dmp.core.config import parse, read_yaml
from dmp.flows.population import saved_traits
from dmp.flows.resolve import (
    current_model,
    identity_settings,
    linkage_key,
    profile_settings,
)
from dmp.flows.segments import saved_segments
from dmp.flows.workspace import Workspace
from dmp.identity.basis import Basis
from dmp.identity.frequencies import inherit
from dmp.identity.judged import LabelScores, labelled_edges
from dmp.identity.linkage import train
from dmp.identity.model import LinkageModel, read_model, require_fit
from dmp.identity.profiles import build_profiles
from dmp.identity.records import stage_linkage_records
from dmp.identity.resolve import Resolution, resolve
from dmp.identity.settings import IdentitySettings
from dmp.privacy import Permission, encrypted_spill
from dmp.segments import build
from dmp.segments.population import workspace_population
from dmp.segments.rule import Computed
from dmp.storage.fork import forked
from dmp.storage.lake import Lake

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dmp.segments.saved import Saved

_EXAMPLES = 10


@dataclass(frozen=True)
class AudienceChange:
    """How one segment would change.

    Attributes:
        before: its members as things stand.
        after: its members under the simulated settings.
        entered: people who would be in it and are not.
        left: people who are in it and would not be.
        merged: members who would become one with another member.
            before - merged - left + entered = after.
    """

    segment: str
    before: int
    after: int
    entered: int
    left: int
    merged: int


@dataclass(frozen=True)
class IdChange:
    """One merge or split that would happen, by profile ids."""

    action: str
    profile_id: str
    other_profile_id: str
    subjects: int


@dataclass(frozen=True)
class Simulation:
    """What a resolve run with other settings would do; nothing was written.

    Attributes:
        is_same: the run would change nothing.
        people_before: standing profiles now; `people_after` then.
        merged: ids that would become aliases.
        split: ids that would lose subjects to another id.
        moved_subjects: subjects that would change their profile.
        largest_before: subjects of the five largest profiles now, then as
            `largest_after`.
        people_moved: people who would enter or leave some saved segment, each once.
        audiences: every saved segment.
        examples: the largest merges and splits, at most ten.
        labels_before: how the labelled pairs fare now, then as `labels_after`; None
            where nobody labelled scored pairs.
    """

    model: str
    is_same: bool
    people_before: int
    people_after: int
    merged: int
    split: int
    moved_subjects: int
    largest_before: tuple[int, ...]
    largest_after: tuple[int, ...]
    people_moved: int
    audiences: tuple[AudienceChange, ...]
    examples: tuple[IdChange, ...]
    labels_before: LabelScores | None = None
    labels_after: LabelScores | None = None


def simulate(
    workspace: Workspace,
    *,
    config: Path | IdentitySettings | None = None,
    model: Path | LinkageModel | None = None,
    retrain: bool = False,
) -> Simulation:
    """Resolve on a fork of the lake and say what would come out otherwise.

    Everything runs as it would for real: evidence, clusters, ids, profiles, segments.
    The fork is removed at the end; neither lake nor models change.

    Args:
        config: settings, or a file of the form of `config/identity.yaml`; None takes
            that file.
        model: a model, or the file of a kept one, `data/models/people/people-….json`;
            None takes the current. One whose weights were moved by hand weighs rarity
            as its parent does.
        retrain: train a model for the settings, for this simulation alone.

    Raises:
        ConfigInvalid: the settings have faults.
        UsageError: the model compares other fields than the settings name.
        NotAllowed: the caller may not train models.
    """
    workspace.allow(Permission.TRAIN)
    settings = _settings(workspace, config)
    now = workspace.clock()
    with _fork(workspace) as lake:
        chosen = _model(workspace, lake, settings, model, retrain, now)
        saved, traits = saved_segments(workspace), saved_traits(workspace)
        before = _census(lake), _audiences(lake, saved, traits, now)
        labels = labelled_edges(lake)
        scores = labels.scores(lake)
        resolution = resolve(
            lake,
            workspace.vault,
            Basis(settings, chosen, linkage_key(workspace)),
            run_id="simulation",
            now=now,
            actor=workspace.caller.actor,
        )
        build_profiles(lake, profile_settings(workspace), now=now)
        after = _census(lake), _audiences(lake, saved, traits, now)
        found = _compared(lake, resolution, before, after)
        return replace(found, labels_before=scores, labels_after=labels.scores(lake))


@dataclass(frozen=True)
class _Census:
    people: int
    largest: tuple[int, ...]


def _settings(
    workspace: Workspace, config: Path | IdentitySettings | None
) -> IdentitySettings:
    if config is None:
        return identity_settings(workspace)
    if isinstance(config, IdentitySettings):
        return config
    return parse(IdentitySettings, read_yaml(config), str(config))


def _model(
    workspace: Workspace,
    lake: Lake,
    settings: IdentitySettings,
    given: Path | LinkageModel | None,
    retrain: bool,
    now: datetime,
) -> LinkageModel | None:
    if settings.linkage is None:
        return None
    if retrain:
        stage_linkage_records(lake, workspace.vault, settings.linkage)
        return train(lake, settings.linkage, now=now)
    if given is None:
        return current_model(workspace, settings)
    model = given if isinstance(given, LinkageModel) else read_model(given)
    require_fit(model, settings.linkage)
    inherit(lake, model)
    return model


@contextmanager
def _fork(workspace: Workspace) -> Iterator[Lake]:
    scratch = workspace.paths.scratch
    original = workspace.lake
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as spills:

        def prepare(connection: DuckDBPyConnection) -> None:
            spills.enter_context(encrypted_spill(connection, scratch))

        with forked(original, scratch, prepare=prepare) as lake:
            yield lake


def _census(lake: Lake) -> _Census:
    sizes = lake.rows(
        "select count(*) as n from identity.assignment where valid_to is null "
        "group by profile_key order by n desc"
    )
    return _Census(len(sizes), tuple(size for (size,) in sizes[:5]))


def _audiences(
    lake: Lake,
    saved: Mapping[str, Saved],
    traits: Sequence[Computed],
    now: datetime,
) -> dict[str, set[int]]:
    population = workspace_population(lake, now, traits=traits)
    members = {}
    for name in saved:
        build.evaluate(lake, population, saved, name, now)
        rows = lake.rows("select profile_key from member")
        members[name] = {key for (key,) in rows}
    return members


def _compared(
    lake: Lake,
    resolution: Resolution,
    before: tuple[_Census, dict[str, set[int]]],
    after: tuple[_Census, dict[str, set[int]]],
) -> Simulation:
    changes = lake.records(_CHANGES)
    moved = lake.value(
        "select count(*) from identity.assignment as a where a.run_id = 'simulation' "
        "and exists (select 1 from identity.assignment as b where "
        "b.subject_id = a.subject_id and b.valid_to = a.valid_from "
        "and b.profile_key <> a.profile_key)"
    )
    audiences = [*_moves(before[1], after[1], _aliases(lake))]
    moved_people = {key for move in audiences for key in move.entered | move.left}
    return Simulation(
        model=resolution.model,
        is_same=not resolution.is_new or not (changes or moved),
        people_before=before[0].people,
        people_after=after[0].people,
        merged=sum(each["action"] == "merge" for each in changes),
        split=len({e["profile_id"] for e in changes if e["action"] == "split"}),
        moved_subjects=int(moved),
        largest_before=before[0].largest,
        largest_after=after[0].largest,
        people_moved=len(moved_people),
        audiences=tuple(move.change for move in audiences),
        examples=tuple(IdChange(**each) for each in changes[:_EXAMPLES]),
    )


@dataclass(frozen=True)
class _Move:
    """Who would enter and leave one segment, by the ids that would stand then."""

    change: AudienceChange
    entered: set[int]
    left: set[int]


def _moves(
    before: Mapping[str, set[int]],
    after: Mapping[str, set[int]],
    aliases: Mapping[int, int],
) -> Iterator[_Move]:
    for name, old in before.items():
        new = after[name]
        standing = {aliases.get(key, key) for key in old}
        entered, left = new - standing, standing - new
        change = AudienceChange(
            segment=name,
            before=len(old),
            after=len(new),
            entered=len(entered),
            left=len(left),
            merged=len(old) - len(standing),
        )
        yield _Move(change, entered, left)


def _aliases(lake: Lake) -> dict[int, int]:
    """Return each id that stands no more, with the one that it leads to."""
    into = dict(
        lake.rows(
            "select profile_key, alias_of from identity.profile "
            "where alias_of is not null"
        )
    )
    return {key: _last(key, into) for key in into}


def _last(key: int, into: Mapping[int, int]) -> int:
    while key in into:
        key = into[key]
    return key


_CHANGES = """
select c.action, p.profile_id, o.profile_id as other_profile_id, c.subjects
from identity.change as c
join identity.profile as p using (profile_key)
join identity.profile as o on o.profile_key = c.other_profile_key
where c.run_id = 'simulation' and c.action in ('merge', 'split')
order by c.subjects desc, c.action, p.profile_id, o.profile_id
"""
