from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_people import People

from dmp.core.sql import sql
from dmp.identity.bridges import held_alone
from dmp.identity.signed_graph import components

PAIRS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda p: p[0] < p[1]),
    unique=True,
    max_size=20,
)


@given(PAIRS)
def test_a_bridge_is_a_pair_without_which_there_are_more_parts(
    pairs: list[tuple[int, int]],
) -> None:
    left, right = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    parts = components(10, left, right)
    found = held_alone(10, left, right)
    for place in range(len(pairs)):
        rest = np.arange(len(pairs)) != place
        without = components(10, left[rest], right[rest])
        sides = [int((without == without[s[place]]).sum()) for s in (left, right)]
        is_bridge = len(np.unique(without)) > len(np.unique(parts))
        assert found[place] == (min(sides) if is_bridge else 0)


def test_a_long_chain_is_all_bridges() -> None:
    n = 2_000
    found = held_alone(n, np.arange(n - 1), np.arange(1, n))
    assert found.tolist() == [min(i + 1, n - 1 - i) for i in range(n - 1)]


@pytest.mark.parametrize("again", [False, True], ids=["one", "two"])
def test_a_run_keeps_what_each_bridge_holds(people: People, again: bool) -> None:
    people.add(1, 2, 3, 4)
    people.share("email", "a", [1, 2])
    people.share("email", "b", [3, 4])
    people.share("phone", "c", [2, 3])
    if again:
        people.share("phone", "d", [1, 4])
    people.resolve()
    query = (
        "select subject_id_l, subject_id_r, held_alone from identity.edge order by 1"
    )
    kept = {(one, other): n for one, other, n in people.lake.rows(sql(query))}
    if again:
        assert set(kept.values()) == {None}
    else:
        assert kept == {(1, 2): 1, (2, 3): 2, (3, 4): 1}
