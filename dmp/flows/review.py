"""What the page Match review reads and does, for one viewer, over one workspace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from dmp.core.errors import UsageError
from dmp.core.sql import Query, sql
from dmp.flows.identity import merge_profiles, split_profile, undo_decision
from dmp.flows.labels import give_label, take_label_back
from dmp.flows.resolve import (
    current_model,
    identity_settings,
    linkage_key,
    resolve_people,
)
from dmp.flows.review_shapes import (
    MASK,
    WHOLE_NAME,
    AgreementRow,
    Asked,
    Bar,
    Cluster,
    Decided,
    FieldValues,
    Link,
    Node,
    Pair,
    PairView,
    Progress,
    Reviewer,
    Side,
)
from dmp.flows.workspace import Workspace
from dmp.identity import decisions, labels
from dmp.identity.agreement import Agreement, agreements
from dmp.identity.basis import Basis
from dmp.identity.labels import Verdict
from dmp.identity.questions import open_questions, questions
from dmp.identity.settings import LinkageSettings
from dmp.privacy import Permission
from dmp.privacy.roles import may
from dmp.storage.versions import newest_versions_sql

MOST_NODES = 40


class WorkspaceReview:
    """Pairs over the lake. Roles are checked at each call, never before."""

    def __init__(self, workspace: Workspace) -> None:
        """Read the settings alone.

        Raises:
            UsageError: `config/identity.yaml` has no linkage section.
        """
        self._workspace = workspace
        self._settings = identity_settings(workspace)

    @property
    def reviewer(self) -> Reviewer:
        """Who looks, and what their roles let them do."""
        caller = self._workspace.caller
        return Reviewer(
            caller.actor,
            may_read=may(caller, Permission.READ_CLEAR),
            may_label=may(caller, Permission.LABEL),
            may_resolve=may(caller, Permission.RESOLVE),
        )

    def queue(self, limit: int) -> list[Asked]:
        """Return the pairs most worth the viewer's time, best first."""
        self._workspace.allow_now(Permission.EXPLAIN)
        found = questions(
            self._workspace.lake,
            self._workspace.caller.actor,
            limit=limit,
            centre_bits=self._linkage.threshold_bits,
        )
        return [
            Asked(
                each.subject_id_l,
                each.subject_id_r,
                each.match_weight,
                each.is_one,
                each.at_stake,
                each.because,
            )
            for each in found
        ]

    def asked(self, pair: Pair) -> Asked:
        """Return a pair that somebody names, with the score of the last resolve run.

        Raises:
            UsageError: no run scored it.
        """
        self._workspace.allow_now(Permission.EXPLAIN)
        left, right = sorted(pair)
        rows = self._workspace.lake.rows(_SCORE, left=left, right=right)
        if not rows:
            raise UsageError(
                f"subjects {left} and {right} were not compared: no blocking rule "
                "brings them together"
            )
        weight, is_one, at_stake = rows[0]
        return Asked(left, right, weight, is_one, at_stake, "asked")

    def view(self, pair: Pair, *, clear: bool) -> PairView:
        """Return both sides of a pair; clear values only on demand, and logged.

        Raises:
            NotAllowed: the viewer may not explain; or not read clear values.
        """
        self._workspace.allow_now(Permission.EXPLAIN)
        if clear:
            self._workspace.allow_now(Permission.READ_CLEAR)
        sides = {row["subject_id"]: Side(**row) for row in self._members(pair)}
        values = self._values(pair)
        if clear:
            self._workspace.record("identity.review", subjects=list(pair))
        fields = [
            FieldValues(
                name,
                comparison,
                *(_shown(values[subject].get(name), clear) for subject in pair),
            )
            for name, comparison in _fields(self._linkage)
            if any(values[subject].get(name) for subject in pair) or name != WHOLE_NAME
        ]
        return PairView((sides[pair[0]], sides[pair[1]]), tuple(fields), clear)

    def waterfalls(self, pairs: Sequence[Pair]) -> dict[Pair, tuple[Bar, ...]]:
        """Return how the score of each pair comes about; levels, no values."""
        from dmp.identity.waterfall import waterfalls

        self._workspace.allow_now(Permission.EXPLAIN)
        workspace = self._workspace
        model = current_model(workspace, self._settings)
        basis = Basis(self._settings, model, linkage_key(workspace))
        return {
            (one.subject_id_l, one.subject_id_r): tuple(
                Bar(step.what, step.level, step.match_weight) for step in one.steps
            )
            for one in waterfalls(workspace.lake, workspace.vault, basis, pairs)
        }

    def cluster(self, pair: Pair) -> Cluster:
        """Return the one or two profiles of a pair, at most forty subjects of them."""
        self._workspace.allow_now(Permission.EXPLAIN)
        lake = self._workspace.lake
        rows = lake.records(_NODES, left=pair[0], right=pair[1])
        group: dict[str, int] = {}
        for row in rows:
            group.setdefault(row["profile_id"], len(group))
        nodes = [Node(**row, group=group[row["profile_id"]]) for row in rows]
        drawn = [node.subject_id for node in nodes[:MOST_NODES]]
        links = [Link(**row) for row in lake.records(_LINKS, subjects=drawn)]
        return Cluster(
            tuple(nodes[:MOST_NODES]), tuple(links), max(len(nodes) - MOST_NODES, 0)
        )

    def judge(self, pair: Pair, verdict: Verdict) -> str:
        """Keep the viewer's verdict; return the label's id."""
        return give_label(self._workspace, *pair, verdict).label_id

    def take_back(self, label_id: str) -> None:
        """Take back a label of the viewer's."""
        take_label_back(self._workspace, label_id)

    def merge(self, pair: Pair, reason: str) -> str:
        """Decide that the profiles of a pair are one person; return the decision."""
        profiles = [side["profile_id"] for side in self._members(pair)]
        return merge_profiles(self._workspace, profiles, reason=reason).decision_id

    def split(self, profile: str, part: Sequence[int], reason: str) -> str:
        """Decide that subjects of a profile are another person; return the decision."""
        return split_profile(self._workspace, profile, part, reason=reason).decision_id

    def undo(self, decision_id: str) -> None:
        """Take a merge or split back."""
        undo_decision(self._workspace, decision_id)

    def resolve(self) -> str:
        """Bring profiles up to date with what was decided; say what came of it."""
        found, _ = resolve_people(self._workspace)
        return (
            f"{found.profiles:,} people now: {found.merged:,} ids merged, "
            f"{found.founded:,} new, {found.revived:,} revived."
        )

    def decisions(self) -> list[Decided]:
        """Return the merges and splits, the newest first."""
        self._workspace.allow_now(Permission.EXPLAIN)
        lake = self._workspace.lake
        last = lake.value("select max(resolved_at) from identity.resolution")
        changed = dict(
            lake.rows(
                "select decision_id, max(decided_at) from identity.decision group by 1"
            )
        )
        return [
            Decided(
                each.decision_id,
                each.action,
                each.pairs,
                each.reason,
                each.actor == self._workspace.caller.actor,
                each.is_withdrawn,
                last is not None and changed[each.decision_id] < last,
            )
            for each in decisions.decisions(lake)
        ]

    def progress(self) -> Progress:
        """Return how far the labelling is, and how far reviewers agree."""
        self._workspace.allow_now(Permission.EXPLAIN)
        lake, me = self._workspace.lake, self._workspace.caller.actor
        given = labels.labels(lake)
        mine = Counter(label.verdict for label in given if label.reviewer == me)
        return Progress(
            {verdict: mine[verdict] for verdict in labels.VERDICTS},
            len(given),
            len({label.reviewer for label in given}),
            open_questions(lake),
            tuple(_agreement(each, me) for each in agreements(lake)),
        )

    @property
    def _linkage(self) -> LinkageSettings:
        if self._settings.linkage is None:
            raise UsageError(
                "config/identity.yaml has no linkage section, so no pair is scored and "
                "there is nothing to review"
            )
        return self._settings.linkage

    def _members(self, pair: Pair) -> list[dict[str, Any]]:
        rows = self._workspace.lake.records(_MEMBERS, left=pair[0], right=pair[1])
        if len(rows) < 2:
            raise UsageError("one of the two subjects is not there any more")
        return rows

    def _values(self, pair: Pair) -> dict[int, dict[str, str | None]]:
        """Return the newest clear values of both, by field."""
        wanted = Query(
            "r.subject_id in ($left, $right)", {"left": pair[0], "right": pair[1]}
        )
        versions = self._workspace.lake.sql(
            sql(
                "select subject_id, load_id from ({newest}) order by subject_id",
                newest=newest_versions_sql(wanted),
            )
        ).to_arrow_table()
        names = [name for name, _ in _fields(self._linkage)]
        rows = self._workspace.vault.read(versions, names).to_pylist()
        return {subject: {} for subject in pair} | {
            row["subject_id"]: row for row in rows
        }


def _fields(settings: LinkageSettings) -> list[tuple[str, str]]:
    """Return the whole name, then each compared field with its comparison."""
    found = [
        (name, "_".join(comparison.fields))
        for comparison in settings.comparisons
        for name in comparison.fields
    ]
    return [(WHOLE_NAME, ""), *found]


def _shown(value: str | None, clear: bool) -> str | None:
    return value if clear or not value else MASK


def _agreement(each: Agreement, me: str) -> AgreementRow:
    named = ["you" if name == me else name for name in (each.one, each.other)]
    if each.kappa is None or each.interval is None:
        kappa = "both said one thing throughout"
    else:
        low, high = each.interval
        kappa = f"{each.kappa:.2f} ({low:.2f} to {high:.2f})"
    return AgreementRow(" and ".join(named), each.pairs, each.agreed, kappa)


_PLACED = """
select s.subject_id, s.source, s.kind, p.profile_id
from identity.subject as s
join identity.assignment as a on a.subject_id = s.subject_id and a.valid_to is null
join identity.profile as p using (profile_key)
"""
_MEMBERS = f"""
{_PLACED} where s.subject_id in ($left, $right) order by s.subject_id
"""
_NODES = """
with home as (
    select distinct profile_key from identity.assignment
    where valid_to is null and subject_id in ($left, $right)
), member as (
    select a.subject_id, a.profile_key
    from identity.assignment as a semi join home using (profile_key)
    where a.valid_to is null
)
select s.subject_id, s.source, s.kind, p.profile_id
from member as m
join identity.subject as s using (subject_id)
join identity.profile as p using (profile_key)
order by subject_id not in ($left, $right), subject_id <> $left, subject_id
"""
_LINKS = """
with drawn as (select unnest($subjects::bigint[]) as subject_id)
select subject_id_l, subject_id_r, kind, type, match_weight as bits, is_used
from identity.edge
where subject_id_l in (from drawn) and subject_id_r in (from drawn)
order by subject_id_l, subject_id_r, kind
"""
_SCORE = """
with placed as (
    select subject_id, profile_key, count(*) over (partition by profile_key) as n
    from identity.assignment where valid_to is null
)
select e.match_weight, l.profile_key = r.profile_key,
    case when l.profile_key = r.profile_key then l.n else l.n * r.n end
from identity.edge as e
join placed as l on l.subject_id = e.subject_id_l
join placed as r on r.subject_id = e.subject_id_r
where e.kind = 'probabilistic' and e.subject_id_l = $left and e.subject_id_r = $right
"""
