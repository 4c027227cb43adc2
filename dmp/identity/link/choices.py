"""Every automatic choice in words: what, why, the alternative, what it would change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dmp.identity.link.blocking import pair_budget
from dmp.identity.link.classes import ADDRESS, RANDOM, SAME
from dmp.identity.link.columns import ColumnKind, Kind
from dmp.identity.link.comparing import Compared
from dmp.identity.link.files import RecordFile
from dmp.identity.link.hashing import Ints
from dmp.identity.link.informative import Noise
from dmp.identity.link.model import Choice, Model, Moved
from dmp.identity.link.patterns import Floats
from dmp.identity.link.reranking import Judged
from dmp.identity.signed_graph import components

USUAL_BITS = float(np.log2(0.95 / 0.05))
"""Match weight of the probability 0.95, at which tools usually cut."""


def choices(
    records: RecordFile,
    compared: Compared,
    moved: Moved,
    weight: Floats,
    of_node: Ints,
    known: Judged,
    given: Model,
) -> tuple[Choice, ...]:
    """Return the choices in the order in which they were made."""
    bits = _bits(compared, moved)
    return (
        *_left_out(records),
        *_columns(compared, weight, bits),
        *_dates(compared),
        *_merged(compared),
        *_fold(compared, weight, bits),
        *_rules(compared, weight),
        *_learned(compared, known, is_given=given.comparisons is not None),
        *_clustering(compared, weight, of_node),
    )


def _bits(compared: Compared, moved: Moved) -> list[Floats]:
    """Return the bits that each comparison says about each pair by itself."""
    found = []
    for place, table in enumerate(moved.parameters.levels):
        of_level = np.append(np.log2(table[SAME] / table[RANDOM]), 0.0)
        found.append(of_level[compared.levels[:, place]])
    return found


def _changed(weight: Floats, other: Floats) -> str:
    """Say how many pairs would be on the other side of no evidence."""
    n = int(((weight > 0) != (other > 0)).sum())
    return f"about {n:,} of {len(weight):,} pairs would change sides"


def _left_out(records: RecordFile) -> Iterator[Choice]:
    for name, why in records.left_out.items():
        yield Choice(
            place=f"columns.{name}",
            chosen="not compared",
            why=why,
            instead="name it in `columns` with a kind, and another id or source column",
            effect="not estimated: it says nothing about people",
        )


def _columns(
    compared: Compared, weight: Floats, bits: Sequence[Floats]
) -> Iterator[Choice]:
    noisy = {field.column: field.noise for field in compared.noisy}
    by_column: dict[str, list[int]] = {}
    for place, comparison in enumerate(compared.comparisons):
        column = compared.nodes.fields[comparison.field].column
        by_column.setdefault(column, []).append(place)
    for kind in compared.reading.kinds:
        places = by_column.get(kind.column, [])
        without = weight - sum((bits[place] for place in places), np.zeros(1))
        effect = _changed(weight, without) if places else "no pair would change"
        if kind.column in noisy and not places:
            yield _noise(kind, noisy[kind.column])
            continue
        yield Choice(
            place=f"columns.{kind.column}.kind",
            chosen=_read_as(kind),
            why=kind.why,
            instead=str(kind.alternative or _other(kind)),
            effect=f"without it {effect}",
        )


def _noise(column: ColumnKind, noise: Noise) -> Choice:
    return Choice(
        place=f"columns.{column.column}.kind",
        chosen="not compared",
        why=f"sure matches agree on it no more than strangers: {noise.agreed:.0%} "
        f"against {noise.chance:.0%}",
        instead=str(column.kind),
        effect="its agreements would count for matches by chance",
    )


def _read_as(column: ColumnKind) -> str:
    return "not compared" if column.kind == Kind.UNUSED else str(column.kind)


def _other(column: ColumnKind) -> Kind:
    return Kind.TEXT if column.kind == Kind.UNUSED else Kind.UNUSED


def _dates(compared: Compared) -> Iterator[Choice]:
    words = {True: "day before month", False: "month before day"}
    for name, reading in compared.reading.dates.items():
        orders = {words[first] for first in reading.day_first.values()}
        if orders:
            yield Choice(
                place=f"columns.{name}.day_first",
                chosen=" or, by source, ".join(sorted(orders)),
                why="numbers above 12 stand in the day's place",
                instead="the other order",
                effect=f"{reading.ambiguous:,} cells could be read either way",
            )
    if joined := compared.reading.joined:
        yield Choice(
            place="columns",
            chosen=f"{' + '.join(joined)} read as one date",
            why="a year, a month and a day stand in columns of their own",
            instead="three comparisons",
            effect="their agreement would count three times for the same birthday",
        )


def _merged(compared: Compared) -> Iterator[Choice]:
    for name, into in compared.reading.merged.items():
        yield Choice(
            place=f"columns.{name}",
            chosen=f"fills the gaps of {into}",
            why="both hold the same value in most records, or hardly any fills both",
            instead="a comparison of its own",
            effect="an agreement would count twice, or never be seen",
        )


def _fold(
    compared: Compared, weight: Floats, bits: Sequence[Floats]
) -> Iterator[Choice]:
    parts = [i for i, c in enumerate(compared.comparisons) if c.kind in ADDRESS]
    if len(parts) < 2:
        return
    names = ", ".join(compared.comparisons[i].name for i in parts)
    together = np.maximum.reduce([bits[i] for i in parts])
    apart = weight - together + np.sum([bits[i] for i in parts], axis=0)
    yield Choice(
        place="comparisons",
        chosen=f"{names} count together, as one address",
        why="who lives at the same address agrees on all of it, who moved on none",
        instead="each by itself",
        effect=_changed(weight, apart),
    )


def _rules(compared: Compared, weight: Floats) -> Iterator[Choice]:
    n = len(compared.nodes)
    if not compared.rules:
        yield Choice(
            place="blocking",
            chosen=f"every pair is compared, {len(compared.pairs):,}",
            why=f"they are within the budget of {pair_budget(n):,} pairs",
            instead="blocking rules",
            effect="fewer pairs, some matches lost",
        )
    likely = weight > 0
    for number, rule in enumerate(compared.rules):
        alone = compared.pairs.rules == 1 << number
        yield Choice(
            place=f"blocking[{number}]",
            chosen=f"compare what agrees on {rule.name}"
            + (f", in blocks of up to {rule.largest:,}" if rule.largest < n else ""),
            why=f"{rule.pairs:,} pairs bring {rule.gain:.1%} more of the sure matches"
            if rule.gain
            else f"{rule.pairs:,} pairs; the model says so",
            instead="without this rule",
            effect=f"{int(alone.sum()):,} pairs fewer, {int((alone & likely).sum()):,} "
            "of them likely matches",
        )


def _learned(compared: Compared, known: Judged, *, is_given: bool) -> Iterator[Choice]:
    if is_given:
        yield Choice(
            place="comparisons",
            chosen="weights as the model holds them",
            why="it was given",
            instead="leave `comparisons` and `shares` out of the model",
            effect="they would be found from these records",
        )
    else:
        yield _trained(compared)
    if len(known.match):
        chosen = "correct the weights" if known.teaches else "only join and part"
        yield Choice(
            place="judged",
            chosen=f"{len(known.match):,} judged pairs {chosen}",
            why="ten of both kinds are needed to learn from them"
            if not known.teaches
            else "regression on few, boosting the more there are",
            instead="without labels",
            effect=f"{int(known.match.sum()):,} matches, "
            f"{int((1 - known.match).sum()):,} non-matches",
        )


def _trained(compared: Compared) -> Choice:
    return Choice(
        place="comparisons",
        chosen="weights found by expectation maximisation, without labels",
        why="pairs at random show chance agreement, blocked pairs hold the matches",
        instead="labels: dmp link … --ask 100 --pairs pairs.csv",
        effect=f"{len(compared.pairs):,} pairs were looked at",
    )


def _clustering(compared: Compared, weight: Floats, of_node: Ints) -> Iterator[Choice]:
    between = int(((weight > 0) & (weight <= USUAL_BITS)).sum())
    yield Choice(
        place="clustering.threshold_bits",
        chosen="0 bits: more likely a match than not",
        why="the weights are calibrated on the data and add up within a cluster",
        instead=f"{USUAL_BITS:.1f} bits, the usual .95",
        effect=f"{between:,} pairs would speak against a match instead of for it",
    )
    likely = weight > 0
    connected = components(
        len(of_node), compared.pairs.left[likely], compared.pairs.right[likely]
    )
    n_evidence, n_connected = (
        int(np.count_nonzero(np.bincount(x))) for x in (of_node, connected)
    )
    yield Choice(
        place="clustering.method",
        chosen="evidence: all pairs of a cluster are weighed together",
        why="one wrong pair does not glue two people together",
        instead="connected",
        effect=f"{n_evidence - n_connected:,} clusters fewer",
    )
