"""The counts of the rule builder, as its page asks for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any

from dmp.core.errors import QueryFailed
from dmp.flows.rule_building import WorkspaceRules
from dmp.flows.rule_sizes import Sizes
from dmp.flows.workspace import Workspace

CANCEL_AFTER_S = 0.05
DECLARED: Mapping[str, Any] = {
    "one attribute": {"attribute": "country", "op": "eq", "value": "GB"},
    "one event": {
        "did": {
            "event": "purchased",
            "times": {"op": "gte", "value": 1},
            "within": {"last": 30, "unit": "day"},
        }
    },
    "an event by a property": {
        "did": {
            "event": "page_viewed",
            "where": [{"property": "page", "op": "eq", "value": "/pricing"}],
            "times": {"op": "gte", "value": 1},
            "within": {"last": 7, "unit": "day"},
        }
    },
    "an amount, a country": {
        "all": [
            {"attribute": "country", "op": "in", "value": ["GB", "IE"]},
            {
                "did": {
                    "event": "purchased",
                    "total": {
                        "property": "amount", "agg": "sum", "op": "gte", "value": 200,
                    },
                    "within": {"last": 90, "unit": "day"},
                }
            },
        ]
    },
    "the most frequent event": {
        "did": {"event": "page_viewed", "times": {"op": "gte", "value": 5}}
    },
    "all of four": {
        "all": [
            {"attribute": "country", "op": "eq", "value": "FR"},
            {"did": {"event": "cart_added", "within": {"last": 30, "unit": "day"}}},
            {"not": {"did": {"event": "purchased",
                             "within": {"last": 30, "unit": "day"}}}},
            {"did": {"event": "email_opened", "within": {"last": 90, "unit": "day"}}},
        ]
    },
}  # fmt: skip


@dataclass(frozen=True)
class Wait:
    """Seconds that something took, and those of the processor where it was this one's.

    A busy machine stretches the first and leaves the second.
    """

    what: str
    seconds: float
    limit: float | None = None
    worked: float | None = None

    @property
    def is_kept(self) -> bool:
        """Whether it stayed within its limit, where it has one."""
        return self.limit is None or self.seconds <= self.limit

    def __str__(self) -> str:
        """Return the line to print."""
        worked = "" if self.worked is None else f"  worked {self.worked:5.2f} s"
        beside = "" if self.limit is None else f"  limit {self.limit:.1f} s"
        missed = "" if self.is_kept else "  MISSED"
        return f"{self.what:34} {self.seconds:7.2f} s{worked}{beside}{missed}"


def document(rule: Any) -> dict[str, Any]:
    """Return a draft with this rule that needs consent."""
    return {"segment": "draft", "purpose": "advertising", "rule": rule}


def waits(home: Path, limit: float) -> list[Wait]:
    """Count each rule over a workspace: opening first, then the numbers."""
    with Workspace(home) as shown, Workspace(home) as beside:
        source = WorkspaceRules(shown, Sizes(beside))
        sizes, first = source.sizes, document({"all": []})
        found = [
            timed("what rules can name", lambda: source.catalog("")),
            timed("the first rule: everybody", lambda: sizes.count(first)),
            timed("the first estimate", lambda: sizes.estimate(first)),
        ]
        for name, rule in DECLARED.items():
            found += asked(source, name, document(rule), limit)
        found.append(Wait("from cancel to its answer", cancelled(sizes), limit))
        return found


def asked(
    source: WorkspaceRules, name: str, one: dict[str, Any], limit: float
) -> list[Wait]:
    """Do what a change of the rule makes the page do."""
    sizes = source.sizes
    return [
        timed(f"{name}: faults", lambda: source.faults(one)),
        timed(f"{name}: estimate", lambda: sizes.estimate(one)),
        timed(name, lambda: sizes.count(one), limit),
    ]


def timed(what: str, act: Callable[[], object], limit: float | None = None) -> Wait:
    """Return how long something takes."""
    begun, worked = time.perf_counter(), time.process_time()
    act()
    seconds = time.perf_counter() - begun
    return Wait(what, seconds, limit, time.process_time() - worked)


def cancelled(sizes: Sizes) -> float:
    """Break a count off shortly after its begin; return how long that took."""
    asked_at: list[float] = []

    def cancel() -> None:
        asked_at.append(time.perf_counter())
        sizes.cancel()

    timer = Timer(CANCEL_AFTER_S, cancel)
    timer.start()
    try:
        sizes.count(document({"any": [*DECLARED.values()]}))
    except QueryFailed:
        return time.perf_counter() - asked_at[0]
    finally:
        timer.cancel()
    return 0.0
