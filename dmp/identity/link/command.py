"""`dmp link` as one call: files in, clusters out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from dmp.core.errors import UsageError
from dmp.core.result_file import check_result, whole_result
from dmp.identity.link.asking import questions, write_questions
from dmp.identity.link.choices import choices
from dmp.identity.link.classes import CLASSES
from dmp.identity.link.columns import Kind
from dmp.identity.link.comparing import Compared, Tell, compare, untold
from dmp.identity.link.deciding import Clusters, decide
from dmp.identity.link.estimates import Estimates, estimates
from dmp.identity.link.files import RecordFile, read_files
from dmp.identity.link.labels import Labels, read_labels
from dmp.identity.link.model import (
    NEW_MODEL,
    AtomModel,
    Choice,
    ColumnModel,
    Model,
    Moved,
    RuleModel,
    comparison_models,
    read_model,
    write_model,
)
from dmp.identity.link.patterns import Floats
from dmp.identity.link.reranking import (
    Features,
    Judged,
    corrected,
    features,
    judged,
    judged_model,
)
from dmp.identity.link.weighing import learn, weigh
from dmp.privacy.spill import encrypted_spill
from dmp.storage.scratch import scratch_connection

_OUT_SUFFIXES = (".parquet", ".csv")
STAGES = 6
"""Stages that a run tells of."""


@dataclass(frozen=True)
class Linked:
    """What a run of `link_files` found.

    Attributes:
        fields: what was compared.
        unread: field -> filled cells that could not be read.
        labels: judged pairs that were used.
        contradicting, unknown, unanswered: rows of labels left out, by reason.
        asked: questions written.
        notes: what of a given model could not be used, in words.
        model: all choices; `write_model` keeps them.
    """

    records: int
    clusters: int
    compared_pairs: int
    fields: tuple[str, ...]
    unread: dict[str, int]
    labels: int
    contradicting: int
    unknown: int
    unanswered: int
    asked: int
    notes: tuple[str, ...]
    estimates: Estimates
    model: Model


def link_files(
    files: Sequence[Path],
    *,
    out: Path | None = None,
    id_column: str | None = None,
    source_column: str | None = None,
    labels: Sequence[Path] = (),
    model: Path | None = None,
    model_out: Path | None = None,
    ask: int = 0,
    pairs: Path | None = None,
    tell: Tell = untold,
) -> Linked:
    """Find the records of the same person in people files, and write their clusters.

    Writes `out` (Parquet, or CSV by its suffix): one row a record in the order of the
    files: `record_id`, `cluster_id` (from 0), `confidence` in (0, 1). Files are written
    whole or not at all, at the end of the run.

    Args:
        files: CSV or Parquet; columns of one name are one column.
        labels: judged pairs, as `ask` writes them; a later file may repeat an earlier.
        model: what is taken from an earlier run; see `dmp.identity.link.model`.
        model_out: where all choices are written.
        ask: how many pairs to write to `pairs` for somebody to judge.
        tell: called with the name of each stage.

    Raises:
        UsageError: a file, column or label can't be used; nothing was written.
        ConfigInvalid: all faults of the model.
    """
    _check_wanted(out, model_out, pairs, ask)
    written = [path for path in (out, model_out, pairs) if path is not None]
    check_places((*files, *labels, *([model] if model else [])), written)
    given = read_model(model) if model else NEW_MODEL
    with scratch_connection() as connection, encrypted_spill(connection):
        records = read_files(
            connection, files, id_column=id_column, source_column=source_column
        )
        compared = compare(connection, records, given, tell)
        told = read_labels(connection, labels, records, compared.nodes)
        tell("Learning weights")
        moved = learn(connection, compared, given)
    weight, known = _weights(compared, moved, told, given)
    tell("Clustering")
    clusters = decide(compared, weight, told, given.clustering)
    tell("Writing")
    if out is not None:
        write_clusters(out, records, clusters)
    asked = 0
    if pairs is not None:
        rows = questions(compared, weight, clusters.of_node, told, ask)
        write_questions(pairs, records, compared, rows)
        asked = len(rows)
    why = choices(records, compared, moved, weight, clusters.of_node, known, given)
    described = _described(compared, moved, known, given, records, why)
    if model_out is not None:
        write_model(described, model_out)
    return Linked(
        records=len(records),
        clusters=int(clusters.label.max()) + 1,
        compared_pairs=len(compared.pairs),
        fields=tuple(field.name for field in compared.nodes.fields),
        unread=compared.reading.unread,
        labels=len(told),
        contradicting=told.contradicting,
        unknown=told.unknown,
        unanswered=told.unanswered,
        asked=asked,
        notes=compared.notes,
        estimates=estimates(compared, weight, clusters.of_node),
        model=described,
    )


def _weights(
    compared: Compared, moved: Moved, labels: Labels, given: Model
) -> tuple[Floats, Judged]:
    """Weigh the pairs; with labels of now or of the model, correct the weights."""
    weight = weigh(compared, moved)
    if not len(labels) and not len(given.judged):
        return weight, _nothing_judged(compared)
    seen = features(compared, weight)
    known = judged(compared, seen, labels, given.judged)
    return corrected(seen, known, moved.parameters), known


def _nothing_judged(compared: Compared) -> Judged:
    width = len(compared.comparisons)
    levels = np.zeros((0, width), dtype=np.int8)
    return Judged(Features(np.zeros(0), levels, np.zeros((0, width))), np.zeros(0))


def _described(
    compared: Compared,
    moved: Moved,
    known: Judged,
    given: Model,
    records: RecordFile,
    why: tuple[Choice, ...],
) -> Model:
    reading, fields = compared.reading, compared.nodes.fields
    left_out = {n.column for n in compared.noisy} - {f.column for f in fields}
    return Model(
        columns={
            column.column: ColumnModel(
                kind=Kind.UNUSED if column.column in left_out else column.kind,
                day_first={
                    records.source_names[source]: first
                    for source, first in reading.dates[column.column].day_first.items()
                }
                if column.column in reading.dates
                else {},
            )
            for column in reading.kinds
        },
        blocking=tuple(
            RuleModel(
                on=tuple(
                    AtomModel(field=field, part=part)
                    for field, part in (
                        compared.atoms[i].part_of(fields) for i in rule.atoms
                    )
                ),
                largest_block=rule.largest,
                pairs=rule.pairs,
            )
            for rule in compared.rules
        ),
        comparisons=comparison_models(compared.comparisons, moved),
        shares=dict(zip(CLASSES, moved.parameters.shares.tolist(), strict=True)),
        clustering=given.clustering,
        judged=judged_model(compared, known),
        choices=why,
    )


def check_places(read: Sequence[Path], written: Sequence[Path]) -> None:
    """Check before a long run that what it writes can be written.

    Raises:
        UsageError: a file would be overwritten by a result, two results are one file,
            or no file can be written there.
    """
    taken = {path.resolve() for path in read}
    for path in written:
        check_result(path)
        if path.resolve() in taken:
            raise UsageError(f"{path}: is read or written twice; name another file")
        taken.add(path.resolve())


def _check_wanted(
    out: Path | None, model_out: Path | None, pairs: Path | None, ask: int
) -> None:
    if (ask > 0) != (pairs is not None):
        raise UsageError(
            "--ask N and --pairs FILE go together: how many pairs to ask about, and "
            "where to write them"
        )
    if out is None and model_out is None and pairs is None:
        raise UsageError("nothing to write: give --out clusters.parquet")
    if out is not None and out.suffix.lower() not in _OUT_SUFFIXES:
        raise UsageError(
            f"{out}: clusters are written as Parquet or CSV; let its name end in "
            ".parquet or .csv"
        )
    if pairs is not None and pairs.suffix.lower() != ".csv":
        raise UsageError(f"{pairs}: pairs are written as CSV; let its name end in .csv")


def write_clusters(out: Path, records: RecordFile, clusters: Clusters) -> None:
    """Write the clusters whole or not at all.

    Raises:
        UsageError: the file cannot be written.
    """
    table = pa.table(
        {
            "record_id": records.ids,
            "cluster_id": clusters.label,
            "confidence": clusters.confidence,
        }
    )
    with whole_result(out) as draft:
        if out.suffix.lower() == ".csv":
            pa_csv.write_csv(table, draft)
        else:
            pq.write_table(table, draft)
