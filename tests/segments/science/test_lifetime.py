"""Lifetime value and lift: against known truth and published numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from dmp.core.errors import UsageError
from dmp.segments.science import lifetime
from dmp.segments.science.holdout import bucket, held_out, lift
from dmp.segments.science.lifetime import History, Purchases, Reference

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
HORIZON = timedelta(weeks=26)
AS_OF = BEGIN + timedelta(weeks=66)
CUSTOMERS = 1500


@pytest.fixture(scope="module")
def made() -> pd.DataFrame:
    """Customers as BG/NBD says: they buy at their own rate until they stop."""
    rng = np.random.default_rng(3)
    rows = []
    for customer in range(CUSTOMERS):
        rate, stop = rng.gamma(0.6, 1 / 6.0), rng.beta(0.8, 2.5)
        spend = 1 / rng.gamma(4.0, 1 / 60.0)
        week = float(rng.uniform(0, 26))
        while week < 92:
            rows.append((customer, week, rng.gamma(6.0, spend / 6.0)))
            if len(rows) > 1 and rng.random() < stop and rows[-2][0] == customer:
                break
            week += rng.exponential(1 / rate)
    frame = pd.DataFrame(rows, columns=["customer", "week", "amount"])
    frame["at"] = pd.Timestamp(BEGIN) + pd.to_timedelta(frame.week * 7, unit="D")
    return frame


def test_the_reference_agrees_with_its_authors() -> None:
    """Parameters and values of the CDNOW sample of 2,357 customers.

    Source: Fader, Hardie, Lee 2005: a customer with x = 2, t_x = 30.43, T = 38.86 is
    expected to buy 1.226 times in the next 39 weeks.
    """
    model = Reference(0.243, 4.414, 0.793, 2.426, 6.25, 3.74, 15.44)
    one = np.array([2.0])
    known = History(
        np.array([0]), one, np.array([30.43]), np.array([38.86]), one * 35, {}
    )
    assert model.purchases(known, 39)[0] == pytest.approx(1.226, abs=2e-3)


def test_expected_spend_meets_what_is_spent(made: pd.DataFrame) -> None:
    purchases = Purchases.of(made)
    known = lifetime.history(purchases, AS_OF)
    spent = purchases.spent(AS_OF, AS_OF + HORIZON)[known.customer]
    model = lifetime.fit(purchases, AS_OF, HORIZON)
    judged = lifetime.judge(model.expected(known), spent)
    everybody = lifetime.judge(np.full(len(spent), spent.mean()), spent)
    assert judged.total_ratio.value == pytest.approx(1.0, abs=0.2)
    assert judged.absolute_error.high < everybody.absolute_error.value
    assert judged.rank.low > 0.3
    assert everybody.rank.value == 0
    assert judged.absolute_error.low < judged.absolute_error.value


def test_what_is_bought_later_changes_no_expectation(made: pd.DataFrame) -> None:
    told = []
    for rows in (made, made[made["at"] <= AS_OF]):
        purchases = Purchases.of(rows)
        known = lifetime.history(purchases, AS_OF)
        model = lifetime.fit(purchases, AS_OF, HORIZON)
        names = purchases.names[known.customer]
        told.append(dict(zip(names.tolist(), model.expected(known), strict=True)))
    assert told[0] == pytest.approx(told[1])
    assert len(told[0]) > 1000


def test_days_are_counted_once_and_instants_bound() -> None:
    day = "2026-01-0"
    rows = pd.DataFrame(
        {
            "customer": ["b", "a", "a", "a", "a"],
            "at": [f"{day}1", f"{day}1 08:00", f"{day}1 09:00", f"{day}8", f"{day}9"],
            "amount": [-3.0, 1.0, 2.0, 10.0, 99.0],
        }
    )
    rows["at"] = pd.to_datetime(rows["at"], format="ISO8601")
    purchases = Purchases.of(rows)
    known = lifetime.history(purchases, datetime(2026, 1, 8, 12, tzinfo=UTC))
    assert purchases.names.tolist() == ["a", "b"]
    assert known.frequency.tolist() == [1, 0]
    assert known.recency.tolist() == [known.age[0], 0]
    assert known.value.tolist() == [10, 0]
    assert known.columns["total"].tolist() == [13, 0]
    eighth, ninth = (datetime(2026, 1, n, tzinfo=UTC) for n in (8, 9))
    assert purchases.spent(eighth, ninth).tolist() == [99, 0]


def test_too_few_customers_are_refused() -> None:
    rows = pd.DataFrame({"customer": [1], "at": ["2026-01-01"], "amount": [1.0]})
    with pytest.raises(UsageError, match="needs 200 customers"):
        lifetime.fit(Purchases.of(rows), AS_OF, HORIZON)
    with pytest.raises(UsageError, match="no purchases"):
        Purchases.of(rows.iloc[:0])
    with pytest.raises(UsageError, match="twenty"):
        lifetime.judge(np.ones(3), np.ones(3))


def test_the_interval_is_newcombes() -> None:
    """Source: Newcombe 1998, table II, example (a), method 10."""
    found = lift(70, 56, 80, 48)
    assert found.difference.value == pytest.approx(0.2)
    assert found.difference.low == pytest.approx(0.0524, abs=5e-5)
    assert found.difference.high == pytest.approx(0.3339, abs=5e-5)
    assert found.is_shown
    assert found.extra.value == pytest.approx(14)
    assert found.ratio is not None
    assert found.ratio.low < found.ratio.value == pytest.approx(1 / 3)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(1000):
        found = lift(300, rng.binomial(300, 0.12), 60, rng.binomial(60, 0.08))
        held += found.difference.low <= 0.04 <= found.difference.high
    assert 0.93 <= held / 1000 <= 0.985


def test_sides_are_random_and_lasting() -> None:
    ids = [f"p{n}" for n in range(4000)]
    treated, held = held_out(ids, percent=20, salt="a")
    assert sorted(treated + held) == sorted(ids)
    assert len(held) / len(ids) == pytest.approx(0.2, abs=0.02)
    assert held_out(ids[:100], percent=20, salt="a")[1] == [
        one for one in held if one in ids[:100]
    ]
    other = set(held_out(ids, percent=20, salt="b")[1])
    assert len(other & set(held)) / len(held) == pytest.approx(0.2, abs=0.05)
    assert all(bucket(one, "a") < 20 for one in held)
    for percent, salt in ((101, "a"), (-1, "a"), (10, "")):
        with pytest.raises(UsageError):
            held_out(ids, percent=percent, salt=salt)
    for wrong in ((0, 0, 5, 1), (5, 6, 5, 1)):
        with pytest.raises(UsageError):
            lift(*wrong)
