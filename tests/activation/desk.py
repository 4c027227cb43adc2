"""A resolved workspace from which audiences are sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sample_workspace import NOW, UNTIL

from dmp.activation.destinations import Destination
from dmp.activation.plan import Outcome
from dmp.activation.sync import sync
from dmp.core.sql import Query, quote_text
from dmp.core.types import Evaluation
from dmp.flows.activate import destinations
from dmp.flows.segments import saved_segments
from dmp.flows.workspace import Workspace
from dmp.privacy import Caller
from dmp.privacy.roles import as_sender
from dmp.segments import build
from dmp.segments.population import workspace_population
from dmp.storage.lake import Lake
from dmp.storage.write import append, commit

SEGMENT = "loyal_shoppers"


class Desk:
    """Sends `loyal_shoppers` to the warehouse, unless told otherwise."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.lake = workspace.lake
        self.home = workspace.paths.home
        self.warehouse = destinations(workspace)["warehouse"]

    def destination(self, **changes: Any) -> Destination:
        return self.warehouse.model_copy(update=changes)

    def evaluate(self, lake: Lake, at: datetime = NOW) -> Evaluation:
        population = workspace_population(lake, UNTIL)
        saved = saved_segments(self.workspace)
        return build.evaluate(lake, population, saved, SEGMENT, UNTIL, consent_at=at)

    def sync(
        self,
        destination: Destination | None = None,
        *,
        lake: Lake | None = None,
        sender: Caller | None = None,
        only: int | None = None,
        **options: Any,
    ) -> Outcome:
        """Evaluate and sync, as if the segment held but the first `only` people."""
        chosen = destination or self.warehouse
        over = lake or self.lake
        role = as_sender(
            self.workspace.caller, chosen.destination, self.warehouse.purpose
        )
        found = self.evaluate(over)
        if only is not None:
            first = "select * from consented_member order by all limit $n"
            over.stage("consented_member", first, n=only)
        return sync(
            over,
            self.workspace.vault,
            chosen,
            found,
            home=self.home,
            sender=sender or role,
            now=NOW,
            **options,
        )

    def file(self, destination: Destination | None = None) -> Path:
        settings = (destination or self.warehouse).file
        return self.home / settings.folder / f"{SEGMENT}.{settings.format}"

    def sent(self, destination: Destination | None = None) -> list[str]:
        """The values in the file, as DuckDB reads them back."""
        path = self.file(destination)
        reader = {".csv": "read_csv", ".parquet": "read_parquet", ".jsonl": "read_json"}
        rows = self.lake.rows(
            f"select * from {reader[path.suffix]}({quote_text(str(path))})"
        )
        return [value for (value,) in rows]

    def ledger(self, operation: str) -> list[str]:
        rows = self.lake.rows(
            "select destination_value from activation.ledger "
            "where operation = $o and status = 'accepted' order by 1",
            o=operation,
        )
        return [value for (value,) in rows]

    def subjects(self, values: Sequence[str]) -> list[int]:
        rows = self.lake.rows(
            "select distinct subject_id from activation.ledger "
            "where destination_value in (select unnest($values)) order by 1",
            values=list(values),
        )
        return [subject for (subject,) in rows]

    def values_of_holders(self, value: str) -> set[str]:
        """What was sent of everybody of whom `value` was sent, `value` too."""
        rows = self.lake.rows(
            "select distinct destination_value from activation.ledger "
            "where profile_key in (select profile_key from activation.ledger "
            "where destination_value = $v)",
            v=value,
        )
        return {sent for (sent,) in rows}

    def acknowledge(self, n: int) -> None:
        """Let the ledger hold `n` more identifiers, which are in no segment any more.

        They belong to somebody with consent.
        """
        rows = Query(
            "select destination, segment, subject_id, profile_key, "
            "sha256('gone' || r) as destination_value, operation, status, sync_id "
            "from (from activation.ledger order by all limit 1), range($n) as t(r)",
            {"n": n},
        )
        commit(self.lake, [append("activation.ledger", rows)], message="acknowledge")

    def withdraw(self, subjects: Sequence[int], at: datetime = NOW) -> None:
        rows = Query(
            "select unnest($s::bigint[]) as subject_id, 'email_marketing' as purpose, "
            "'denied' as status, $at::timestamptz as captured_at",
            {"s": list(subjects), "at": at},
        )
        commit(self.lake, [append("privacy.consent", rows)], message="withdraw")
