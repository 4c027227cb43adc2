"""Blocking rules: which pairs are compared at all, chosen under a budget of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from dmp.core.errors import UsageError
from dmp.identity.link.atoms import WHOLE, Atom, combined
from dmp.identity.link.columns import Kind
from dmp.identity.link.model import RuleModel
from dmp.identity.link.nodes import Ints, Nodes, mix

Flags = npt.NDArray[np.bool_]
_BLOCK_SIZES = (10, 40, 200)
"""Largest blocks a rule may keep: pairs of a commoner value are left to other rules."""
_MISSED_ANYWAY = 0.4
"""Share of the matches that a rule misses though its estimate says it finds them."""
_SEED_PAIRS = 300_000
_MOST_DISTINCTIVE = 12
_MAX_RULES = 30
_MISJUDGED = 1.3
"""A rule that gives so many times the pairs that were estimated is weighed anew."""
_COSTED = 60_000
"""Nodes whose blocks are counted to estimate a cost; below twice that all are."""
_MOST_OF_BUDGET = 20
"""A rule that somebody wrote may give so many times the pairs of the budget."""
_LEAST_GAIN = 2e-4
"""A rule is not worth its pairs below this many new matches a pair."""


@dataclass(frozen=True)
class BlockingRule:
    """Nodes that agree on all atoms are compared, if at most `largest` share these.

    Attributes:
        atoms: places among the atoms.
        largest: largest block kept.
        pairs: pairs it makes, counted before it runs.
        gain: pseudo-matches that it adds to those of the rules before it.
    """

    atoms: tuple[int, ...]
    name: str
    largest: int
    pairs: int
    gain: float = 0.0


@dataclass(frozen=True)
class Pairs:
    """Unordered pairs of nodes, left < right, each once, in order.

    `rules` has the bit of each rule that gives the pair.
    """

    left: Ints
    right: Ints
    rules: Ints

    def __len__(self) -> int:
        return len(self.left)


def pair_budget(n_nodes: int) -> int:
    """Return the most pairs that blocking may make.

    Small files are compared in full; large ones at three pairs a record and more.
    """
    return 600_000 + 3 * n_nodes


def all_pairs(n_nodes: int) -> Pairs:
    """Return every pair."""
    left, right = np.triu_indices(n_nodes, k=1)
    return Pairs(left, right, np.ones(len(left), dtype=np.int64))


def block(nodes: Nodes, parts: Sequence[Atom], rules: Sequence[BlockingRule]) -> Pairs:
    """Return the pairs that any rule gives."""
    keys, bits = [], []
    for number, rule in enumerate(rules):
        left, right = block_pairs(
            combined([parts[i] for i in rule.atoms]), rule.largest
        )
        keys.append(left * len(nodes) + right)
        bits.append(np.full(len(left), 1 << number, dtype=np.int64))
    return _merged(len(nodes), np.concatenate(keys), np.concatenate(bits))


def _merged(n_nodes: int, keys: Ints, bits: Ints) -> Pairs:
    if not len(keys):
        return Pairs(keys, keys, bits)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    is_first = np.append(True, ordered[1:] != ordered[:-1])
    starts = np.flatnonzero(is_first)
    unique = ordered[starts]
    return Pairs(
        unique // n_nodes, unique % n_nodes, np.bitwise_or.reduceat(bits[order], starts)
    )


def block_pairs(keys: Ints, largest: int) -> tuple[Ints, Ints]:
    """Return the pairs of nodes with equal keys, in blocks of at most `largest`."""
    known = np.flatnonzero(keys >= 0)
    order = known[np.argsort(keys[known], kind="stable")]
    ordered = keys[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    sizes = np.diff(np.append(starts, len(order)))
    kept = (sizes > 1) & (sizes <= largest)
    starts, sizes = starts[kept], sizes[kept]
    # The i-th member of a block meets the members after it.
    places = np.repeat(starts, sizes) + _within(sizes)
    after = np.repeat(sizes, sizes) - 1 - _within(sizes)
    one = np.repeat(places, after)
    other = one + 1 + _within(after)
    left, right = order[one], order[other]
    return np.minimum(left, right), np.maximum(left, right)


def _within(sizes: Ints) -> Ints:
    """Return 0, 1, … size - 1 for each size, one after the other."""
    ends = np.cumsum(sizes)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes, sizes)


def given_rules(
    nodes: Nodes, parts: Sequence[Atom], given: Sequence[RuleModel]
) -> tuple[tuple[BlockingRule, ...], tuple[str, ...]]:
    """Return the rules of a model, and in words those that these records can't use.

    Raises:
        UsageError: a rule gives more pairs than can be compared.
    """
    place = {part.part_of(nodes.fields): i for i, part in enumerate(parts)}
    most = _MOST_OF_BUDGET * pair_budget(len(nodes))
    rules: list[BlockingRule] = []
    unused: list[str] = []
    for rule in given:
        wanted = [(atom.field, atom.part) for atom in rule.on]
        name = " + ".join(f"{field} {part}" for field, part in wanted)
        if any(part not in place for part in wanted):
            unused.append(f"blocking rule {name}: tells nobody apart here, not used")
            continue
        atoms = tuple(place[part] for part in wanted)
        keys = combined([parts[i] for i in atoms])
        [cost] = _cost(keys[keys >= 0], [rule.largest_block])
        if cost > most:
            raise UsageError(
                f"blocking rule {name}: {cost:,.0f} pairs, more than "
                f"{most:,} for {len(nodes):,} distinct records; lower `largest_block` "
                "(200 is much), or have it agree on more"
            )
        rules.append(BlockingRule(atoms, name, rule.largest_block, round(cost)))
    return tuple(rules), tuple(unused)


def find_rules(nodes: Nodes, parts: Sequence[Atom], budget: int) -> list[BlockingRule]:
    """Choose rules greedily by new pseudo-matches a pair, until the budget is used."""
    seeds = pseudo_matches(nodes, parts)
    candidates = _candidates(nodes, parts, budget)
    if not candidates or not len(seeds.left):
        return candidates[:1]
    return _greedy(candidates, _hits(candidates, parts, seeds), parts, seeds, budget)


@dataclass(frozen=True)
class Seeds:
    """Pairs that are almost surely matches, and how much each counts."""

    left: Ints
    right: Ints
    weight: npt.NDArray[np.float64]


def pseudo_matches(nodes: Nodes, parts: Sequence[Atom]) -> Seeds:
    """Find pairs that agree on far more than chance gives.

    A naive score (90 % agreement among matches) keeps the agreeing pairs that are more
    likely a match than not. Pairs that many proposals find count less: the hard ones
    stand for those that none finds.
    """
    whole = [part for part in parts if part.form == WHOLE]
    pairs = agreeing_pairs(nodes, distinctive(nodes, whole))
    if not len(pairs):
        return Seeds(pairs.left, pairs.right, np.zeros(0))
    kept = _naive_score(nodes, whole, pairs) > 0
    found_by = np.bitwise_count(pairs.rules[kept].astype(np.uint64)).astype(np.float64)
    return Seeds(pairs.left[kept], pairs.right[kept], 1 / found_by)


def distinctive(nodes: Nodes, whole: Sequence[Atom]) -> list[Atom]:
    """Return the dozen fields that tell the most records apart, in their order."""

    def worth(place: int) -> float:
        part = whole[place]
        filled = float((part.keys >= 0).mean())
        return filled * -float(np.log2(max(part.chance, 1 / len(nodes))))

    best = sorted(range(len(whole)), key=worth, reverse=True)[:_MOST_DISTINCTIVE]
    return [whole[place] for place in sorted(best)]


def agreeing_pairs(nodes: Nodes, whole: Sequence[Atom]) -> Pairs:
    """Return pairs that agree on two whole fields, a sample where there are many.

    `rules` has a bit for each pair of fields that proposes the pair.
    """
    keys, bits = [], []
    doubles = [
        pair
        for pair in combinations(whole, 2)
        if pair[0].chance * pair[1].chance < 50.0 / len(nodes)
    ]
    each = _SEED_PAIRS // max(len(doubles), 1)
    for number, pair in enumerate(doubles):
        left, right = _sampled_pairs(combined(pair), 200, each)
        keys.append(left * len(nodes) + right)
        bits.append(np.full(len(left), 1 << (number % 62), dtype=np.int64))
    none = np.zeros(0, dtype=np.int64)
    if not keys:
        return Pairs(none, none, none)
    return _merged(len(nodes), np.concatenate(keys), np.concatenate(bits))


def _sampled_pairs(keys: Ints, largest: int, n_pairs: int) -> tuple[Ints, Ints]:
    """Return the pairs of some blocks, chosen by hash so that few are made."""
    estimate = estimated_pairs(keys, (largest,))[0]
    if estimate > n_pairs:
        share = np.uint64(estimate // n_pairs + 1)
        keys = np.where(mix([keys]) % share == 0, keys, -1)
    left, right = block_pairs(keys, largest)
    return left[: 4 * n_pairs], right[: 4 * n_pairs]


_ADDRESS = {Kind.STREET, Kind.HOUSE_NUMBER, Kind.PLACE, Kind.POSTCODE, Kind.CATEGORY}


def _naive_score(
    nodes: Nodes, whole: Sequence[Atom], pairs: Pairs
) -> npt.NDArray[np.float64]:
    n = len(nodes)
    score = np.full(len(pairs), -np.log2(n / 2))
    address = np.zeros(len(pairs))
    for part in whole:
        left, right = part.keys[pairs.left], part.keys[pairs.right]
        known = (left >= 0) & (right >= 0)
        bits = np.where(left == right, np.log2(0.9 / max(part.chance, 1 / n)), -2.5)
        if nodes.fields[part.fields[0]].kind in _ADDRESS:
            address = np.maximum(address, np.where(known, bits, 0))
        else:
            score += np.where(known, bits, 0)
    return score + address


def estimated_pairs(keys: Ints, sizes: Sequence[int]) -> list[float]:
    """Estimate the pairs of the blocks up to each size.

    Small blocks are seen in a sample of the blocks; a few large ones could be missed
    there, and are seen in a sample of the nodes.
    """
    share = max(len(keys) // _COSTED, 1)
    known = keys[keys >= 0]
    if share == 1:
        return _cost(known, sizes)
    some = known[mix([known]) % np.uint64(share) == 0]
    large = _cost(known[: len(known) // share], [len(keys)])[0] * share**2
    return [
        max(cost * share, large if size >= len(keys) else 0.0)
        for cost, size in zip(_cost(some, sizes), sizes, strict=True)
    ]


def _cost(known: Ints, sizes: Sequence[int]) -> list[float]:
    """Count the pairs of the blocks up to each size."""
    ordered = np.sort(known)
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    counts = np.diff(ends, prepend=-1).astype(np.float64)
    made = counts * (counts - 1) / 2
    return [float(made[counts <= size].sum()) for size in sizes]


def _candidates(nodes: Nodes, parts: Sequence[Atom], budget: int) -> list[BlockingRule]:
    """Cost the atoms, then what pairs and triples of too costly ones leave."""
    found: list[BlockingRule] = []
    open_ends: list[tuple[int, ...]] = [(i,) for i in range(len(parts))]
    for _ in range(3):
        further = []
        for rule in open_ends:
            made = _costed(parts, rule, budget)
            found += made
            if not any(r.largest >= len(nodes) for r in made):
                further.append(rule)
        open_ends = _extended(further, parts)
    return found


def _costed(
    parts: Sequence[Atom], rule: tuple[int, ...], budget: int
) -> list[BlockingRule]:
    keys = combined([parts[i] for i in rule])
    sizes = (*_BLOCK_SIZES, len(keys))
    costs = estimated_pairs(keys, sizes)
    name = " + ".join(parts[i].name for i in rule)
    made: list[BlockingRule] = []
    for size, cost in zip(sizes, costs, strict=True):
        is_new = not made or cost > 1.2 * made[-1].pairs or size == len(keys)
        if 0 < cost <= budget / 2 and is_new:
            made.append(BlockingRule(rule, name, size, round(cost)))
    return made


def _extended(
    rules: Sequence[tuple[int, ...]], parts: Sequence[Atom]
) -> list[tuple[int, ...]]:
    """Return the rules of one atom more, all parts of which are too costly."""
    known = set(rules)
    singles = sorted({i for rule in rules for i in rule})
    found = []
    for rule in rules:
        used = {field for i in rule for field in parts[i].fields}
        for i in singles:
            if i <= rule[-1] or used & set(parts[i].fields):
                continue
            longer = (*rule, i)
            if all(tuple(x for x in longer if x != drop) in known for drop in longer):
                found.append(longer)
    return found


def _hits(
    candidates: Sequence[BlockingRule], parts: Sequence[Atom], seeds: Seeds
) -> list[Flags]:
    """Say for each candidate which pseudo-matches it finds."""
    agree = [
        (part.keys[seeds.left] == part.keys[seeds.right]) & (part.keys[seeds.left] >= 0)
        for part in parts
    ]
    found = []
    sizes: dict[tuple[int, ...], Ints] = {}
    for rule in candidates:
        if rule.atoms not in sizes:
            sizes[rule.atoms] = _block_sizes(
                combined([parts[i] for i in rule.atoms]), seeds.left
            )
        together = np.logical_and.reduce([agree[i] for i in rule.atoms])
        found.append(together & (sizes[rule.atoms] <= rule.largest))
    return found


def _block_sizes(keys: Ints, of: Ints) -> Ints:
    """Return how many nodes share the key of each of some nodes."""
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return counts[inverse[of]]


def _greedy(
    candidates: Sequence[BlockingRule],
    hits: Sequence[Flags],
    parts: Sequence[Atom],
    seeds: Seeds,
    budget: int,
) -> list[BlockingRule]:
    """Take the rule of most new pseudo-matches a pair, again and again.

    A rule's pairs are counted before it is taken; one that was costed too low goes back
    with its true cost. A pseudo-match found once still counts for less than nothing
    found: real matches resemble it, but miss each rule with some probability.
    """
    matrix = np.array(hits, dtype=np.float32)
    cost = np.array([rule.pairs for rule in candidates], dtype=np.float64)
    free = np.ones(len(candidates), dtype=bool)
    left = seeds.weight.copy()
    scale = seeds.weight.sum()
    chosen: list[BlockingRule] = []
    spent = 0.0
    while len(chosen) < _MAX_RULES:
        gain = matrix @ left.astype(np.float32)
        value = np.where(
            free & (spent + cost <= budget), gain / (cost + budget / 50), 0.0
        )
        best = int(np.argmax(value))
        if gain[best] / scale < 1e-4 or value[best] <= 0:
            break
        rule = candidates[best]
        keys = combined([parts[i] for i in rule.atoms])
        [true_cost] = _cost(keys[keys >= 0], [rule.largest])
        if true_cost > _MISJUDGED * cost[best]:
            cost[best] = true_cost
            continue
        chosen.append(
            BlockingRule(
                rule.atoms,
                rule.name,
                rule.largest,
                round(true_cost),
                float(gain[best] / scale),
            )
        )
        spent += true_cost
        free &= np.array(
            [r.atoms != rule.atoms or r.largest > rule.largest for r in candidates]
        )
        left = np.where(hits[best], left * _MISSED_ANYWAY, left)
    last = {rule.atoms: number for number, rule in enumerate(chosen)}
    return [rule for number, rule in enumerate(chosen) if last[rule.atoms] == number]
