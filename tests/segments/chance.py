"""Random values from one seed: hypothesis' words, but dense and fast.

Hypothesis itself prefers small examples; histories must be crowded to be hard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from random import Random
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Chance(Generic[T]):
    """A way to make a value from a random source."""

    def __init__(self, make: Callable[[Random], T]) -> None:
        self.make = make

    def map(self, change: Callable[[T], Any]) -> Chance[Any]:
        return Chance(lambda random: change(self.make(random)))


def just(value: T) -> Chance[T]:
    return Chance(lambda random: value)


def none() -> Chance[None]:
    return just(None)


def sampled_from(values: Sequence[T]) -> Chance[T]:
    return Chance(lambda random: random.choice(values))


def booleans() -> Chance[bool]:
    return sampled_from([False, True])


def integers(low: int, high: int) -> Chance[int]:
    return Chance(lambda random: random.randint(low, high))


def one_of(*chances: Chance[Any]) -> Chance[Any]:
    return Chance(lambda random: random.choice(chances).make(random))


def tuples(*chances: Chance[Any]) -> Chance[tuple[Any, ...]]:
    return Chance(lambda random: tuple(c.make(random) for c in chances))


def lists(item: Chance[T], min_size: int = 0, max_size: int = 5) -> Chance[list[T]]:
    size = integers(min_size, max_size)
    return Chance(lambda random: [item.make(random) for _ in range(size.make(random))])


def builds(make: Callable[..., T], *chances: Chance[Any]) -> Chance[T]:
    return Chance(lambda random: make(*(c.make(random) for c in chances)))


def fixed_dictionaries(
    always: dict[str, Chance[Any]], optional: dict[str, Chance[Any]] | None = None
) -> Chance[dict[str, Any]]:
    def make(random: Random) -> dict[str, Any]:
        extra = {k: v for k, v in (optional or {}).items() if random.random() < 0.5}
        return {name: c.make(random) for name, c in {**always, **extra}.items()}

    return Chance(make)


def composite(function: Callable[..., T]) -> Callable[..., Chance[T]]:
    """Turn a function that draws into one that returns a chance."""

    @wraps(function)
    def made(*arguments: Any) -> Chance[T]:
        return Chance(
            lambda random: function(lambda chance: chance.make(random), *arguments)
        )

    return made
