"""Subjects that a test makes up, with what they share and what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from dmp.core.sql import Query
from dmp.identity.basis import Basis
from dmp.identity.model import LinkageModel
from dmp.identity.resolve import Resolution, resolve
from dmp.identity.settings import IdentifierRule, IdentitySettings
from dmp.privacy import PseudonymKey, Vault
from dmp.storage.lake import Lake
from dmp.storage.write import append, change, commit

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
KEY = PseudonymKey(1, bytes(range(32)))
SETTINGS = IdentitySettings(
    identifiers={
        "email": IdentifierRule(weight_bits=10, max_subjects=3),
        "phone": IdentifierRule(weight_bits=6, max_subjects=3),
        "cookie": IdentifierRule(weight_bits=14, max_subjects=10, joins="device"),
    }
)


@dataclass
class People:
    """Subjects that a test makes up, and the runs that resolve them."""

    lake: Lake
    vault: Vault
    settings: IdentitySettings = SETTINGS
    model: LinkageModel | None = None
    runs: int = 0
    clock: datetime = field(default=BEGIN)

    def tick(self) -> datetime:
        self.clock += timedelta(hours=1)
        return self.clock

    def add(self, *subjects: int, kind: str = "record", source: str = "crm") -> None:
        rows = " union all ".join(
            f"select {subject}::bigint as subject_id, '{source}' as source, "
            f"'{kind}' as kind, 'load' as load_id, now() as first_seen_at"
            for subject in subjects
        )
        commit(self.lake, [append("identity.subject", Query(rows))], message="add")

    def share(
        self,
        type_: str,
        token: str,
        subjects: Sequence[int],
        *,
        encoding: str = "plain",
        observations: Sequence[int] = (),
    ) -> None:
        seen = observations or [1] * len(subjects)
        rows = " union all ".join(
            f"select {subject}::bigint as subject_id, 'public' as namespace, "
            f"'{type_}' as type, '{encoding}' as encoding, '{token}' as token, "
            f"'crm' as source, 'load-{token}' as load_id, now() as first_seen_at, "
            f"now() as last_seen_at, {n}::bigint as observations"
            for subject, n in zip(subjects, seen, strict=True)
        )
        commit(self.lake, [append("identity.identifier", Query(rows))], message="share")

    def describe(self, load_id: str, rows: Mapping[int, Mapping[str, str]]) -> None:
        """Add a version of the record of each subject: fields to clear values."""
        names = sorted({name for fields in rows.values() for name in fields})
        cells = {n: [fields.get(n) for fields in rows.values()] for n in names}
        texts = {name: pa.array(values, pa.string()) for name, values in cells.items()}
        subjects = pa.array(list(rows), pa.int64())
        self.vault.write(load_id, pa.table({"subject_id": subjects, **texts}))
        staged = Query(
            "select unnest($ids::bigint[]) as subject_id, 'crm' as source, "
            "$load as load_id, $at::timestamptz as recorded_at, "
            "unnest($tokens::varchar[]) as content_token",
            {
                "ids": list(rows),
                "load": load_id,
                "at": self.tick(),
                "tokens": [repr(sorted(fields.items())) for fields in rows.values()],
            },
        )
        commit(self.lake, [append("core.record", staged)], message="describe")

    def erase(self, table: str, *subjects: int) -> None:
        """Delete the rows of subjects from a table."""
        gone = Query(
            f"delete from {table} where subject_id in (select unnest($ids::bigint[]))",
            {"ids": list(subjects)},
        )
        commit(self.lake, [change(table, gone)], message="erase")

    def decide(self, decision: str, left: int, right: int) -> None:
        row = Query(
            "select $l::bigint as subject_id_l, $r::bigint as subject_id_r, "
            "$d as decision, 'u_test' as actor, $at::timestamptz as decided_at",
            {
                "l": min(left, right),
                "r": max(left, right),
                "d": decision,
                "at": self.tick(),
            },
        )
        commit(self.lake, [append("identity.decision", row)], message="decide")

    def resolve(self, *, full: bool = False) -> Resolution:
        self.runs += 1
        return resolve(
            self.lake,
            self.vault,
            Basis(self.settings, self.model, KEY),
            run_id=f"run{self.runs}",
            now=self.tick(),
            actor="u_test",
            full=full,
        )

    def ids(self) -> dict[int, str]:
        rows = self.lake.rows(
            "select subject_id, profile_id from identity.assignment "
            "join identity.profile using (profile_key) where valid_to is null"
        )
        return dict(rows)

    def groups(self) -> set[frozenset[int]]:
        ids = self.ids()
        return {
            frozenset(s for s, other in ids.items() if other == one)
            for one in ids.values()
        }

    def changes(self) -> list[tuple[str, int]]:
        return self.lake.rows(
            "select action, subjects from identity.change where run_id = $run "
            "order by action, subjects",
            run=f"run{self.runs}",
        )

    def causes(self) -> list[tuple[str, str | None]]:
        """Every change so far with its cause, in the order of the runs."""
        return self.lake.rows(
            "select action, cause from identity.change order by changed_at, action"
        )
