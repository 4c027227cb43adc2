"""A resolve run: from evidence to lasting profiles, in one commit."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from dmp.core.config import fingerprint
from dmp.core.sql import Query, sql
from dmp.identity.basis import Basis
from dmp.identity.clusters import GuardRails
from dmp.identity.evidence import stage_evidence
from dmp.identity.frequencies import are_frozen, freeze
from dmp.identity.history import history_writes
from dmp.identity.inner_pairs import stage_compared_clusters
from dmp.identity.lasting_ids import stage_profile_ids
from dmp.identity.records import stage_linkage_records
from dmp.identity.scope import Scope, stage_everybody, stage_scope
from dmp.identity.seen import digest_of_all, seen_writes, stage_digests
from dmp.identity.signals import stage_rules
from dmp.privacy import Vault
from dmp.storage.lake import Lake
from dmp.storage.lock import fair_lock
from dmp.storage.write import append, commit

_LOG = logging.getLogger(__name__)
_LOCK_TIMEOUT_S = 3600.0


@dataclass(frozen=True)
class Resolution:
    """What a resolve run saw and gave.

    `is_new` is False where nothing had changed since the last run: nothing was
    computed or written, and the rest is that run's.

    Attributes:
        subjects: how many there are, looked at or not; `profiles` likewise.
        deterministic_edges: of the subjects looked at; so are `scored_pairs` and
            `refused_joins`.
        looked_at: subjects whose evidence was weighed and whose cluster was made.
        is_full: everybody was looked at, whatever had changed.
        dropped_edges: of the subjects looked at, edges that a limit on what a profile
            holds dropped, by the type of identifier.
    """

    run_id: str
    is_new: bool
    generation: int
    model: str
    subjects: int
    profiles: int
    deterministic_edges: int
    scored_pairs: int
    blocked_values: int
    refused_joins: int
    largest_clusters: tuple[int, ...]
    founded: int
    merged: int
    revived: int
    looked_at: int
    is_full: bool
    dropped_edges: Mapping[str, int] = field(default_factory=dict)


def resolve(
    lake: Lake,
    vault: Vault,
    basis: Basis,
    *,
    run_id: str,
    now: datetime,
    actor: str,
    full: bool = False,
) -> Resolution:
    """Join subjects into profiles and give each profile its lasting id.

    Reads `identity.identifier`, `identity.subject`, `identity.decision`, `core.record`
    and, where there is a model, the vault. Writes `identity.assignment`,
    `identity.profile`, `identity.edge`, `identity.change`, `identity.resolution`,
    `identity.seen_subject` and `identity.blocked_value`. With the settings and the
    model of the last run only what changed and its surroundings are looked at, with
    the outcome of a full run; with its inputs too, nothing is written. One process at
    a time resolves.

    Args:
        full: look at everybody, whether or not anything changed.

    Raises:
        UsageError: blocking rules or identifiers would make too many pairs; nothing
            was written.
    """
    with fair_lock(lake.root / "resolve-lock", timeout_s=_LOCK_TIMEOUT_S):
        stage_rules(lake, basis.settings, now)
        stage_digests(lake)
        digest = fingerprint(digest_of_all(lake), basis.fingerprint)
        last = _last_resolution(lake)
        if last and last["input_fingerprint"] == digest and not full:
            return Resolution(**{**json.loads(last["report"]), "is_new": False})
        _freeze_frequencies(lake, vault, basis)
        is_same = last is not None and last["basis_fingerprint"] == basis.fingerprint
        narrow = is_same and not full
        scope = stage_scope(lake, vault, basis) if narrow else stage_everybody(lake)
        stage_evidence(lake, vault, basis)
        rails = stage_compared_clusters(lake, basis)
        generation = int(last["generation"]) + 1 if last else 1
        stage_profile_ids(lake, generation=generation)
        _stage_assignment(lake)
        report = _report(lake, scope, rails, basis, run_id, generation)
        writes = history_writes(
            lake,
            scope.edges,
            run_id=run_id,
            generation=generation,
            model=report.model,
            now=now,
            actor=actor,
            is_same_basis=is_same,
        )
        row = _resolution_row(report, digest, basis.fingerprint, now)
        seen = seen_writes(lake, scope.untouched)
        commit(
            lake,
            [*writes, *seen, append("identity.resolution", row)],
            message=f"resolve {run_id}",
        )
    _LOG.info("resolved run_id=%s looked_at=%d", run_id, report.looked_at)
    return report


def _freeze_frequencies(lake: Lake, vault: Vault, basis: Basis) -> None:
    """Freeze what a model that was trained elsewhere did not bring along."""
    if basis.linkage and not are_frozen(lake, basis.linkage[0]):
        model, settings = basis.linkage
        stage_linkage_records(lake, vault, settings)
        freeze(lake, model, basis.key)


def _last_resolution(lake: Lake) -> dict[str, Any] | None:
    rows = lake.records(
        "select generation, input_fingerprint, basis_fingerprint, report "
        "from identity.resolution order by generation desc limit 1"
    )
    return rows[0] if rows else None


def _stage_assignment(lake: Lake) -> None:
    lake.stage(
        "new_assignment",
        "select subject_id, component_id, profile_key "
        "from new_cluster join profile_of using (cluster_id)",
    )
    lake.stage(
        "moved",
        "select n.* from new_assignment as n left join identity.assignment as a "
        "on a.subject_id = n.subject_id and a.valid_to is null "
        "where (a.profile_key, a.component_id) is distinct from "
        "(n.profile_key, n.component_id)",
    )


def _report(
    lake: Lake,
    scope: Scope,
    rails: GuardRails,
    basis: Basis,
    run_id: str,
    generation: int,
) -> Resolution:
    def count(what: str) -> int:
        return int(lake.value(f"select count(*) from {what}"))

    _stage_sizes(lake, scope)
    largest = lake.rows("select subjects from profile_size order by 1 desc limit 5")
    return Resolution(
        run_id=run_id,
        is_new=True,
        generation=generation,
        model=basis.model_name,
        subjects=count("subject_digest"),
        profiles=count("profile_size"),
        deterministic_edges=count("deterministic_edge"),
        scored_pairs=count("scored_pair"),
        blocked_values=count("blocked_value"),
        refused_joins=rails.refused_joins,
        dropped_edges=rails.dropped_edges,
        largest_clusters=tuple(size for (size,) in largest),
        founded=count("profile_of where action = 'founded'"),
        merged=count("merged"),
        revived=count("profile_of where action = 'revived'"),
        looked_at=scope.subjects,
        is_full=scope.is_full,
    )


def _stage_sizes(lake: Lake, scope: Scope) -> None:
    """Stage `profile_size`: subjects of each profile that stands after the run."""
    lake.stage(
        "profile_size",
        sql(
            "select profile_key, count(*) as subjects from ("
            "select profile_key from new_assignment union all "
            "select profile_key from identity.assignment "
            "where valid_to is null and {untouched} and subject_id in "
            "(select subject_id from subject_digest)) group by profile_key",
            untouched=scope.untouched,
        ),
    )


def _resolution_row(
    report: Resolution, digest: str, basis_fingerprint: str, now: datetime
) -> Query:
    return sql(
        "select $run_id as run_id, $generation as generation, "
        "$now::timestamptz as resolved_at, $model as model, "
        "$digest as input_fingerprint, $basis as basis_fingerprint, "
        "$subjects as subjects, $profiles as profiles, $report::json as report",
        run_id=report.run_id,
        generation=report.generation,
        now=now,
        model=report.model,
        digest=digest,
        basis=basis_fingerprint,
        subjects=report.subjects,
        profiles=report.profiles,
        report=json.dumps(asdict(report)),
    )
