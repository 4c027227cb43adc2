"""Live look-up: whose identifiers these are, out of memory, in microseconds.

A look-up is what the lake held when it was read; `is_current` says whether it still is.
Nothing is written anywhere: what it holds is gone with the process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from dmp.identity.holdings import (
    WEIGHT_DIGITS,
    Candidate,
    Identifier,
    stage_holdings,
)
from dmp.identity.settings import IdentitySettings
from dmp.storage.lake import Lake

_STATE = """
select (select max_by(run_id, generation) from identity.resolution),
    (select max(version) from ops.key_version),
    (select count(*) from identity.identifier)
"""
_READ = """
with kind as (
    select namespace, type, encoding, row_number() over (
        order by namespace, type, encoding
    ) - 1 as number
    from (select distinct namespace, type, encoding from holding)
)
select ('0x' || substr(token, instr(token, ':') + 1, 16))::ubigint as head,
    ('0x' || substr(token, instr(token, ':') + 17, 16))::ubigint as tail,
    number::smallint as kind, subject_id, weight_bits, profile_key,
    generation::integer as generation
from holding join kind using (namespace, type, encoding)
order by head, tail, kind, subject_id
"""
_KINDS = """
select distinct namespace, type, encoding from holding
order by namespace, type, encoding
"""


def lake_state(lake: Lake) -> tuple[Any, ...]:
    """Return what changes with every resolve run, rotation of keys, and load."""
    return lake.row(_STATE)


@dataclass(frozen=True)
class Lookup:
    """Every identifier that says who somebody is, sorted by its token.

    Some 50 bytes for each subject and identifier.

    Attributes:
        kinds: namespace, type and encoding to the number that stands for them.
        columns: arrays of equal length: `head` and `tail` (the two halves of the
            token's digits), `kind`, `subject_id`, `weight_bits`, `profile_key` and
            `generation`.
        state: what the lake held when it was read.
    """

    kinds: dict[tuple[str, str, str], int]
    columns: dict[str, npt.NDArray[Any]]
    state: tuple[Any, ...]

    @classmethod
    def read(cls, lake: Lake, settings: IdentitySettings) -> Self:
        """Read the lake: a minute for a million profiles of twelve identifiers.

        Reads what `stage_holdings` does, by the rules of the settings.
        """
        state = lake_state(lake)
        stage_holdings(lake, settings)
        kinds = {row: number for number, row in enumerate(lake.rows(_KINDS))}
        found = lake.sql(_READ).fetchnumpy()
        columns = {name: np.asarray(values) for name, values in found.items()}
        lake.execute("drop table holding")
        return cls(kinds, columns, state)

    def is_current(self, lake: Lake) -> bool:
        """Say whether a look-up read now would hold the same.

        Another resolve run, other tokens and other identifiers are seen.
        """
        return self.state == lake_state(lake)

    def person_of(self, identifiers: Iterable[Identifier]) -> Candidate | None:
        """Return the profile that the identifiers say most about; None for nobody."""
        return next(iter(self.candidates(identifiers)), None)

    def candidates(self, identifiers: Iterable[Identifier]) -> list[Candidate]:
        """Return the profiles that hold some of the identifiers, best first.

        The same as `holdings.candidates` gives of one set.
        """
        people: dict[tuple[int, int], dict[tuple[int, str], float]] = {}
        for one in identifiers:
            for row in self._rows(one):
                subject, weight, key, generation = self._held(row)
                weights = people.setdefault((generation, key), {})
                of = subject, one.type
                weights[of] = max(weight, weights.get(of, 0.0))
        oldest_first = [_candidate(key, people[_, key]) for _, key in sorted(people)]
        return sorted(oldest_first, key=lambda found: -found.match_weight)

    def _rows(self, one: Identifier) -> Iterator[int]:
        """Yield the rows that hold an identifier."""
        kind = self.kinds.get((one.namespace, one.type, one.encoding))
        if kind is None:
            return
        digits = one.token.partition(":")[2]
        head, tail = np.uint64(int(digits[:16], 16)), np.uint64(int(digits[16:], 16))
        heads, tails = self.columns["head"], self.columns["tail"]
        row = int(np.searchsorted(heads, head))
        while row < len(heads) and heads[row] == head:
            if tails[row] == tail and self.columns["kind"][row] == kind:
                yield row
            row += 1

    def _held(self, row: int) -> tuple[int, float, int, int]:
        subject, weight, key, generation = (
            self.columns[name][row].item()
            for name in ("subject_id", "weight_bits", "profile_key", "generation")
        )
        return subject, weight, key, generation


def _candidate(profile_key: int, weights: Mapping[tuple[int, str], float]) -> Candidate:
    total = round(sum(weights.values()), WEIGHT_DIGITS)
    subjects = {subject for subject, _ in weights}
    return Candidate(f"p{profile_key:015x}", total, len(subjects))
