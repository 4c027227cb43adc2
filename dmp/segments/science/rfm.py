"""RFM: customers by how lately, how often and for how much they bought."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dmp.core.errors import UsageError
from dmp.segments.science.matrix import KEY

if TYPE_CHECKING:
    import pandas as pd

FIFTHS = 5
GROUPS = (
    ("champions", "bought lately, often and for much"),
    ("loyal", "buy often"),
    ("new", "bought lately for the first time or two"),
    ("big spenders", "bought seldom, for much"),
    ("slipping", "used to buy often, not lately"),
    ("lost", "bought seldom, and long ago"),
    ("occasional", "in the middle of everything"),
)
"""Group and what it means, the first that fits a customer."""


def rfm(rows: pd.DataFrame) -> pd.DataFrame:
    """Return recency, frequency and money of each customer in fifths, with a group.

    Reads `days_since_order`, `order_count`, `order_total` of the features; people
    without a purchase are left out. 5 is best: latest, most often, most money. Fifths
    are by rank; equal values fall into the same fifth, so that they may differ in size.
    Columns: profile_id, days_since_order, order_count, order_total, recency, frequency,
    money, group.

    Raises:
        UsageError: nobody bought anything.
    """
    bought = rows[rows["order_count"] > 0]
    if bought.empty:
        raise UsageError("RFM needs purchases; nobody bought anything up to then")
    columns = [KEY, "days_since_order", "order_count", "order_total"]
    found = bought[columns].reset_index(drop=True)
    found["recency"] = _fifths(-found["days_since_order"])
    found["frequency"] = _fifths(found["order_count"])
    found["money"] = _fifths(found["order_total"])
    scores = found[["recency", "frequency", "money"]].to_numpy().tolist()
    found["group"] = [_group(*map(int, three)) for three in scores]
    return found


def _fifths(values: pd.Series) -> pd.Series:
    ranks = values.rank(method="average", pct=True)
    return np.ceil(ranks * FIFTHS).astype(int)


def _group(recency: int, frequency: int, money: int) -> str:
    if recency >= 4 and frequency >= 4 and money >= 4:
        return "champions"
    if recency >= 3 and frequency >= 4:
        return "loyal"
    if recency >= 4 and frequency <= 2:
        return "new"
    if money >= 4 and frequency <= 3:
        return "big spenders"
    if recency <= 2 and frequency >= 3:
        return "slipping"
    return "lost" if recency <= 2 else "occasional"
