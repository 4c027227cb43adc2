"""Judge lifetime value on held-out months, the model beside three references.

    python -m benchmarks.lifetime_value PURCHASES.csv [--weeks 26] [--until DATE]

PURCHASES.csv has customer_id, purchased_on, amount. The last --weeks are held out: no
model reads them. Beside dmp's own model: BG/NBD with Gamma-Gamma alone, what each
customer spent in the same number of weeks before, and the same mean for everybody.
Differences are of absolute errors, customer by customer, with a 95 per cent interval.
"""

from __future__ import annotations

import argparse
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from dmp.segments.science import lifetime
from dmp.segments.science.lifetime import Floats, Interval, Purchases


def main() -> None:
    """Print one row a model, then the differences."""
    given = _arguments()
    purchases = _read(given.purchases)
    last = datetime.fromtimestamp(int(purchases.day.max()) * 86400, UTC)
    until = given.until or last
    horizon = timedelta(weeks=given.weeks)
    as_of = until - horizon
    known = lifetime.history(purchases, as_of)
    spent = purchases.spent(as_of, until)[known.customer]
    print(
        f"{len(spent):,} customers known on {as_of:%Y-%m-%d}; what {spent.sum():,.0f} "
        f"they spent until {until:%Y-%m-%d} was held out\n"
    )
    models = _models(purchases, as_of, horizon, known)
    _print_errors(models, spent)
    print("\nabsolute error of dmp less that of the other (below 0: dmp is nearer)")
    for name in list(models)[1:]:
        print(f"  {name:<28}{_difference(models['dmp'], models[name], spent)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("purchases", type=Path)
    parser.add_argument("--weeks", type=int, default=26)
    parser.add_argument(
        "--until", type=lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC)
    )
    return parser.parse_args()


def _read(path: Path) -> Purchases:
    rows = pd.read_csv(path, dtype={"customer_id": str})
    named = {"customer_id": "customer", "purchased_on": "at"}
    return Purchases.of(rows.rename(columns=named))


def _models(
    purchases: Purchases,
    as_of: datetime,
    horizon: timedelta,
    known: lifetime.History,
) -> dict[str, Floats]:
    model = lifetime.fit(purchases, as_of, horizon)
    before = purchases.spent(as_of - horizon, as_of)[known.customer]
    return {
        "dmp": model.expected(known),
        "BG/NBD and Gamma-Gamma": model.reference.spend(known, model.weeks),
        "as much as before": before,
        "the same for everybody": np.full(len(before), before.mean()),
    }


def _print_errors(models: dict[str, Floats], spent: Floats) -> None:
    names = [field.name for field in fields(lifetime.Judged)]
    print("".join(f"{name:<28}" for name in ["", *names]))
    for name, expected in models.items():
        judged = lifetime.judge(expected, spent)
        cells = [str(getattr(judged, one)) for one in names]
        print("".join(f"{cell:<28}" for cell in [name, *cells]))


def _difference(ours: Floats, other: Floats, spent: Floats) -> Interval:
    gaps = np.abs(ours - spent) - np.abs(other - spent)
    error = 1.96 * float(gaps.std()) / len(gaps) ** 0.5
    mean = float(gaps.mean())
    return Interval(mean, mean - error, mean + error)


if __name__ == "__main__":
    main()
