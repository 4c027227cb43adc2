"""Browsers and app installs: whose they are, which are shared, when they are reset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dmp.ingest.synthetic.people import Person
from dmp.ingest.synthetic.seeds import Ints
from dmp.ingest.synthetic.spec import Spec

MAX_RESETS = 3
LIVES = MAX_RESETS + 1
"""Identifiers a device can have had, one more than it can be reset."""

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Odds:
    """How devices of one kind are spread.

    Attributes:
        own: shares of people with one, two, ... devices of their own.
        shared: share of households of two or more with a common device.
        resets: shares of devices never reset, reset once, ... (`LIVES` of them).
    """

    own: tuple[float, ...]
    shared: float
    resets: tuple[float, ...]


BROWSERS = Odds(own=(0.5, 0.38, 0.12), shared=0.34, resets=(0.5, 0.27, 0.15, 0.08))
INSTALLS = Odds(own=(0.86, 0.14), shared=0.12, resets=(0.84, 0.13, 0.02, 0.01))


@dataclass(frozen=True)
class Devices:
    """Devices of one kind in a chunk; the own ones come before the shared ones.

    Attributes:
        first_own: per person, number of the first own device.
        n_own: per person, how many own devices follow each other.
        shared: per person, number of the household's device; -1 if there is none.
        resets: per device, instants at which it gets a new identifier, epoch ms.
    """

    first_own: Ints
    n_own: Ints
    shared: Ints
    resets: Ints

    def pick(self, rng: np.random.Generator, person: Ints) -> Ints:
        """Return a device for each visit of a person."""
        share = rng.random(person.size) ** 1.5
        own = self.first_own[person] + (share * self.n_own[person]).astype(np.int64)
        common = self.shared[person]
        return np.where((common >= 0) & (rng.random(person.size) < 0.28), common, own)

    def identifier_at(self, device: Ints, at_ms: Ints) -> Ints:
        """Return the number of the identifier a device has at an instant."""
        life = (self.resets[device] <= at_ms[:, None]).sum(axis=1)
        number: Ints = device * LIVES + life
        return number


def _shared(
    rng: np.random.Generator, people: Sequence[Person], first: int, share: float
) -> tuple[Ints, int]:
    """Return the household device of each person, and how many there are."""
    household = np.array([person.household_id for person in people], dtype=np.int64)
    _, place, size = np.unique(household, return_inverse=True, return_counts=True)
    has = (size > 1) & (rng.random(size.size) < share)
    number = np.where(has, first + np.cumsum(has) - 1, -1)
    return number[place], int(has.sum())


def make_devices(
    rng: np.random.Generator, spec: Spec, people: Sequence[Person], odds: Odds
) -> Devices:
    """Return the devices of the people of a chunk."""
    n_own = 1 + rng.choice(len(odds.own), len(people), p=odds.own).astype(np.int64)
    first_own = np.cumsum(n_own) - n_own
    shared, n_shared = _shared(rng, people, int(n_own.sum()), odds.shared)
    n_devices = int(n_own.sum()) + n_shared
    n_resets = rng.choice(LIVES, n_devices, p=odds.resets)
    at_ms = rng.integers(spec.since_ms, spec.until_ms, (n_devices, MAX_RESETS))
    unused = np.arange(MAX_RESETS) >= n_resets[:, None]
    return Devices(first_own, n_own, shared, np.where(unused, _NEVER, at_ms))
