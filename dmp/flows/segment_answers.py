"""What a service answers about segments: counts by role, pages, one person, drafts.

The numbers are those of `dmp.flows.segments`; here they are made fit for who asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dmp.core.cells import Cells
from dmp.core.errors import RuleInvalid, UsageError
from dmp.core.types import Evaluation
from dmp.flows.population import population_at
from dmp.flows.segments import saved_segments
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.privacy.roles import may
from dmp.segments import build, source
from dmp.segments.compiler import faults_in
from dmp.segments.explain import Explanation, explained
from dmp.segments.files import Opened
from dmp.segments.re2 import pattern_faults
from dmp.segments.saved import Saved, chosen, rules
from dmp.segments.sound import read_sound
from dmp.segments.sources import Population

DRAFT = "rule"


class UnknownProfile(UsageError):
    """No such profile was ever given."""


@dataclass(frozen=True)
class MemberPage:
    """Some members of a segment, by profile_id.

    Attributes:
        version: fingerprint of the rule that chose them.
        following: the profile_id after which the next page begins; None at the end.
    """

    segment: str
    version: str
    as_of: datetime
    snapshot: int
    profile_ids: tuple[str, ...]
    following: str | None


@dataclass(frozen=True)
class Stay:
    """One stored stay of a person in a segment."""

    entered_at: datetime
    left_at: datetime | None
    cause_entered: str
    cause_left: str | None


@dataclass(frozen=True)
class PersonIn:
    """Whether one person is in a segment.

    Attributes:
        profile_id: the standing id, also where a merged one was asked for.
        stays: what builds stored, oldest first.
    """

    segment: str
    version: str
    as_of: datetime
    snapshot: int
    profile_id: str
    is_member: bool
    stays: tuple[Stay, ...]


def cells_of(workspace: Workspace) -> Cells:
    """Return how the caller may see counts: exactly with the right to read rows."""
    exact = may(workspace.caller, Permission.READ_PSEUDONYMOUS)
    return Cells(workspace.settings.minimum_cell, exact)


def draft(workspace: Workspace, text: str) -> Saved:
    """Return a rule that is not saved, from its YAML or JSON text.

    Raises:
        RuleInvalid: every fault, of its form, or of what the lake does not have.
        NotAllowed: the caller may not count.
    """
    workspace.allow(Permission.COUNT)
    document = source.load(text, DRAFT)
    segment, faults = read_sound(document)
    known = rules(saved_segments(workspace))
    population = population_at(workspace, workspace.clock())
    faults += faults_in(segment, population, known)
    faults += pattern_faults(segment, _opened(workspace, population).rows)
    if faults:
        raise RuleInvalid(DRAFT, faults)
    assert isinstance(document, dict)
    return Saved(segment, document)


def count_draft(workspace: Workspace, text: str, as_of: datetime) -> Evaluation:
    """Evaluate a rule that is not saved, beside the saved ones; raises as `draft`."""
    one = draft(workspace, text)
    population = population_at(workspace, as_of)
    saved = {**saved_segments(workspace), one.segment.id: one}
    return build.evaluate(workspace.lake, population, saved, one.segment.id, as_of)


def members_page(
    workspace: Workspace,
    segment: str,
    as_of: datetime,
    *,
    after: str = "",
    limit: int,
) -> MemberPage:
    """Return the members that follow a profile_id, at most `limit`, in its order.

    Raises:
        NotAllowed: the caller lacks the analyst role.
        UnknownName: no such segment.
    """
    workspace.allow(Permission.READ_PSEUDONYMOUS)
    one = _stage_members(workspace, segment, as_of)
    found = workspace.lake.rows(
        "select profile_id from member join person using (profile_key) "
        "where profile_id > $after order by profile_id limit $limit",
        after=after,
        limit=limit + 1,
    )
    ids = tuple(profile_id for (profile_id,) in found[:limit])
    following = ids[-1] if len(found) > limit else None
    snapshot = workspace.lake.snapshot()
    return MemberPage(segment, one.version, as_of, snapshot, ids, following)


def person_in(
    workspace: Workspace, segment: str, profile_id: str, as_of: datetime
) -> PersonIn:
    """Return whether a person is in a segment at an instant, and the stored stays.

    Raises:
        NotAllowed: the caller lacks the analyst role.
        UnknownName: no such segment.
        UnknownProfile: no such profile was ever given.
    """
    workspace.allow(Permission.READ_PSEUDONYMOUS)
    one = _stage_members(workspace, segment, as_of)
    key, standing = _profile(workspace, profile_id)
    of = {"segment": segment, "key": key}
    is_member = workspace.lake.value(
        "select count(*) from member where profile_key = $key", key=key
    )
    stays = workspace.lake.rows(
        "select entered_at, left_at, cause_entered, cause_left "
        "from segment.membership where segment = $segment and profile_key = $key "
        "order by entered_at",
        **of,
    )
    return PersonIn(
        segment=segment,
        version=one.version,
        as_of=as_of,
        snapshot=workspace.lake.snapshot(),
        profile_id=standing,
        is_member=bool(is_member),
        stays=tuple(Stay(*stay) for stay in stays),
    )


def explain_segment(
    workspace: Workspace,
    segment: str,
    as_of: datetime,
    *,
    profile_id: str | None = None,
) -> Explanation:
    """Return a saved segment's SQL, each condition's people, and why one is in or out.

    Raises:
        NotAllowed: the caller may not explain.
        UnknownName: no such segment.
        UnknownProfile: no such profile was ever given.
    """
    workspace.allow(Permission.EXPLAIN)
    saved = saved_segments(workspace)
    one = chosen(saved, segment).segment
    population = population_at(workspace, as_of)
    if profile_id is not None:
        _, profile_id = _profile(workspace, profile_id)
    data = _opened(workspace, population)
    return explained(one, rules(saved), data, as_of, profile_id)


def disclosed(found: Evaluation, cells: Cells) -> dict[str, Any]:
    """Return the numbers of an evaluation as one viewer may see them; hidden is None.

    A reason or condition stays where its number is hidden.
    """
    return {
        "people": cells.shown(found.people),
        "members": cells.shown(found.members),
        "consented": cells.shown(found.consented),
        "after_exclusions": cells.shown(found.after_exclusions),
        "losses": [(*place, cells.shown(n)) for *place, n in found.losses],
        "conditions": [(path, cells.shown(n)) for path, n in found.conditions],
    }


def _stage_members(workspace: Workspace, segment: str, as_of: datetime) -> Saved:
    saved = saved_segments(workspace)
    one = chosen(saved, segment)
    population = population_at(workspace, as_of)
    build.stage_members(workspace.lake, population, one.segment, rules(saved), as_of)
    return one


def _profile(workspace: Workspace, profile_id: str) -> tuple[int, str]:
    """Return key and id of the standing profile that an id names, merged or not."""
    rows = workspace.lake.rows(_STANDING, profile_id=profile_id)
    if not rows:
        raise UnknownProfile(
            f"no profile {profile_id!r} was ever given; ids of profiles stand in "
            "identity.profile and in the members of a segment"
        )
    key, standing = rows[0]
    return int(key), str(standing)


def _opened(workspace: Workspace, population: Population) -> Opened:
    return Opened(workspace.lake.connection, population)


_STANDING = """
with recursive alias as (
    select profile_key, profile_id, alias_of from identity.profile
    where profile_id = $profile_id
    union all
    select p.profile_key, p.profile_id, p.alias_of
    from alias as a join identity.profile as p on p.profile_key = a.alias_of
)
select profile_key, profile_id from alias where alias_of is null
"""
