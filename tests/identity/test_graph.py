from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dmp.identity.graph import Edges, Limits, Partition, cluster, components

INF = float("inf")
Pairs = dict[tuple[int, int], float]


def edges_of(pairs: Pairs, compared: bool = True) -> Edges:
    order = list(pairs)
    return Edges(
        np.array([pair[0] for pair in order], dtype=np.int64),
        np.array([pair[1] for pair in order], dtype=np.int64),
        np.array([pairs[pair] for pair in order], dtype=np.float64),
        np.full(len(order), compared, dtype=np.bool_),
    )


def run(n: int, pairs: Pairs, limits: Limits | None = None, **kinds: bool) -> Partition:
    comparable = np.full(n, kinds.get("comparable", True), dtype=np.bool_)
    made = edges_of(pairs, kinds.get("compared", True))
    return cluster(n, made, comparable, limits or Limits())


@st.composite
def graphs(
    draw: st.DrawFn, weights: st.SearchStrategy[float], most: int = 7
) -> tuple[int, Pairs]:
    n = draw(st.integers(1, most))
    pairs = list(itertools.combinations(range(n), 2))
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return n, {pair: draw(weights) for pair in chosen}


FINITE = st.integers(-12, 12).map(float)
SIGNED = st.one_of(FINITE, st.sampled_from([INF, -INF]))


def partitions(nodes: list[int]) -> Iterator[list[list[int]]]:
    if not nodes:
        yield []
        return
    first, *rest = nodes
    for smaller in partitions(rest):
        yield [[first], *smaller]
        for place, part in enumerate(smaller):
            yield [*smaller[:place], [first, *part], *smaller[place + 1 :]]


def value(label: list[int], pairs: Pairs, penalty: float) -> float:
    total = 0.0
    for pair in itertools.combinations(range(len(label)), 2):
        if label[pair[0]] == label[pair[1]]:
            total += pairs.get(pair, -penalty)
    return total


@given(graphs(SIGNED), st.randoms(use_true_random=False))
def test_the_order_of_edges_makes_no_difference(
    graph: tuple[int, Pairs], chance: random.Random
) -> None:
    n, pairs = graph
    shuffled = list(pairs.items())
    chance.shuffle(shuffled)
    assert run(n, pairs).label.tolist() == run(n, dict(shuffled)).label.tolist()


@given(graphs(SIGNED), st.integers(2, 7), st.sampled_from([0.0, 1.0, 3.0]))
def test_a_partition_is_valid_and_keeps_its_limits(
    graph: tuple[int, Pairs], most: int, penalty: float
) -> None:
    n, pairs = graph
    found = run(n, pairs, Limits(penalty, most))
    label = found.label.tolist()
    for node, root in enumerate(label):
        assert label[root] == root <= node
    assert max(label.count(root) for root in label) <= most
    for (left, right), weight in pairs.items():
        if weight == -INF:
            assert label[left] != label[right]


@given(graphs(st.one_of(FINITE, st.just(INF))))
def test_what_must_link_links_where_nothing_must_not(graph: tuple[int, Pairs]) -> None:
    n, pairs = graph
    label = run(n, pairs).label
    for (left, right), weight in pairs.items():
        assert weight != INF or label[left] == label[right]


@settings(max_examples=60, deadline=None)
@given(graphs(FINITE, most=6), st.sampled_from([0.0, 1.0]))
def test_joining_greedily_gains_and_never_beats_the_best(
    graph: tuple[int, Pairs], penalty: float
) -> None:
    n, pairs = graph
    label = run(n, pairs, Limits(penalty)).label.tolist()
    best = 0.0
    for parts in partitions(list(range(n))):
        names = [next(i for i, p in enumerate(parts) if node in p) for node in range(n)]
        best = max(best, value(names, pairs, penalty))
    reached = value(label, pairs, penalty)
    assert 0.0 <= reached <= best + 1e-9
    for one, other in itertools.combinations(sorted(set(label)), 2):
        joined = [one if root == other else root for root in label]
        assert value(joined, pairs, penalty) <= reached + 1e-9


@given(graphs(st.integers(1, 9).map(float)))
def test_evidence_for_alone_gives_connected_components(
    graph: tuple[int, Pairs],
) -> None:
    n, pairs = graph
    root = list(range(n))

    def find(node: int) -> int:
        while root[node] != node:
            node = root[node]
        return node

    for left, right in pairs:
        one, other = sorted((find(left), find(right)))
        root[other] = one
    expected = [find(node) for node in range(n)]
    label = run(n, pairs, comparable=False, compared=False).label.tolist()
    made = edges_of(pairs)
    assert label == expected == components(n, made.left, made.right).tolist()


def test_a_wrong_edge_does_not_join_two_households() -> None:
    households = [(0, 1, 2), (3, 4, 5)]
    pairs = {p: 9.0 for home in households for p in itertools.combinations(home, 2)}
    pairs[2, 3] = 3.0
    assert run(6, pairs).label.tolist() == [0, 0, 0, 3, 3, 3]
    assert run(6, pairs, Limits(0.0)).label.tolist() == [0] * 6


def test_a_refused_join_is_reported() -> None:
    found = run(3, {(0, 1): 5.0, (1, 2): 4.0, (0, 2): 4.0}, Limits(max_nodes=2))
    assert found.label.tolist() == [0, 0, 2]
    assert found.refused == [(0, 2)]


def test_no_nodes_and_no_edges() -> None:
    assert run(0, {}).label.tolist() == []
    assert run(3, {}).label.tolist() == [0, 1, 2]
