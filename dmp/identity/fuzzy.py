"""Whom one record resembles: a look-up that holds the clear values in memory.

It is for a service that asks all day under the role matcher. What it holds is what the
lake and the vault held when it was read, and is gone with the process.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dmp.core.errors import UsageError
from dmp.core.sql import Query, quote_name, sql
from dmp.identity.basis import Basis
from dmp.identity.blocking import column_sql
from dmp.identity.frequencies import (
    Frequencies,
    freeze,
    frequency_token,
    frozen,
    records_with_frequencies,
    stage_frequencies,
)
from dmp.identity.lookup import lake_state
from dmp.identity.model import LinkageModel
from dmp.identity.records import (
    clear_fields,
    normal_record_sql,
    stage_linkage_records,
)
from dmp.identity.scoring import weight_sql
from dmp.identity.settings import LinkageSettings
from dmp.privacy import PseudonymKey, Vault
from dmp.storage.lake import Lake
from dmp.storage.scratch import Scratch

MOST_COMPARED = 20_000


@dataclass(frozen=True)
class Similar:
    """A profile with a record like the one asked about.

    Attributes:
        subject_id: of the profile's records the one most like it.
        match_weight: bits, as a resolve run scores the pair.
        match_probability: in (0, 1).
    """

    profile_id: str
    subject_id: int
    match_weight: float
    match_probability: float


@dataclass(frozen=True)
class Answer:
    """Whom a record resembles, the most alike first.

    Attributes:
        compared: how many records the blocking rules brought up.
        is_cut: they brought up more than are compared; the largest blocks were left.
    """

    similar: tuple[Similar, ...]
    compared: int
    is_cut: bool


@dataclass(frozen=True)
class _Block:
    """The records by their value of one blocking rule, sorted."""

    key: npt.NDArray[np.uint64]
    row: npt.NDArray[np.int64]

    def rows(self, key: int) -> npt.NDArray[np.int64]:
        wanted = np.uint64(key)
        first, last = (np.searchsorted(self.key, wanted, s) for s in ("left", "right"))
        return self.row[first:last]


@dataclass(frozen=True)
class FuzzyLookup:
    """All records as the linkage model compares them, in memory, in clear.

    Some 250 bytes for each record of six fields.

    Attributes:
        records: one row a record: `subject_id`, `profile_id`, the fields normalised,
            and the frequency of the values that the model weighs by it.
        scratch: where questions are worked out; nothing of them reaches the lake.
        types: the DuckDB type of each field and frequency.
        state: what the lake held when it was read.
        read_s: how long reading took, in seconds.
    """

    lake: Lake
    scratch: Scratch
    model: LinkageModel
    settings: LinkageSettings
    key: PseudonymKey
    records: pa.Table
    types: Mapping[str, str]
    blocks: tuple[_Block, ...]
    frequencies: Mapping[str, Frequencies]
    state: tuple[Any, ...]
    read_s: float

    @classmethod
    def read(cls, lake: Lake, vault: Vault, basis: Basis) -> Self:
        """Read the records of everybody out of the vault.

        Raises:
            UsageError: there is no trained model to score by.
        """
        _, settings = _linkage_of(basis)
        begun = time.perf_counter()
        state = _state(lake)
        stage_linkage_records(lake, vault, settings)
        found = cls.of_staged(lake, basis, state)
        return replace(found, read_s=time.perf_counter() - begun)

    @classmethod
    def of_staged(cls, lake: Lake, basis: Basis, state: tuple[Any, ...]) -> Self:
        """Read the records of the scratch `linkage_record`, which is dropped after.

        Args:
            state: what the lake held when they were staged.
        """
        model, settings = _linkage_of(basis)
        begun = time.perf_counter()
        freeze(lake, model, basis.key)
        types = _stage_records(lake, model, basis.key)
        records = lake.sql("from fuzzy_record order by row").to_arrow_table()
        found = cls(
            lake=lake,
            scratch=Scratch(),
            model=model,
            settings=settings,
            key=basis.key,
            records=records.combine_chunks(),  # Arrow joins pieces at each take
            types=types,
            blocks=tuple(_block(lake, rule) for rule in settings.blocking_rules),
            frequencies=frozen(lake, model),
            state=state,
            read_s=time.perf_counter() - begun,
        )
        found.scratch.show("nickname", lake.sql("from nickname").to_arrow_table())
        for table in ("fuzzy_record", "linkage_record", "normal_record"):
            lake.execute(f"drop table if exists {table}")
        return found

    @property
    def size_bytes(self) -> int:
        """How much memory the records and their blocks take."""
        blocks = sum(block.key.nbytes + block.row.nbytes for block in self.blocks)
        return int(self.records.nbytes) + blocks

    def is_current(self) -> bool:
        """Say whether a look-up read now would hold the same."""
        return self.state == _state(self.lake)

    def similar(self, values: Mapping[str, str | None], *, most: int = 10) -> Answer:
        """Return the profiles with a record like these values, the most alike first.

        Scores are those that a resolve run would give the pairs. Records that no
        blocking rule brings up are not compared, as in a resolve run.

        Args:
            values: field to the clear value, as the vault holds it; those of the
                model, or `full_name`. Others are left out.
            most: how many profiles at most.
        """
        asked, keys = self._asked(values)
        rows, is_cut = self._brought_up(keys)
        if asked is None or not len(rows):
            return Answer((), 0, is_cut)
        self.scratch.show("similar_record", self.records.take(pa.array(rows)))
        found = self.scratch.rows(self._scored(asked, most))
        return Answer(tuple(Similar(*row) for row in found), len(rows), is_cut)

    def _asked(
        self, values: Mapping[str, str | None]
    ) -> tuple[dict[str, Any] | None, list[int | None]]:
        """Return the record normalised, with frequencies, and its blocking keys."""
        names = clear_fields(self.settings)
        given = {f"given_{n}": values.get(name) for n, name in enumerate(names)}
        cells = ", ".join(
            f"$given_{n}::varchar as {quote_name(name)}" for n, name in enumerate(names)
        )
        clear = Query(f"select 0::bigint as subject_id, {cells}", given)
        keys = (
            f"{key} as {quote_name(f'key {n}')}"
            for n, key in enumerate(map(_key_sql, self.settings.blocking_rules))
        )
        rows = self.scratch.records(
            sql(
                "select *, {keys} from ({normal})",
                keys=Query(", ".join(keys)),
                normal=normal_record_sql(self.settings, clear),
            )
        )
        if not rows:
            return None, []
        (found,) = rows
        wanted = [found.pop(f"key {n}") for n in range(len(self.blocks))]
        return {**found, **dict(self._frequencies_of(found))}, wanted

    def _frequencies_of(
        self, asked: Mapping[str, Any]
    ) -> Iterator[tuple[str, float | None]]:
        for field, known in self.frequencies.items():
            value = asked[field]
            if value is None:
                yield f"tf_{field}", None
            else:
                token = frequency_token(self.key, field, str(value))
                yield f"tf_{field}", known.of(token)

    def _brought_up(self, keys: list[int | None]) -> tuple[npt.NDArray[np.int64], bool]:
        """Return the records that share a key, and whether blocks were left out."""
        found = [
            block.rows(key)
            for block, key in zip(self.blocks, keys, strict=bool(keys))
            if key is not None
        ]
        taken, n_rows = [np.empty(0, dtype=np.int64)], 0
        for rows in sorted(found, key=len):
            n_rows += len(rows)
            if n_rows > MOST_COMPARED:
                return np.unique(np.concatenate(taken)), True
            taken.append(rows)
        return np.unique(np.concatenate(taken)), False

    def _scored(self, asked: Mapping[str, Any], most: int) -> Query:
        given = {f"asked_{n}": asked[name] for n, name in enumerate(self.types)}
        sides = ", ".join(
            f"{quote_name(name)} as {quote_name(name + '_l')}, "
            f"$asked_{n}::{type_} as {quote_name(name + '_r')}"
            for n, (name, type_) in enumerate(self.types.items())
        )
        pairs = Query(
            f"(select subject_id, profile_id, {sides} from similar_record)", given
        )
        return sql(
            "select profile_id, max_by(subject_id, (match_weight, -subject_id)), "
            "max(match_weight) as bits, 1 / (1 + 2 ** -max(match_weight)) "
            "from ({scored}) group by profile_id order by bits desc, profile_id "
            "limit $most",
            scored=weight_sql(self.model, self.settings, pairs),
            most=most,
        )


def _linkage_of(basis: Basis) -> tuple[LinkageModel, LinkageSettings]:
    if basis.linkage is None:
        raise UsageError(
            "there is no linkage model to compare by; train one first: dmp train"
        )
    return basis.linkage


def _state(lake: Lake) -> tuple[Any, ...]:
    return (*lake_state(lake), lake.value("select count(*) from core.record"))


def _stage_records(
    lake: Lake, model: LinkageModel, key: PseudonymKey
) -> dict[str, str]:
    """Stage `fuzzy_record`, numbered by `row`; return the types of what is compared."""
    stage_frequencies(lake, model, key)
    lake.stage(
        "fuzzy_record",
        sql(
            "select row_number() over (order by r.subject_id) - 1 as row, "
            "r.subject_id, p.profile_id, r.* exclude (subject_id) "
            "from ({records}) as r join identity.assignment as a "
            "on a.subject_id = r.subject_id and a.valid_to is null "
            "join identity.profile as p on p.profile_key = a.profile_key",
            records=records_with_frequencies(model),
        ),
    )
    compared = lake.sql(
        "select * exclude (row, subject_id, profile_id) from fuzzy_record"
    )
    return dict(zip(compared.columns, map(str, compared.types), strict=True))


def _block(lake: Lake, rule: Sequence[str]) -> _Block:
    found = lake.sql(
        f"select {_key_sql(rule)} as key, row from fuzzy_record "
        "where key is not null order by key, row"
    ).fetchnumpy()
    return _Block(
        np.asarray(found["key"], dtype=np.uint64),
        np.asarray(found["row"], dtype=np.int64),
    )


def _key_sql(rule: Sequence[str]) -> str:
    """Return the expression of a record's key by a rule; null where a part is missing.

    Keys are compared within one process alone.
    """
    parts = [f"({column_sql(part)})::varchar" for part in rule]
    known = " and ".join(f"{part} is not null" for part in parts)
    return f"case when {known} then hash({', '.join(parts)}) end"
