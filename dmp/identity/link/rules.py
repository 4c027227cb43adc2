"""Blocking rules chosen under a budget of pairs: which pairs are compared at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dmp.core.errors import UsageError
from dmp.identity.link.atoms import Atom, combined
from dmp.identity.link.blocking import (
    BlockingRule,
    counted_pairs,
    estimated_pairs,
    pair_budget,
)
from dmp.identity.link.model import RuleModel
from dmp.identity.link.nodes import Ints, Nodes
from dmp.identity.link.pseudo_matches import PseudoMatches, pseudo_matches

Flags = npt.NDArray[np.bool_]
_BLOCK_SIZES = (10, 40, 200)
"""Largest blocks a rule may keep: pairs of a commoner value are left to other rules."""
_MISSED_ANYWAY = 0.4
"""Share of the matches that a rule misses though its estimate says it finds them."""
_MAX_RULES = 30
_MISJUDGED = 1.3
"""A rule that gives so many times the pairs that were estimated is weighed anew."""
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
        [cost] = counted_pairs(keys[keys >= 0], [rule.largest_block])
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
    candidates: Sequence[BlockingRule], parts: Sequence[Atom], seeds: PseudoMatches
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
    seeds: PseudoMatches,
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
        if gain[best] / scale < _LEAST_GAIN or value[best] <= 0:
            break
        rule = candidates[best]
        keys = combined([parts[i] for i in rule.atoms])
        [true_cost] = counted_pairs(keys[keys >= 0], [rule.largest])
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
