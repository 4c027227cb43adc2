"""Lifetime value: what each customer is expected to spend, from purchases alone.

Two models. The reference (`fit_reference`) is BG/NBD for how often with Gamma-Gamma
for how much. The learned one (`fit`) is gradient boosting over what the purchases of
each customer say at an instant, the reference's own expectation among it; it is
trained on windows that ended before that instant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dmp.core.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

Floats: TypeAlias = NDArray[np.float64]
DAY = timedelta(days=1)
WEEK_DAYS = 7.0
RECENT_DAYS = (30, 60, 90, 180)
LEAST_CUSTOMERS = 200
TRAINING_WINDOWS, TRAINING_STEP = 3, timedelta(days=30)
_PENALTY = 1e-3


@dataclass(frozen=True)
class Purchases:
    """Purchases of customers, one row a customer and day, sorted by both.

    Attributes:
        customer: integers from 0; `names[i]` says who i is.
        day: whole days since 1970 (UTC) until the end of the day of the purchase, so
            that one of this morning is not known at midnight before.
        amount: what was spent that day; nothing below 0.
    """

    names: NDArray[Any]
    customer: NDArray[np.int64]
    day: NDArray[np.int64]
    amount: Floats

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Purchases:
        """Return the purchases of a frame with customer, at and amount.

        Several on one day are one; refunds beyond what was spent count as nothing.

        Raises:
            UsageError: there is no row.
        """
        import pandas as pd

        if rows.empty:
            raise UsageError("there are no purchases to learn from")
        at = pd.to_datetime(rows["at"], utc=True).dt.ceil("D")
        days = (at - pd.Timestamp(0, tz="UTC")).dt.days
        keyed = pd.DataFrame(
            {"customer": rows["customer"], "day": days, "amount": rows["amount"]}
        )
        summed = keyed.groupby(["customer", "day"], as_index=False)["amount"].sum()
        codes, names = pd.factorize(summed["customer"], sort=True)
        return cls(
            np.asarray(names),
            codes.astype(np.int64),
            summed["day"].to_numpy(np.int64),
            summed["amount"].to_numpy(np.float64).clip(min=0.0),
        )

    def spent(self, since: datetime, until: datetime) -> Floats:
        """Return what each customer spent on days that ended in (since, until]."""
        inside = (self.day > day_of(since)) & (self.day <= day_of(until))
        summed = np.bincount(
            self.customer[inside], self.amount[inside], minlength=len(self.names)
        )
        return summed.astype(np.float64)


@dataclass(frozen=True)
class History:
    """What the purchases up to a day say of each customer known then.

    Attributes:
        customer: who, as in `Purchases`.
        frequency: days with a purchase after the first.
        recency: weeks from the first to the last.
        age: weeks from the first to the instant.
        value: mean spend of a day with a purchase after the first; 0 without one.
        columns: further features by name.
    """

    customer: NDArray[np.int64]
    frequency: Floats
    recency: Floats
    age: Floats
    value: Floats
    columns: Mapping[str, Floats]


def day_of(at: datetime) -> int:
    """Return the whole days since 1970."""
    return int(at.timestamp() // 86400)


def history(purchases: Purchases, as_of: datetime) -> History:
    """Return what is known of each customer by the days that have ended at `as_of`."""
    until = day_of(as_of)
    seen = purchases.day <= until
    customer, at = purchases.customer[seen], purchases.day[seen]
    amount = purchases.amount[seen]
    who, start, count = np.unique(customer, return_index=True, return_counts=True)
    end = start + count - 1
    first, last = at[start], at[end]
    total = np.add.reduceat(amount, start) if len(who) else np.zeros(0)
    later = total - amount[start]
    frequency = (count - 1).astype(np.float64)
    recency, age = (last - first) / WEEK_DAYS, (until - first) / WEEK_DAYS
    columns = {
        "weeks_since_last": age - recency,
        "first_amount": amount[start],
        "last_amount": amount[end],
        "total": total,
        "largest": np.maximum.reduceat(amount, start) if len(who) else np.zeros(0),
        "gap_weeks": np.divide(
            recency, frequency, out=np.full(len(who), np.nan), where=frequency > 0
        ),
    }
    for days in RECENT_DAYS:
        recent = at > until - days
        for name, weight in (("days", None), ("spent", amount)):
            weights = recent * 1.0 if weight is None else recent * weight
            summed = np.bincount(customer, weights, minlength=len(purchases.names))
            columns[f"{name}_{days}d"] = summed[who]
    value = np.divide(later, frequency, out=np.zeros(len(who)), where=frequency > 0)
    return History(who, frequency, recency, age, value, columns)


@dataclass(frozen=True)
class Reference:
    """BG/NBD and Gamma-Gamma with the parameters that fitted best, in weeks.

    Source: Fader, Hardie, Lee 2005, "Counting Your Customers" the Easy Way; Fader,
    Hardie 2013, The Gamma-Gamma Model of Monetary Value.
    """

    r: float
    alpha: float
    a: float
    b: float
    p: float
    q: float
    v: float

    def purchases(self, known: History, weeks: float) -> Floats:
        """Return the expected days with a purchase in the next weeks (equation 10)."""
        from scipy.special import hyp2f1

        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        x, until = known.frequency, alpha + known.age
        z = weeks / (until + weeks)
        grown = 1 - (until / (until + weeks)) ** (r + x) * hyp2f1(
            r + x, b + x, a + b + x - 1, z
        )
        expected = (a + b + x - 1) / (a - 1) * grown / (1 + self._odds_of_death(known))
        return np.asarray(expected, np.float64)

    def alive(self, known: History) -> Floats:
        """Return the probability that a customer still buys at all."""
        return 1 / (1 + self._odds_of_death(known))

    def value(self, known: History) -> Floats:
        """Return the expected spend of a day with a purchase (equation 5)."""
        x = known.frequency
        everyone = self.p * self.v / (self.q - 1)
        weight = self.p * x / (self.p * x + self.q - 1)
        return (1 - weight) * everyone + weight * known.value

    def spend(self, known: History, weeks: float) -> Floats:
        """Return the expected spend of the next weeks."""
        return self.purchases(known, weeks) * self.value(known)

    def _odds_of_death(self, known: History) -> Floats:
        x = known.frequency
        grown = ((self.alpha + known.age) / (self.alpha + known.recency)) ** (
            self.r + x
        )
        return np.where(x > 0, self.a / (self.b + np.maximum(x, 1) - 1) * grown, 0.0)


def fit_reference(known: History) -> Reference:
    """Return the reference model of greatest likelihood, slightly penalised.

    Raises:
        UsageError: too few customers, or none who bought again.
    """
    again = (known.frequency > 0) & (known.value > 0)
    if len(known.customer) < LEAST_CUSTOMERS or again.sum() < LEAST_CUSTOMERS // 10:
        raise UsageError(
            f"lifetime value needs {LEAST_CUSTOMERS} customers and "
            f"{LEAST_CUSTOMERS // 10} who bought again; there are "
            f"{len(known.customer)} and {int(again.sum())}"
        )
    r, alpha, a, b = _least(_bg_nbd, known, 4)
    p, q, v = _least(
        _gamma_gamma, (known.frequency[again], known.value[again]), 3, scale=known.value
    )
    return Reference(r, alpha, a, b, p, q, v)


def _least(
    loss: Any, data: Any, parameters: int, scale: Floats | None = None
) -> tuple[float, ...]:
    """Return the positive parameters of the least loss."""
    from scipy.optimize import minimize

    start = np.zeros(parameters)
    if scale is not None:
        start = np.log([2.0, 3.0, max(float(scale[scale > 0].mean()), 1e-3)])
    found = minimize(
        lambda logs: loss(np.exp(logs), data) + _PENALTY * float(logs @ logs),
        start,
        method="Nelder-Mead",
        options={"maxiter": 4000, "xatol": 1e-4, "fatol": 1e-8},
    )
    return tuple(float(value) for value in np.exp(found.x))


def _bg_nbd(parameters: Floats, known: History) -> float:
    """Return the mean negative log-likelihood (equation 6)."""
    from scipy.special import gammaln

    r, alpha, a, b = parameters
    x = known.frequency
    rate = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stay = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    alive = -(r + x) * np.log(alpha + known.age)
    gone = np.where(
        x > 0,
        np.log(a)
        - np.log(b + np.maximum(x, 1) - 1)
        - (r + x) * np.log(alpha + known.recency),
        -np.inf,
    )
    return -float(np.mean(rate + stay + np.logaddexp(alive, gone)))


def _gamma_gamma(parameters: Floats, data: tuple[Floats, Floats]) -> float:
    from scipy.special import gammaln

    p, q, v = parameters
    x, m = data
    if q <= 1:
        return float("inf")
    terms = (
        gammaln(p * x + q)
        - gammaln(p * x)
        - gammaln(q)
        + q * np.log(v)
        + (p * x - 1) * np.log(m)
        + p * x * np.log(x)
        - (p * x + q) * np.log(v + x * m)
    )
    return -float(np.mean(terms))


_LEARNED_FROM = (
    *("weeks_since_last", "gap_weeks", "days_90d", "spent_90d", "days_180d"),
    *("spent_180d", "largest", "last_amount"),
)
"""Features that mean the same however old the customers are: none is an age."""


@dataclass(frozen=True)
class LifetimeModel:
    """What a customer is expected to spend in the next weeks: the mean of two models.

    The reference knows how purchases die away, the learned model what it does not
    read: recent spend, gaps, the largest purchase.
    """

    weeks: float
    reference: Reference
    booster: Any

    def expected(self, known: History) -> Floats:
        """Return the expected spend in the weeks after the instant of the history."""
        learned = self.booster.predict(_columns(known, self.reference, self.weeks))
        both = np.maximum(learned, 0.0) + self.reference.spend(known, self.weeks)
        return np.asarray(both / 2, np.float64)


def fit(purchases: Purchases, as_of: datetime, horizon: timedelta) -> LifetimeModel:
    """Return a model of the spend in (as_of, as_of + horizon].

    Nothing after `as_of` is read: the learned part trains on windows of the same
    length that ended at `as_of` and one and two months before.

    Raises:
        UsageError: the purchases before the training windows are too few.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    weeks = horizon / (7 * DAY)
    told, spent = [], []
    for back in range(TRAINING_WINDOWS):
        at = as_of - horizon - back * TRAINING_STEP
        known = history(purchases, at)
        if back and len(known.customer) < LEAST_CUSTOMERS:
            break
        told.append(_columns(known, fit_reference(known), weeks))
        spent.append(purchases.spent(at, at + horizon)[known.customer])
    booster = HistGradientBoostingRegressor(
        loss="poisson",
        max_iter=150,
        learning_rate=0.05,
        max_leaf_nodes=15,
        min_samples_leaf=min(200, max(20, len(told[0]) // 50)),
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    )
    with threadpool_limits(1):  # so small a problem is slower on several threads
        booster.fit(np.vstack(told), np.concatenate(spent))
    reference = fit_reference(history(purchases, as_of))
    return LifetimeModel(weeks, reference, booster)


def _columns(known: History, reference: Reference, weeks: float) -> Floats:
    return np.column_stack(
        [
            known.frequency,
            known.value,
            reference.purchases(known, weeks),
            reference.value(known),
            reference.alive(known),
            *(known.columns[name] for name in _LEARNED_FROM),
        ]
    )


@dataclass(frozen=True)
class Interval:
    """A number with the 95 per cent interval around it."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return `1.23 (1.10 to 1.31)`."""
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g})"


@dataclass(frozen=True)
class Judged:
    """How expectations met what was spent afterwards.

    Attributes:
        absolute_error: mean, in units of the currency.
        squared_error: root of the mean square.
        total_ratio: expected in all over spent in all; 1 is right.
        best_tenth: spend of the tenth expected to spend most, over that of the tenth
            that did; 1 is right.
        rank: Spearman's correlation.
    """

    absolute_error: Interval
    squared_error: Interval
    total_ratio: Interval
    best_tenth: Interval
    rank: Interval


def judge(
    expected: Floats, spent: Floats, *, draws: int = 200, seed: int = 0
) -> Judged:
    """Return the errors with intervals by the bootstrap over customers.

    Raises:
        UsageError: there are fewer than twenty customers.
    """
    if len(spent) < 20:
        raise UsageError("twenty customers are needed to judge expectations")
    rng = np.random.default_rng(seed)
    rows = [_errors(expected, spent)]
    for _ in range(draws):
        drawn = rng.integers(0, len(spent), len(spent))
        rows.append(_errors(expected[drawn], spent[drawn]))
    found = np.array(rows)
    low, high = np.percentile(found[1:], [2.5, 97.5], axis=0)
    return Judged(*map(Interval, *map(np.ndarray.tolist, (found[0], low, high))))


def _errors(expected: Floats, spent: Floats) -> Sequence[float]:
    gap = expected - spent
    tenth = max(len(spent) // 10, 1)
    best = float(np.sort(spent)[-tenth:].sum())
    chosen = float(spent[np.argsort(-expected, kind="stable")[:tenth]].sum())
    return (
        float(np.abs(gap).mean()),
        float(np.sqrt((gap**2).mean())),
        float(expected.sum() / max(spent.sum(), 1e-9)),
        chosen / max(best, 1e-9),
        _spearman(expected, spent),
    )


def _spearman(left: Floats, right: Floats) -> float:
    from scipy.stats import rankdata

    ranks = np.column_stack([rankdata(left), rankdata(right)])
    if not ranks.std(axis=0).all():
        return 0.0  # who are all expected to spend the same are not ranked
    return float(np.corrcoef(ranks.T)[0, 1])
