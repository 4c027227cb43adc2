"""Labelled people of a folder, and who of them may be asked about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_SEED = 3


@dataclass(frozen=True)
class People:
    """One folder's records, and the entity of each as a number from 0."""

    name: str
    path: Path
    records: pa.Table
    entity: Ints

    @property
    def judging(self) -> Flags:
        """The half of the entities that no question is asked about."""
        n = int(self.entity.max()) + 1
        return np.random.default_rng(_SEED).permutation(n) % 2 == 0


def read_people(folder: Path) -> People:
    """Read the records of a folder."""
    path = folder / "records.parquet"
    records = pq.read_table(path)
    truth = records.column("true_id").combine_chunks().dictionary_encode()
    entity = np.asarray(truth.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    return People(folder.resolve().name, path, records, entity)
