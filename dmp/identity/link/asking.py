"""Which pairs to ask a person about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from dmp.core.result_file import whole_result
from dmp.identity.link.comparing import Compared
from dmp.identity.link.files import RecordFile
from dmp.identity.link.hashing import Ints, mix
from dmp.identity.link.labels import Labels
from dmp.identity.link.patterns import Floats, aggregate
from dmp.identity.link.reranking import places_of

_EXPLORED = 0.2
"""Share of the questions that are spread over all weights, not only the doubtful."""
_SPREAD_BITS = (-12.0, 15.0)


def questions(
    compared: Compared, weight: Floats, label: Ints, labels: Labels, n: int
) -> Ints:
    """Return the rows of the `n` pairs whose answers are worth most.

    Worth grows with doubt (a probability near one half), with the harm of a wrong edge
    (pairs of records that join or part with it), and falls with how often the same
    pattern of levels is asked about. A fifth explores the whole range of weights.

    Args:
        weight: match weight of each pair in bits.
        label: cluster of each node.
        labels: pairs judged before; they are not asked again.
    """
    open_rows = np.ones(len(weight), dtype=bool)
    open_rows[places_of(compared, labels)[1]] = False
    rows = np.flatnonzero(open_rows)
    if len(rows) <= n:
        return rows
    explored = _spread(compared, weight, rows, round(n * _EXPLORED))
    rest = np.setdiff1d(rows, explored)
    doubtful = _doubtful(compared, weight, label, rest, n - len(explored))
    chosen = np.concatenate([doubtful, explored])
    return chosen[np.argsort(-_worth(compared, weight, label, chosen), kind="stable")]


def _worth(compared: Compared, weight: Floats, label: Ints, rows: Ints) -> Floats:
    chance = 1 / (1 + 2.0 ** -np.clip(weight[rows], -40, 40))
    doubt = chance * (1 - chance)
    sizes = np.bincount(label, compared.nodes.n_records, minlength=len(label))
    left, right = label[compared.pairs.left[rows]], label[compared.pairs.right[rows]]
    joined = np.where(left == right, sizes[left], sizes[left] * sizes[right])
    return np.asarray(doubt * np.log2(1 + joined))


def _doubtful(
    compared: Compared, weight: Floats, label: Ints, rows: Ints, n: int
) -> Ints:
    """Take the worthiest, each next one of a pattern at a discount."""
    worth = _worth(compared, weight, label, rows)
    near = rows[np.argsort(-worth, kind="stable")[: 50 * n]]
    worth = np.sort(worth)[::-1][: 50 * n]
    patterns = aggregate(
        compared.levels[near], compared.comparisons, np.zeros(len(near), dtype=np.int64)
    )
    discounted = worth / (1 + _earlier(patterns.of_pair)) ** 0.5
    return np.asarray(near[np.argsort(-discounted, kind="stable")[:n]])


def _earlier(group: Ints) -> Ints:
    """Return how many before each one are of its group."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    sizes = np.diff(np.append(starts, len(ordered)))
    earlier = np.empty(len(group), dtype=np.int64)
    earlier[order] = np.arange(len(group)) - np.repeat(starts, sizes)
    return earlier


def _spread(compared: Compared, weight: Floats, rows: Ints, n: int) -> Ints:
    """Take pairs at even steps of the weight, chosen by hash within a step."""
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    steps = np.linspace(*_SPREAD_BITS, n + 1)
    step = np.searchsorted(steps, weight[rows])
    lottery = mix([compared.pairs.left[rows], compared.pairs.right[rows]])
    order = np.lexsort([lottery, step])
    is_first = np.append(True, np.diff(step[order]) > 0)
    found = rows[order[is_first]]
    inside = (weight[found] > steps[0]) & (weight[found] <= steps[-1])
    return np.asarray(found[inside][:n])


def write_questions(
    path: Path, records: RecordFile, compared: Compared, rows: Ints
) -> None:
    """Write pairs as a CSV that a spreadsheet opens, `match` empty.

    One row a pair: `record_id_l`, `record_id_r`, `match`, then each column of both
    records side by side. A cell that a spreadsheet would take for a formula begins
    with an apostrophe.

    Raises:
        UsageError: the file cannot be written.
    """
    _, first = np.unique(compared.nodes.of_record, return_index=True)
    sides = {
        side: pa.array(first[nodes[rows]])
        for side, nodes in (("l", compared.pairs.left), ("r", compared.pairs.right))
    }
    table = {f"record_id_{s}": _plain(records.ids.take(at)) for s, at in sides.items()}
    table["match"] = pa.array([""] * len(rows))
    for name, column in records.columns.items():
        for side, at in sides.items():
            table[f"{name}_{side}"] = _plain(column.take(at))
    with whole_result(path) as draft:
        pa_csv.write_csv(pa.table(table), draft)


def _plain(column: pa.Array) -> pa.Array:
    """Put an apostrophe before what a spreadsheet would calculate.

    Source: OWASP, "CSV Injection".
    """
    text = pc.fill_null(column, "")
    risky = pc.match_substring_regex(text, r"^[=+\-@\t\r]")
    return pc.if_else(risky, pc.binary_join_element_wise("'", text, ""), text)
