"""Labels: pairs that a person has judged, and what contradicts itself among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dmp.core.errors import UsageError
from dmp.identity.clustering import contradictions
from dmp.identity.link.files import RecordFile, read_cells
from dmp.identity.link.hashing import Ints
from dmp.identity.link.nodes import Nodes

Flags = npt.NDArray[np.bool_]

_YES = ("1", "true", "yes", "y", "match", "1.0")
_NO = ("0", "false", "no", "n", "0.0", "no match", "non-match")
_COLUMNS = ("record_id_l", "record_id_r", "match")


@dataclass(frozen=True)
class Labels:
    """Judged pairs of nodes, left < right, each once and free of contradiction.

    Attributes:
        is_match: the judgement.
        contradicting: judged pairs left out because others say the contrary.
        unknown: judged pairs whose record ids are not among the records.
        unanswered: rows whose `match` is empty.
    """

    left: Ints
    right: Ints
    is_match: Flags
    contradicting: int = 0
    unknown: int = 0
    unanswered: int = 0

    def __len__(self) -> int:
        return len(self.left)

    def rows(self, matches: bool) -> Ints:
        """Return the pairs of one judgement, two columns."""
        kept = self.is_match == matches
        return np.stack([self.left[kept], self.right[kept]], axis=1)


def no_labels() -> Labels:
    """Return labels without any pair."""
    none = np.zeros(0, dtype=np.int64)
    return Labels(none, none, none.astype(bool))


def read_labels(
    connection: duckdb.DuckDBPyConnection,
    paths: Sequence[Path],
    records: RecordFile,
    nodes: Nodes,
) -> Labels:
    """Read judged pairs from CSV or Parquet files.

    Columns `record_id_l`, `record_id_r` and `match`: 1 or 0; empty where unanswered;
    others are ignored. A pair that is judged both ways, and a 0 between records that
    1s join, are left out and counted.

    Raises:
        UsageError: a column is missing, `match` holds something else, or no record id
            of any row is known.
    """
    if not paths:
        return no_labels()
    parts = [_answers(connection, path) for path in paths]
    table = pa.concat_tables([part for part, _, _ in parts])
    yes = np.concatenate([part for _, part, _ in parts])
    empty = np.concatenate([part for _, _, part in parts])
    places = _places(table, records)
    if len(places) and not (places >= 0).all(axis=1).any():
        raise UsageError(
            f"{', '.join(path.name for path in paths)}: none of the {len(places):,} "
            "pairs is of records that are here; give the labels of these files, and "
            "the same --id as when they were asked for"
        )
    return _labels(places, yes, ~empty, nodes, int(empty.sum()))


def _answers(
    connection: duckdb.DuckDBPyConnection, path: Path
) -> tuple[pa.Table, Flags, Flags]:
    """Return the rows of a file, which say yes, and which are unanswered."""
    table = _read(connection, path)
    answer = pc.utf8_lower(pc.utf8_trim_whitespace(pc.fill_null(table["match"], "")))
    yes = pc.is_in(answer, pa.array(_YES)).to_numpy()
    no = pc.is_in(answer, pa.array(_NO)).to_numpy()
    empty = pc.equal(answer, "").to_numpy()
    odd = np.flatnonzero(~(yes | no | empty))
    if len(odd):
        raise UsageError(
            f"{path.name}: `match` is neither 1, 0 nor empty in {len(odd):,} rows, "
            f"first in row {odd[0] + 2}; write 1 for a match, 0 for none"
        )
    return table, yes, empty


def _read(connection: duckdb.DuckDBPyConnection, path: Path) -> pa.Table:
    def cells(types: Mapping[str, str]) -> str:
        if missing := [name for name in _COLUMNS if name not in types]:
            raise UsageError(
                f"{path.name}: no column {', '.join(missing)}; labels need "
                f"{', '.join(_COLUMNS)}, as --ask writes them"
            )
        return ", ".join(f"{name}::varchar as {name}" for name in _COLUMNS)

    return read_cells(connection, path, cells)


def _places(table: pa.Table, records: RecordFile) -> Ints:
    """Return the place of both records of each row, -1 where there is no such id."""
    return np.stack(
        [_place(table[f"record_id_{side}"], records.ids) for side in "lr"], axis=1
    )


def _place(ids: pa.ChunkedArray, known: pa.Array) -> Ints:
    """Find ids; one that a spreadsheet was kept from calculating has an apostrophe."""
    plain = pc.replace_substring_regex(ids, r"^'([=+\-@])", r"\1")
    found = pc.coalesce(pc.index_in(ids, known), pc.index_in(plain, known), -1)
    return np.asarray(found).astype(np.int64)


def _labels(
    places: Ints,
    yes: Flags,
    answered: Flags,
    nodes: Nodes,
    unanswered: int,
) -> Labels:
    known = (places >= 0).all(axis=1)
    kept = known & answered
    both = np.sort(nodes.of_record[places[kept]], axis=1)
    is_match = yes[kept]
    apart = both[:, 0] != both[:, 1]
    key = both[:, 0] * len(nodes) + both[:, 1]
    unique, place = np.unique(key[apart], return_inverse=True)
    share = np.bincount(place, is_match[apart]) / np.maximum(np.bincount(place), 1)
    settled = (share == 0) | (share == 1)
    left, right = unique[settled] // len(nodes), unique[settled] % len(nodes)
    judged = share[settled] == 1
    broken = _broken(len(nodes), left, right, judged)
    return Labels(
        left[~broken],
        right[~broken],
        judged[~broken],
        int((~settled).sum() + broken.sum() + (~is_match[~apart]).sum()),
        int((answered & ~known).sum()),
        unanswered,
    )


def _broken(n: int, left: Ints, right: Ints, judged: Flags) -> Flags:
    pairs = np.stack([left, right], axis=1)
    found = contradictions(n, pairs[judged], pairs[~judged])
    keys = found[:, 0] * n + found[:, 1]
    return ~judged & np.isin(left * n + right, keys)
