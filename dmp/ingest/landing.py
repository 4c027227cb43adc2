"""A load on its way: its accepted rows, its subjects, its faults.

Everything is staged in scratch, here and by `versions`, `identifiers`, `activity` and
`decisions`; `load` commits it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from dmp.core.errors import KeyMissing
from dmp.core.sql import Name, Query, quote_name, quote_text, sql
from dmp.ingest.contracts import Contract
from dmp.ingest.free_texts import mapped_row_sql, without_free_texts_sql
from dmp.privacy import PseudonymKey
from dmp.privacy.pseudonyms import subject_id_sql
from dmp.storage.data_files import stage_data_file
from dmp.storage.lake import Lake

LaterKeys = Callable[[int, int], Sequence[PseudonymKey]]
"""Given two versions, returns the keys after the first up to the second, in order."""


def _no_later_keys(after: int, upto: int) -> Sequence[PseudonymKey]:
    if upto > after:
        raise KeyMissing(f"no key of version {upto} was given for tokens")
    return ()


@dataclass(frozen=True)
class PseudonymKeys:
    """The keys by which values become pseudonyms at the door.

    All of the founding version: names of subjects, events and versions last. Tokens of
    identifiers are then brought to the version in use by `later`.
    """

    subject: PseudonymKey
    analytics: PseudonymKey
    content: PseudonymKey
    later: LaterKeys = _no_later_keys


@dataclass(frozen=True)
class Landing:
    """One load on its way: what is staged for it, and under which names and keys.

    Attributes:
        replay_of: the load whose refused rows these are; empty for a file.
        folder: where files are staged; they last as long as the load.
        blocked: type of identifier to the patterns of values that identify nobody.
    """

    lake: Lake
    contract: Contract
    keys: PseudonymKeys
    load_id: str
    loaded_at: datetime
    folder: Path
    replay_of: str = ""
    blocked: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def origin(self) -> Query:
        """The columns that say where a row came from."""
        return sql(
            "$source as source, $load_id as load_id",
            source=self.contract.source,
            load_id=self.load_id,
        )

    def stage_file(self, name: str, query: Query) -> Name:
        """Stage rows in a file that their table in the lake takes over."""
        return stage_data_file(self.lake, name, query, self.folder)

    def has_repeated_subjects(self) -> bool:
        """Say whether any subject has more rows than one; asks `subject_key`."""
        return bool(
            self.lake.value("select exists (from subject_key where n_rows > 1)")
        )

    def count(self, table: Name) -> int:
        """Return how many rows are staged under a name."""
        return int(self.lake.value(sql("select count(*) from {t}", t=table)))

    def has_any(self, table: Name) -> bool:
        """Say whether any row is staged under a name."""
        return bool(self.lake.value(sql("select exists (from {t})", t=table)))


def with_subject_ids(landing: Landing, typed: Query) -> Query:
    """Return the select of typed rows with the `subject_id` of each.

    Of records only, which mostly are of a subject each: nothing is left to be joined,
    and `row_at` is all that counts of their instants.
    """
    if _has_many_rows_each(landing.contract):
        return typed
    subject_id = subject_id_sql(landing.keys.subject, landing.contract.source, _WHO)
    return sql(
        "select {subject_id} as subject_id, * "
        "exclude (subject_key, received_at, claimed_at) from ({typed})",
        subject_id=subject_id,
        typed=typed,
    )


def stage_accepted(landing: Landing) -> Name:
    """Stage `subject_key`; show of `typed_row` what is not refused, with subjects.

    `subject_key` has one row a subject, with how many rows are about it, `n_rows`.
    `mapped_row` has each free text as it is stored, `accepted_row` has no free text.
    """
    lake, contract = landing.lake, landing.contract
    accepted = _stage_subject_keys(landing)
    lake.view("mapped_row", mapped_row_sql(contract, accepted))
    return lake.view("accepted_row", without_free_texts_sql(contract, accepted))


def _stage_subject_keys(landing: Landing) -> Query:
    """Stage `subject_key`; return the select of accepted rows with subjects."""
    lake, source = landing.lake, landing.contract.source
    if not _has_many_rows_each(landing.contract):
        lake.stage("subject_key", _ROWS_OF_SUBJECTS.format(key="subject_id"))
        return Query("select * from typed_row where not is_refused")
    rows = _ROWS_OF_SUBJECTS.format(key="subject_key")
    lake.stage(
        "subject_key",
        sql(
            "select *, {subject_id} as subject_id from ({rows})",
            subject_id=subject_id_sql(landing.keys.subject, source, _WHO),
            rows=Query(rows),
        ),
    )
    return Query(_ACCEPTED)


def _has_many_rows_each(contract: Contract) -> bool:
    return contract.event is not None or contract.transaction is not None


_WHO = Query("subject_kind || ':' || subject_key")
_ROWS_OF_SUBJECTS = """
select subject_kind, {key}, count(*) as n_rows from typed_row
where not is_refused group by subject_kind, {key}
"""
_ACCEPTED = """
select k.subject_id, m.* from typed_row as m
join subject_key as k using (subject_kind, subject_key) where not m.is_refused
"""


def stage_subjects(landing: Landing) -> Name:
    """Stage `new_subject`: rows for `identity.subject` that it does not hold yet."""
    return landing.lake.stage(
        "new_subject",
        sql(
            """
            select subject_id, $source as source, subject_kind as kind,
                $load_id as load_id, $at::timestamptz as first_seen_at
            from subject_key
            where subject_id not in (select subject_id from identity.subject)
            """,
            source=landing.contract.source,
            load_id=landing.load_id,
            at=landing.loaded_at,
        ),
    )


def stage_refused(landing: Landing, file_name: str) -> Name:
    """Stage `new_refused`: one row a fault, of refused rows and of dropped values.

    Reads `typed_row`, `rejected_row` and `blocked_identifier`.
    """
    return landing.lake.stage(
        "new_refused",
        sql(
            """
            with fault as (
                select line, unnest(faults, recursive := true) from typed_row
                where len(faults) > 0
                union all by name
                select line, '' as field, 'refused' as action, reason,
                    'a row of the form that the contract describes' as expected,
                    null::varchar as masked_value
                from rejected_row
                union all by name
                from blocked_identifier
            )
            select {origin}, $file as file_name, line, field, action, reason, expected,
                masked_value, $at::timestamptz as refused_at,
                null::varchar as replayed_by, ordinal
            from fault left join row_ordinal using (line) order by line, field
            """,
            origin=landing.origin,
            file=file_name,
            at=landing.loaded_at,
        ),
    )


def struct_of(columns: dict[str, str]) -> Query:
    """Return a struct of the columns, with the null field that every struct has."""
    cells = [f"{quote_text(name)}: {quote_name(c)}" for name, c in columns.items()]
    return Query("{'_': null::boolean" + "".join(f", {cell}" for cell in cells) + "}")
