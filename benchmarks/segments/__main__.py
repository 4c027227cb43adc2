"""Build fifty segments of a shop over a lake: everybody, then only the touched.

    python -m benchmarks.segments [--people 100000] [--events 5000000] [--alone]

Prints how long judging everybody takes, with all segments in few passes and, with
`--alone`, each in one of its own; then lets one person in a hundred do something, moves
as_of by an hour, and compares a build of the touched with one of everybody: time,
members, counts. Last the same again with nothing changed. Ends with 1 where the two
differ, or the touched cost more than a tenth.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.live_segments import shop
from benchmarks.segments import people
from dmp.core.sql import Query
from dmp.core.types import Evaluation
from dmp.segments import parse
from dmp.segments.build import build
from dmp.segments.judging import judge
from dmp.segments.saved import Saved
from dmp.storage.lake import Lake

SHARE = 0.10
"""What a build of the touched may cost of one of everybody."""


def saved_segments() -> dict[str, Saved]:
    """Return the segments of the live benchmark that the lake's tables can answer."""
    found = {}
    for segment in shop.documents():
        if people.is_answerable(segment):
            found[segment["segment"]] = Saved(parse(segment), segment)
    return found


def timed(what: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    begun = time.perf_counter()
    what()
    return time.perf_counter() - begun


def differing(lake: Lake, saved: dict[str, Saved], built: list[Evaluation]) -> int:
    """Return how many segments a judgement of everybody gives other members."""
    as_of = built[0].as_of
    whole = judge(lake, saved, list(saved), as_of, full=True)
    wrong = 0
    for one in built:
        stays = (
            "select profile_key from segment.membership "
            f"where segment = '{one.segment}' and left_at is null"
        )
        both = f"(({stays}) except ({whole[one.segment].members.text}))"
        missing = f"(({whole[one.segment].members.text}) except ({stays}))"
        count = f"select count(*) from (select * from {both} union all {missing})"
        same = one.conditions == whole[one.segment].conditions
        wrong += bool(lake.value(Query(count))) or not same
    return wrong


def run(lake: Lake, n_people: int, n_events: int, *, alone: bool) -> int:
    """Measure, print, judge."""
    saved = saved_segments()
    names = list(saved)
    people.write(lake, n_people, n_events)
    together = timed(lambda: judge(lake, saved, names, shop.START, full=True))
    print(f"{n_people:,} people, {n_events:,} events, {len(names)} segments")
    if alone:
        each = [
            lambda n=n: judge(lake, saved, [n], shop.START, full=True) for n in names
        ]
        print(f"everybody, each segment alone   {sum(map(timed, each)):8.2f} s")
    print(f"everybody, in few passes        {together:8.2f} s")
    build_at(lake, saved, shop.START)
    people.do_something(lake, n_people)
    later = shop.START + timedelta(hours=1)
    full = timed(lambda: judge(lake, saved, names, later, full=True))
    part = timed(lambda: judge(lake, saved, names, later))
    built = build_at(lake, saved, later)
    touched = max(one.touched or 0 for one in built)
    wrong = differing(lake, saved, built)
    again = timed(lambda: judge(lake, saved, names, later))
    print(f"an hour and 1 % of them later   {full:8.2f} s of everybody")
    share = f"({part / full:.1%}; target {SHARE:.0%})"
    print(f"  touched {touched:,} of {n_people:,}    {part:8.2f} s {share}")
    print(f"  nothing changed since         {again:8.2f} s")
    print(f"differing segments              {wrong}")
    return int(wrong > 0 or part > SHARE * full)


def build_at(lake: Lake, saved: dict[str, Saved], at: datetime) -> list[Evaluation]:
    """Build and keep all segments at an instant."""
    return build(lake, saved, list(saved), as_of=at, now=at)


def main() -> int:
    """Read the command line and measure in a temporary folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--alone", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Lake(Path(folder) / "lake") as lake:
        return run(lake, asked.people, asked.events, alone=asked.alone)


if __name__ == "__main__":
    sys.exit(main())
