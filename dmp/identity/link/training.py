"""Match weights found without labels, by EM over patterns of comparison levels.

Source: Fellegi & Sunter 1969; Winkler 2000 (EM); Enamorado, Fifield, Imai 2019 (EM over
patterns); Larsen & Rubin 2001 (mixtures with more than two classes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dmp.identity.link.classes import (
    ADDRESS,
    AREA,
    AT_HOME,
    BIRTH,
    HOUSEHOLD,
    LIKE_ONE,
    MOST_LIKE_ONE,
    MOVED,
    N_CLASSES,
    NAMESAKE,
    PERHAPS_SHARED,
    RANDOM,
    SAME,
    SHARED_AT_HOME,
    TWIN,
    expected_matches,
    expected_tables,
    is_own,
    possible,
)
from dmp.identity.link.columns import Kind
from dmp.identity.link.patterns import Floats, Patterns
from dmp.identity.link.vectors import Comparison

_ITERATIONS = 40
_SETTLED = 1e-4
_PRIOR_PAIRS = 20.0
"""Weight, in pairs, of what is expected of a comparison before any pair is seen."""
_DOUBTED_PAIRS = 100.0
"""The same for what may say nothing of who a person is: words of no known kind."""
_DOUBT = 5.0
"""Doubt of unknown words for each unit of the chance that strangers agree on them."""
_RARE_PAIRS = 200.0
"""The same for what is known beforehand and seldom filled: junior and senior."""
_LEAST = 1e-9
_MOST_UNLIKE = {
    Kind.GIVEN_NAME: 0.15,
    Kind.FAMILY_NAME: 0.3,
    Kind.DATE: 0.2,
}
"""Share of the matches whose values may have nothing in common, by kind.

Without this people alike in the rest, as a family or all of one given name, can pass
for one person."""


@dataclass(frozen=True)
class Parameters:
    """Probability of each level of each comparison in each class.

    Attributes:
        levels: one table a comparison, classes down, levels across; rows sum to 1.
        shares: share of each class among all pairs of nodes.
    """

    levels: tuple[Floats, ...]
    shares: Floats

    def log_likelihood(self, patterns: npt.NDArray[np.int8]) -> Floats:
        """Return log P(pattern | class): patterns down, classes across."""
        found = np.zeros((len(patterns), N_CLASSES))
        for place, table in enumerate(self.levels):
            found += _logs(table)[patterns[:, place]]
        return found


def _logs(table: Floats) -> Floats:
    """Return the logarithms by level, with a row of zeros for missing at the end."""
    logs = np.log(np.maximum(table, _LEAST)).T
    return np.vstack([logs, np.zeros((1, table.shape[0]))])


@dataclass(frozen=True)
class Evidence:
    """What training sees.

    Attributes:
        random: patterns of pairs drawn at random.
        blocked: patterns of blocked pairs; `extra` has the bits of their rules.
        blocks_on: comparisons that each rule's atoms are made from.
        chance: probability that two random nodes agree exactly, by comparison.
        n_pairs: all pairs of nodes.
        thinned: blocked pairs for each one that is seen.
    """

    random: Patterns
    blocked: Patterns
    blocks_on: tuple[frozenset[int], ...]
    chance: Floats
    n_pairs: float
    thinned: float = 1.0


def train(evidence: Evidence, compared: Sequence[Comparison]) -> Parameters:
    """Estimate the parameters; same evidence, same result."""
    fit = _start(evidence, compared)
    for _ in range(_ITERATIONS):
        before = fit
        fit = _step(evidence, compared, fit)
        if _change(before, fit) < _SETTLED:
            break
    return fit.parameters


@dataclass(frozen=True)
class _Fit:
    """Parameters, and the share of each class among the pairs of each rule."""

    parameters: Parameters
    rule_shares: Floats


def _change(one: _Fit, other: _Fit) -> float:
    tables = zip(one.parameters.levels, other.parameters.levels, strict=True)
    return max(float(np.abs(a - b).max()) for a, b in tables)


def _start(evidence: Evidence, compared: Sequence[Comparison]) -> _Fit:
    tables = []
    for place, comparison in enumerate(compared):
        u = _random_levels(evidence, place, comparison)
        tables.append(expected_tables(comparison, u, expected_matches(comparison)))
    shares = np.array([1.0, 0.01, 1e-6, 1e-7, 1e-7, 1e-5, 1e-6]) * possible(compared)
    rules = np.tile(
        [0.5, 0.05, 0.05, 0.01, 0.01, 0.3, 0.1], (len(evidence.blocks_on), 1)
    )
    rules *= possible(compared)
    return _Fit(
        Parameters(tuple(tables), shares / shares.sum()),
        rules / rules.sum(axis=1, keepdims=True),
    )


def _random_levels(evidence: Evidence, place: int, comparison: Comparison) -> Floats:
    """Return how often random nodes show each level; the same value in closed form."""
    u = _frequencies(evidence.random, place, comparison)
    exact = max(float(evidence.chance[place]), 1e-9)
    rest = u[1:].sum()
    return np.concatenate([[exact], u[1:] * (1 - exact) / max(rest, _LEAST)])


def _frequencies(patterns: Patterns, place: int, comparison: Comparison) -> Floats:
    levels = patterns.levels[:, place]
    known = levels >= 0
    counts = np.bincount(
        levels[known], patterns.counts[known], minlength=comparison.n_levels
    )
    return np.asarray((counts + 1e-3) / (counts.sum() + 1e-3 * len(counts)))


def _step(evidence: Evidence, compared: Sequence[Comparison], fit: _Fit) -> _Fit:
    state = fit.parameters
    random = _responsibility(state.log_likelihood(evidence.random.levels), state.shares)
    likelihood = state.log_likelihood(evidence.blocked.levels)
    counts = [np.zeros_like(table) for table in state.levels]
    rule_shares = fit.rule_shares.copy()
    for number, fields in enumerate(evidence.blocks_on):
        rows = np.flatnonzero(evidence.blocked.extra >> number & 1)
        if len(rows):
            rule_shares[number] = _add_rule(
                evidence.blocked,
                state,
                likelihood,
                rows,
                fields,
                rule_shares[number],
                counts,
            )
    area = _totals(evidence.random, np.arange(len(random)), random, compared)
    shares = _shares(evidence, state, likelihood, random)
    tables = tuple(
        _maximised(
            comparison,
            _random_levels(evidence, i, comparison),
            state.levels[i],
            counts[i],
            area[i],
            shares,
        )
        for i, comparison in enumerate(compared)
    )
    return _Fit(Parameters(tables, shares), rule_shares)


def _responsibility(likelihood: Floats, shares: Floats) -> Floats:
    logs = likelihood + np.log(np.maximum(shares, 1e-300))
    logs -= logs.max(axis=1, keepdims=True)
    found = np.exp(logs)
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _add_rule(
    patterns: Patterns,
    state: Parameters,
    likelihood: Floats,
    rows: npt.NDArray[np.int64],
    fields: frozenset[int],
    shares: Floats,
    counts: Sequence[Floats],
) -> Floats:
    """Add the expected levels of one rule's pairs to `counts`; return its shares.

    What the rule blocks on agrees by choice, so it is neither believed nor counted.
    """
    seen = likelihood[rows].copy()
    for place in fields:
        seen -= _logs(state.levels[place])[patterns.levels[rows, place]]
    weight = patterns.counts[rows]
    for _ in range(3):
        found = _responsibility(seen, shares)
        shares = weight @ found / weight.sum()
    for place, table in enumerate(counts):
        if place not in fields:
            table += _by_level(
                patterns.levels[rows, place], weight, found, table.shape[1]
            )
    return shares


def _by_level(
    levels: npt.NDArray[np.int8], weight: Floats, found: Floats, n_levels: int
) -> Floats:
    known = levels >= 0
    at = levels[known]
    return np.stack(
        [
            np.bincount(at, (weight * found[:, c])[known], minlength=n_levels)
            for c in range(N_CLASSES)
        ]
    )


def _totals(
    patterns: Patterns,
    rows: npt.NDArray[np.int64],
    found: Floats,
    compared: Sequence[Comparison],
) -> list[Floats]:
    return [
        _by_level(patterns.levels[rows, i], patterns.counts[rows], found, c.n_levels)
        for i, c in enumerate(compared)
    ]


def _shares(
    evidence: Evidence, state: Parameters, likelihood: Floats, random: Floats
) -> Floats:
    """Estimate the share of each class among all pairs."""
    blocked = evidence.blocked.counts @ _responsibility(likelihood, state.shares)
    shares = blocked * evidence.thinned / evidence.n_pairs
    weight = evidence.random.counts
    shares[AREA] = weight @ random[:, AREA] / weight.sum()
    shares[RANDOM] = 0.0
    for c in LIKE_ONE:
        shares[c] = min(shares[c], MOST_LIKE_ONE * shares[SAME])
    shares[RANDOM] = max(1 - shares.sum(), 0.5)
    return np.asarray(shares / shares.sum())


def _maximised(
    comparison: Comparison,
    random: Floats,
    before: Floats,
    counts: Floats,
    area: Floats,
    shares: Floats,
) -> Floats:
    """Return the table of one comparison from its expected counts."""
    prior = _expected(comparison, random)
    is_address = comparison.kind in ADDRESS
    table = before.copy()
    if is_address:
        table[[SAME, *AT_HOME]] = _share(counts[SAME] + counts[HOUSEHOLD] + prior)
        table[MOVED] = _share(counts[MOVED] + _PRIOR_PAIRS * before[RANDOM])
        if comparison.kind in (Kind.PLACE, Kind.POSTCODE):
            table[AREA] = _share(area[AREA] + _PRIOR_PAIRS * before[SAME])
    else:
        same = _share(counts[SAME] + counts[MOVED] + prior)
        if comparison.kind in _MOST_UNLIKE:
            most = _MOST_UNLIKE[comparison.kind]
            same = _seldom(same, comparison.all_else, most)
        table[SAME] = table[MOVED] = same
        if comparison.kind in SHARED_AT_HOME:
            table[list(AT_HOME)] = _share(counts[HOUSEHOLD] + prior)
        if comparison.kind in PERHAPS_SHARED and table[SAME, 0] < table[HOUSEHOLD, 0]:
            table[SAME] = table[HOUSEHOLD]
        if comparison.kind == Kind.FAMILY_NAME or comparison.kind in BIRTH:
            table[TWIN] = table[SAME]
        if comparison.kind in (Kind.FAMILY_NAME, Kind.GIVEN_NAME):
            table[NAMESAKE] = table[SAME]
        elif comparison.kind == Kind.GENERATION:
            table[NAMESAKE] = _share(counts[NAMESAKE] + prior[::-1])
    known = [c for c in range(1, N_CLASSES) if is_own(comparison, c)]
    taken = sum(shares[c] * table[c] for c in known)
    u = np.maximum(random - taken, 0.03 * random)
    u /= u.sum()
    for c in range(N_CLASSES):
        if c not in known:
            table[c] = u
    return np.maximum(table, _LEAST)


def _expected(comparison: Comparison, random: Floats) -> Floats:
    """Return what is expected of matches, in pairs.

    Words of no known kind are expected to agree by chance the more, the fewer values
    there are: a state of affairs has few, a name many.
    """
    expected = expected_matches(comparison)
    if comparison.kind in PERHAPS_SHARED:
        doubt = min(_DOUBT * random[0], 1.0)
        believed = _PRIOR_PAIRS * (1 - doubt) * expected
        return np.asarray(_DOUBTED_PAIRS * doubt * random + believed)
    if comparison.kind == Kind.GENERATION:
        return np.asarray(_RARE_PAIRS * expected)
    return np.asarray(_PRIOR_PAIRS * expected)


def _seldom(m: Floats, level: int, most: float) -> Floats:
    """Hold a level of matches down; the others get what it gives up in proportion."""
    if m[level] <= most:
        return m
    held = m * (1 - most) / (1 - m[level])
    held[level] = most
    return np.asarray(held)


def _share(counts: Floats) -> Floats:
    return np.asarray(counts / counts.sum())
