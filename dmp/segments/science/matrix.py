"""Features as numbers: what a model reads, the same at training and afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Floats: TypeAlias = NDArray[np.float64]
KEY = "profile_id"
MOST_VALUES = 8


@dataclass(frozen=True)
class Column:
    """One column of the matrix.

    Attributes:
        feature: the feature that it is made of.
        value: for a text or a list, the value whose presence it says; None where the
            feature is a number or a truth.
        edges: for a number, the values at the 101 percentiles of the people it was
            made from.
        is_presence: whether it says that the feature is there at all.
    """

    feature: str
    value: str | None = None
    edges: tuple[float, ...] = ()
    is_presence: bool = False

    @property
    def name(self) -> str:
        """What the column is called: `feature`, `feature = value`, `feature is there`.

        >>> Column("tier", value="gold").name
        'tier = gold'
        """
        if self.is_presence:
            return f"{self.feature} is there"
        return f"{self.feature} = {self.value}" if self.value else self.feature


@dataclass(frozen=True)
class Matrix:
    """Which columns there are; `of` gives the numbers of any people.

    Numbers become their rank in [0, 1] among the people that the matrix was made
    from, so that no unit and no outlier weighs more than another; a missing one is in
    the middle, beside a column that says whether it is there, which features that are
    there for the same people share.
    """

    columns: tuple[Column, ...]

    @classmethod
    def made_from(cls, rows: pd.DataFrame, *, without: Sequence[str] = ()) -> Matrix:
        """Choose the columns that say something of these people.

        Args:
            rows: features, one row a person.
            without: features that are left out.
        """
        found: list[Column] = []
        masks: set[bytes] = set()
        for name in rows.columns:
            if name == KEY or name in without:
                continue
            present = rows[name].notna().to_numpy()
            if 0 < present.mean() < 1 and present.tobytes() not in masks:
                masks.add(present.tobytes())
                found.append(Column(name, is_presence=True))
            found += _columns(name, rows[name])
        return cls(tuple(found))

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    @property
    def features(self) -> list[str]:
        """The features that the columns are made of, each once."""
        return list(dict.fromkeys(column.feature for column in self.columns))

    def of(self, rows: pd.DataFrame) -> Floats:
        """Return one row of numbers a person."""
        made = [_numbers(column, rows[column.feature]) for column in self.columns]
        return np.column_stack(made) if made else np.zeros((len(rows), 0))


def _columns(name: str, values: pd.Series) -> list[Column]:
    """Return the columns of one feature; none where it is the same for everybody."""
    values = values[values.notna()]
    if _is_number(values):
        numbers = values.astype(float).to_numpy()
        if not len(numbers) or numbers.min() == numbers.max():
            return []
        edges = np.percentile(numbers, np.arange(101))
        return [Column(name, edges=tuple(map(float, edges)))]
    counts = values.explode().astype(str).value_counts()
    common = counts[counts < len(values)].head(MOST_VALUES).index
    return [Column(name, value=str(value)) for value in sorted(common)]


def _is_number(values: pd.Series) -> bool:
    from pandas.api import types

    return bool(types.is_numeric_dtype(values.dtype))


def _numbers(column: Column, values: pd.Series) -> Floats:
    if column.is_presence:
        return np.asarray(values.notna(), np.float64)
    if column.value is None:
        numbers = values.astype(float).to_numpy()
        edges = np.array(column.edges)
        below = np.searchsorted(edges, numbers, side="left")
        upto = np.searchsorted(edges, numbers, side="right")
        ranks = np.clip((below + upto - 1) / 2 / (len(edges) - 1), 0.0, 1.0)
        return np.asarray(np.where(np.isnan(numbers), 0.5, ranks), np.float64)
    wanted = column.value
    return np.array([_holds(value, wanted) for value in values], np.float64)


def _holds(value: object, wanted: str) -> bool:
    if isinstance(value, list | np.ndarray):
        return any(str(one) == wanted for one in value)
    return value is not None and str(value) == wanted
