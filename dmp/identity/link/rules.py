"""Blocking rules chosen under a budget of pairs: which pairs are compared at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from dmp.core.errors import UsageError
from dmp.identity.link.atoms import Atom, combined
from dmp.identity.link.block_sizes import (
    SAMPLED,
    BlockSizes,
    Flags,
    NearBlockSizes,
    SampledBlockSizes,
)
from dmp.identity.link.blocking import BlockingRule, pair_budget
from dmp.identity.link.model import RuleModel
from dmp.identity.link.nodes import Nodes
from dmp.identity.link.parallel import side_by_side
from dmp.identity.link.pseudo_matches import PseudoMatches, pseudo_matches

_BLOCK_SIZES = (10, 40, 200)
"""Largest blocks a rule may keep: pairs of a commoner value are left to other rules."""
_MISSED_ANYWAY = 0.4
"""Share of the matches that a rule misses though its estimate says it finds them."""
_MAX_RULES = 30
_MOST_OF_BUDGET = 20
"""A rule that somebody wrote may give so many times the pairs of the budget."""
_LEAST_GAIN = 1e-4
"""Share of the pseudo-matches below which a rule is not worth its pairs."""


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
        [cost] = BlockSizes.of(keys).pairs([rule.largest_block])
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
    candidates = _candidates(len(nodes), parts, seeds, budget)
    if not candidates or not len(seeds.left):
        return [candidate.rule for candidate in candidates[:1]]
    return _greedy(candidates, parts, seeds, budget)


@dataclass(frozen=True)
class _Candidate:
    """A rule, as it seems from a sample, and which pseudo-matches it finds."""

    rule: BlockingRule
    hits: Flags


def _candidates(
    n_nodes: int, parts: Sequence[Atom], seeds: PseudoMatches, budget: int
) -> list[_Candidate]:
    """Cost the atoms, then what pairs and triples of too costly ones leave."""
    agree = [_agree(part, seeds) for part in parts]
    found: list[_Candidate] = []
    open_ends: list[tuple[int, ...]] = [(i,) for i in range(len(parts))]
    for _ in range(3):
        further = []
        costed = side_by_side(
            lambda atoms: _costed(parts, atoms, seeds, agree, budget), open_ends
        )
        for atoms, made in zip(open_ends, costed, strict=True):
            found += made
            if not any(each.rule.largest >= n_nodes for each in made):
                further.append(atoms)
        open_ends = _extended(further, parts)
    return found


def _agree(part: Atom, seeds: PseudoMatches) -> Flags:
    one = part.keys[seeds.left]
    return np.asarray((one == part.keys[seeds.right]) & (one >= 0))


def _costed(
    parts: Sequence[Atom],
    atoms: tuple[int, ...],
    seeds: PseudoMatches,
    agree: Sequence[Flags],
    budget: int,
) -> list[_Candidate]:
    """Make the candidates of some atoms that fit the budget, by their largest block."""
    hits = np.logical_and.reduce([agree[i] for i in atoms])
    used = [parts[i] for i in atoms]
    n_nodes = len(used[0].keys)
    blocks = SampledBlockSizes.of(combined(used, slice(SAMPLED)), n_nodes)
    sizes = (*_BLOCK_SIZES, n_nodes)
    name = " + ".join(part.name for part in used)
    costs = dict(zip(sizes, blocks.pairs(sizes), strict=True))
    if not any(0 < cost <= budget / 2 for cost in costs.values()):
        return []
    made: list[_Candidate] = []
    found = np.flatnonzero(hits)
    in_block = blocks.sample.at(combined(used, seeds.left[found]))
    for size, cost in costs.items():
        is_new = not made or cost > 1.2 * made[-1].rule.pairs or size == n_nodes
        if 0 < cost <= budget / 2 and is_new:
            kept = np.zeros(len(hits), dtype=np.bool_)
            kept[found[in_block <= blocks.smaller(size)]] = True
            rule = BlockingRule(atoms, name, size, round(cost))
            made.append(_Candidate(rule, kept))
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


def _greedy(
    candidates: Sequence[_Candidate],
    parts: Sequence[Atom],
    seeds: PseudoMatches,
    budget: int,
) -> list[BlockingRule]:
    """Take the rule of most new pseudo-matches a pair, again and again.

    The best is counted before it is taken, first nearly and then exactly, and weighed
    anew each time. A pseudo-match found once still counts for less than nothing found:
    real matches resemble it, but miss each rule with some probability.
    """
    search = _Search.over(candidates, parts, seeds)
    scale = float(search.left.sum())
    chosen: list[BlockingRule] = []
    spent = 0.0
    while len(chosen) < _MAX_RULES:
        is_open = search.is_free & (spent + search.cost <= budget)
        value = np.where(is_open, search.gain / (search.cost + budget / 50), 0.0)
        best = int(np.argmax(value))
        if search.gain[best] / scale < _LEAST_GAIN or value[best] <= 0:
            break
        if search.counted[best] < _EXACTLY:
            search.count(best)
            continue
        cost, gain = float(search.cost[best]), float(search.gain[best]) / scale
        chosen.append(replace(search.rules[best], pairs=round(cost), gain=gain))
        spent += cost
        search.take(best)
    last = {rule.atoms: number for number, rule in enumerate(chosen)}
    return [rule for number, rule in enumerate(chosen) if last[rule.atoms] == number]


_EXACTLY = 2


@dataclass
class _Search:
    """What is known of each candidate while rules are chosen.

    Attributes:
        hits: which pseudo-matches each candidate finds, as 0 or 1; candidates down.
        cost: its pairs.
        counted: how well these are known: from a sample (0), nearly (1) or `_EXACTLY`.
        is_free: whether it may still be taken.
        left: what finding each pseudo-match is still worth.
        gain: what each candidate would find.
    """

    rules: Sequence[BlockingRule]
    parts: Sequence[Atom]
    seeds: PseudoMatches
    hits: npt.NDArray[np.float32]
    cost: npt.NDArray[np.float64]
    counted: npt.NDArray[np.int8]
    is_free: Flags
    left: npt.NDArray[np.float32]
    gain: npt.NDArray[np.float32]

    @classmethod
    def over(
        cls,
        candidates: Sequence[_Candidate],
        parts: Sequence[Atom],
        seeds: PseudoMatches,
    ) -> _Search:
        """Begin with what is known from the sample; it may hold all nodes."""
        rules = [candidate.rule for candidate in candidates]
        hits = np.array([candidate.hits for candidate in candidates], dtype=np.float32)
        cost = np.array([rule.pairs for rule in rules], dtype=np.float64)
        known = _EXACTLY if len(parts[0].keys) <= SAMPLED else 0
        counted = np.full(len(rules), known, dtype=np.int8)
        is_free = np.ones(len(rules), dtype=np.bool_)
        left = seeds.weight.astype(np.float32)
        return cls(rules, parts, seeds, hits, cost, counted, is_free, left, hits @ left)

    def count(self, best: int) -> None:
        """Count a candidate better, with those that differ in their largest block."""
        atoms = self.rules[best].atoms
        alike = [i for i, rule in enumerate(self.rules) if rule.atoms == atoms]
        used = [self.parts[i] for i in atoms]
        way = BlockSizes if self.counted[best] else NearBlockSizes
        blocks = way.of(combined(used))
        size = blocks.at(combined(used, self.seeds.left))
        agree = np.logical_and.reduce([_agree(part, self.seeds) for part in used])
        for i, pairs in zip(
            alike, blocks.pairs([self.rules[i].largest for i in alike]), strict=True
        ):
            self.cost[i] = pairs
            self.hits[i] = agree & (size <= self.rules[i].largest)
        self.gain[alike] = self.hits[alike] @ self.left
        self.counted[alike] += 1

    def take(self, best: int) -> None:
        """Let what it finds be worth less; smaller blocks of it are not taken again."""
        taken = self.rules[best]
        self.is_free &= np.array(
            [r.atoms != taken.atoms or r.largest > taken.largest for r in self.rules]
        )
        self.left = np.where(self.hits[best] > 0, self.left * _MISSED_ANYWAY, self.left)
        self.gain = self.hits @ self.left
