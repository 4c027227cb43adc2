"""What each comparison of the linkage model says of a pair: a waterfall of bits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dmp.core.sql import Query, quote_name, sql
from dmp.identity.basis import Basis
from dmp.identity.linkage import scorer
from dmp.identity.model import LinkageModel, level_labels
from dmp.identity.records import stage_linkage_records
from dmp.identity.settings import LinkageSettings
from dmp.privacy import Vault
from dmp.storage.lake import Lake

Pair = tuple[int, int]


@dataclass(frozen=True)
class Step:
    """One bar of a waterfall.

    Attributes:
        what: `prior`, a comparison of the model, how common its value is, or a
            contradiction.
        level: which of the comparison's levels the pair falls into.
        match_weight: bits that it adds, or takes off.
    """

    what: str
    level: str
    match_weight: float


@dataclass(frozen=True)
class Waterfall:
    """How the score of a pair comes about, with the records as they are now.

    Attributes:
        steps: the prior first, then the comparisons in the order of the model.
        match_weight: the sum of the steps, in bits.
        match_probability: in (0, 1), 1 / (1 + 2 ** -match_weight).
    """

    subject_id_l: int
    subject_id_r: int
    steps: tuple[Step, ...]
    match_weight: float
    match_probability: float


def waterfalls(
    lake: Lake, vault: Vault, basis: Basis, pairs: Sequence[Pair]
) -> list[Waterfall]:
    """Return the waterfall of each pair of whom there is something to compare.

    Reads the vault for the subjects of the pairs, and compares every two of these: some
    hundreds at most. No values come out, only levels.

    Args:
        pairs: subjects, the smaller first.
    """
    if basis.linkage is None or not pairs:
        return []
    model, settings = basis.linkage
    subjects = sorted({subject for pair in pairs for subject in pair})
    wanted = lake.stage(
        "explained_subject", "select unnest($ids::bigint[]) as subject_id", ids=subjects
    )
    stage_linkage_records(lake, vault, settings, of=wanted)
    given = lake, model, settings, basis.key
    with scorer(*given, parts=True, every_two=True) as linker:
        predicted = linker.inference.predict()
        rows = {_pair(row): row for row in _rows(lake, predicted.physical_name)}
    found = (rows.get(pair) for pair in pairs)
    return [_waterfall(row, model, settings) for row in found if row]


def _rows(lake: Lake, predicted: str) -> list[dict[str, Any]]:
    chosen = "columns('^(subject_id_|gamma_|mw_).*')"
    return lake.records(
        sql("select {c} from {t}", c=Query(chosen), t=Query(quote_name(predicted)))
    )


def _pair(row: Mapping[str, Any]) -> Pair:
    left, right = sorted((row["subject_id_l"], row["subject_id_r"]))
    return left, right


def _waterfall(
    row: Mapping[str, Any], model: LinkageModel, settings: LinkageSettings
) -> Waterfall:
    steps = tuple(_steps(row, model, settings))
    total = sum(step.match_weight for step in steps)
    return Waterfall(*_pair(row), steps, total, 1 / (1 + 2**-total))


def _steps(
    row: Mapping[str, Any], model: LinkageModel, settings: LinkageSettings
) -> Iterator[Step]:
    yield Step("prior", "two records at random", model.prior_bits)
    for comparison, labels in level_labels(model.settings).items():
        number = row[f"gamma_{comparison}"]
        label = labels[len(labels) - 1 - number] if number >= 0 else "missing"
        yield Step(comparison, label, row[f"mw_{comparison}"])
        frequency = row.get(f"mw_tf_adj_{comparison}")
        if frequency:
            words = "rare value" if frequency > 0 else "common value"
            yield Step(comparison, words, frequency)
    for field, bits in settings.contradictions.items():
        if row.get(f"gamma_{field}") == 0:
            yield Step(field, "contradiction", -bits)
