"""Blocking rules chosen under a budget of pairs: which pairs are compared at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from dmp.core.errors import UsageError
from dmp.identity.link.atoms import Atom, combined
from dmp.identity.link.blocking import (
    SAMPLED,
    BlockingRule,
    counted_pairs,
    estimated_pairs,
    pair_budget,
)
from dmp.identity.link.hashing import Ints
from dmp.identity.link.model import RuleModel
from dmp.identity.link.nodes import Nodes
from dmp.identity.link.pseudo_matches import PseudoMatches, pseudo_matches

Flags = npt.NDArray[np.bool_]
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
    return _greedy(candidates, parts, seeds, budget)


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
    keys = combined([parts[i] for i in rule], SAMPLED)
    n_nodes = len(parts[0].keys)
    sizes = (*_BLOCK_SIZES, n_nodes)
    costs = estimated_pairs(keys, n_nodes, sizes)
    name = " + ".join(parts[i].name for i in rule)
    made: list[BlockingRule] = []
    for size, cost in zip(sizes, costs, strict=True):
        is_new = not made or cost > 1.2 * made[-1].pairs or size == n_nodes
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


def _greedy(
    candidates: Sequence[BlockingRule],
    parts: Sequence[Atom],
    seeds: PseudoMatches,
    budget: int,
) -> list[BlockingRule]:
    """Take the rule of most new pseudo-matches a pair, again and again.

    The best is counted exactly before it is taken, and weighed anew if it was not. A
    pseudo-match found once still counts for less than nothing found: real matches
    resemble it, but miss each rule with some probability.
    """
    agree = [_agree(part, seeds) for part in parts]
    rules = list(candidates)
    hits = np.array([_all(agree, rule) for rule in rules], dtype=np.float32)
    cost = np.array([rule.pairs for rule in rules], dtype=np.float64)
    is_free = np.ones(len(rules), dtype=bool)
    is_counted = np.zeros(len(rules), dtype=bool)
    left = seeds.weight.astype(np.float32)
    scale = float(left.sum())
    chosen: list[BlockingRule] = []
    spent = 0.0
    while len(chosen) < _MAX_RULES:
        gain = hits @ left
        is_open = is_free & (spent + cost <= budget)
        value = np.where(is_open, gain / (cost + budget / 50), 0.0)
        best = int(np.argmax(value))
        if gain[best] / scale < _LEAST_GAIN or value[best] <= 0:
            break
        if not is_counted[best]:
            alike = [i for i, r in enumerate(rules) if r.atoms == rules[best].atoms]
            found = np.flatnonzero(hits[best])
            counts = _counted([rules[i] for i in alike], parts, seeds.left[found])
            for i, (pairs, is_kept) in zip(alike, counts, strict=True):
                rules[i] = replace(rules[i], pairs=round(pairs))
                hits[i, found[~is_kept]] = 0
                cost[i] = pairs
            is_counted[alike] = True
            continue
        rule = replace(rules[best], gain=float(gain[best] / scale))
        chosen.append(rule)
        spent += rule.pairs
        is_free &= np.array(
            [r.atoms != rule.atoms or r.largest > rule.largest for r in rules]
        )
        left = np.where(hits[best] > 0, left * _MISSED_ANYWAY, left)
    last = {rule.atoms: number for number, rule in enumerate(chosen)}
    return [rule for number, rule in enumerate(chosen) if last[rule.atoms] == number]


def _agree(part: Atom, seeds: PseudoMatches) -> Flags:
    one = part.keys[seeds.left]
    return np.asarray((one == part.keys[seeds.right]) & (one >= 0))


def _all(agree: Sequence[Flags], rule: BlockingRule) -> Flags:
    return np.asarray(np.logical_and.reduce([agree[i] for i in rule.atoms]))


def _counted(
    rules: Sequence[BlockingRule], parts: Sequence[Atom], nodes: Ints
) -> Iterator[tuple[float, Flags]]:
    """Count the pairs of rules of the same atoms that differ in their largest block.

    Gives for each its pairs, and which of some nodes are in blocks that it keeps.
    """
    keys = combined([parts[i] for i in rules[0].atoms])
    ordered = np.sort(keys)
    counts = counted_pairs(
        ordered[np.searchsorted(ordered, 0) :], [rule.largest for rule in rules]
    )
    first = np.searchsorted(ordered, keys[nodes])
    for rule, pairs in zip(rules, counts, strict=True):
        # A block is too large if the key that far after its first is still the same.
        after = first + rule.largest
        last = np.minimum(after, len(ordered) - 1)
        is_too_large = (after < len(ordered)) & (ordered[last] == keys[nodes])
        yield pairs, ~is_too_large
