"""Classes of pairs, and what each comparison says of them.

Pairs are of a few classes. Matches: people at the same address (`same`) and people who
moved (`moved`), for whom all parts of the address differ together. Others: strangers
(`random`), strangers of one neighbourhood (`area`), different people of one household
(`household`), who share address and family name but no more, twins (`twin`), who share
the birth date as well, and namesakes (`namesake`), father and son of one name. Within a
class the comparisons are independent; so agreement on street, number, postcode and city
counts once, and a family is no match.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dmp.identity.link.columns import Kind
from dmp.identity.link.levels import LEVELS
from dmp.identity.link.patterns import Floats
from dmp.identity.link.vectors import Comparison

CLASSES = ("random", "area", "household", "twin", "namesake", "same", "moved")
N_CLASSES = len(CLASSES)
RANDOM, AREA, HOUSEHOLD, TWIN, NAMESAKE, SAME, MOVED = range(N_CLASSES)
LIKE_ONE = (TWIN, NAMESAKE)
MOST_LIKE_ONE = 0.2
"""Pairs of twins, and of namesakes, at most for each match at the same address."""
AT_HOME = (HOUSEHOLD, TWIN, NAMESAKE)
MATCHES = (SAME, MOVED)
ADDRESS = frozenset({Kind.STREET, Kind.HOUSE_NUMBER, Kind.PLACE, Kind.POSTCODE})
PERHAPS_SHARED = frozenset({Kind.TEXT, Kind.CATEGORY})
"""What may go with the home, or may not: only the pairs tell."""
SHARED_AT_HOME = frozenset({Kind.FAMILY_NAME, Kind.EMAIL, Kind.PHONE}) | PERHAPS_SHARED
BIRTH = frozenset({Kind.DATE, Kind.YEAR})


def possible(compared: Sequence[Comparison]) -> Floats:
    """Say by 1 or 0 which classes these comparisons can tell from the others."""
    kinds = {comparison.kind for comparison in compared}
    address = bool(kinds & ADDRESS)
    area = bool(kinds & {Kind.PLACE, Kind.POSTCODE})
    home = Kind.FAMILY_NAME in kinds and (
        address or bool(kinds & {Kind.EMAIL, Kind.PHONE})
    )
    named = {Kind.FAMILY_NAME, Kind.GIVEN_NAME} <= kinds
    born = bool(kinds & BIRTH)
    return np.array(
        [1.0, area, home, named and born, named and born and address, 1.0, address]
    )


def expected_tables(comparison: Comparison, u: Floats, m: Floats) -> Floats:
    """Return where training starts: levels across, classes down.

    Args:
        u: probabilities of the levels among strangers.
        m: those among matches.
    """
    table = np.tile(u, (N_CLASSES, 1))
    table[SAME] = m
    if comparison.kind in ADDRESS:
        table[list(AT_HOME)] = m
        if comparison.kind in (Kind.PLACE, Kind.POSTCODE):
            table[AREA] = 0.5 * m + 0.5 * u
            table[MOVED] = 0.3 * m + 0.7 * u
    else:
        table[MOVED] = m
        if comparison.kind == Kind.FAMILY_NAME:
            table[HOUSEHOLD] = 0.8 * m + 0.2 * u
            table[[TWIN, NAMESAKE]] = m
        elif comparison.kind in BIRTH:
            table[TWIN] = m
        elif comparison.kind == Kind.GIVEN_NAME:
            table[NAMESAKE] = m
        elif comparison.kind == Kind.GENERATION:
            table[NAMESAKE] = m[::-1]
        elif comparison.kind in SHARED_AT_HOME:
            table[list(AT_HOME)] = 0.2 * m + 0.8 * u
    return table


def expected_matches(comparison: Comparison) -> Floats:
    """Return what is expected among matches before any pair is seen."""
    n_near = len(LEVELS[comparison.kind])
    m = np.full(comparison.n_levels, 0.005)
    m[0] = 0.85
    if comparison.kind == Kind.GENERATION:
        return np.array([0.98, 0.02])
    if n_near:
        m[1 : 1 + n_near] = 0.1 / n_near
    m[comparison.all_else] = 0.05
    return np.asarray(m / m.sum())


def is_own(comparison: Comparison, place: int) -> bool:
    """Say whether a class has probabilities of its own, not those of chance."""
    if place in MATCHES:
        return True
    if place == TWIN:
        return comparison.kind in ADDRESS | SHARED_AT_HOME | BIRTH
    if place == NAMESAKE:
        own = {Kind.GIVEN_NAME, Kind.GENERATION}
        return comparison.kind in ADDRESS | SHARED_AT_HOME | own
    if place == AREA:
        return comparison.kind in (Kind.PLACE, Kind.POSTCODE)
    if place == HOUSEHOLD:
        return comparison.kind in ADDRESS or comparison.kind in SHARED_AT_HOME
    return False
