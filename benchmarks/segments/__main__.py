"""Build fifty segments of a shop over a lake: everybody, then only the touched.

    python -m benchmarks.segments [--people 100000] [--events 5000000] [--rounds 3]

Judges everybody, beside the same fifty segments written by hand in DuckDB's SQL over
the same tables and in ClickHouse's over the same Parquet files (`pip install -e
'.[bench]'`), in turns; the best time of each counts, and all three have to find the
same members.
Then lets one person in a hundred do something, moves as_of by an hour, and compares
judging the touched with judging everybody: time, members, counts; and the same again
with nothing changed. Last it says what the whole builds took, with all that they keep.
Ends with 1 where two differ, or a target is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.live_segments import shop
from benchmarks.segments import people
from benchmarks.segments.references import ClickHouse, by_hand, differing
from dmp.core.sql import Query
from dmp.core.types import Evaluation
from dmp.segments import parse
from dmp.segments.build import build
from dmp.segments.judging import Judged, judge
from dmp.segments.saved import Saved
from dmp.storage.lake import Lake

SHARE = 0.10
"""What judging the touched may cost of judging everybody."""
RATIOS = {"by hand": 1.1, "ClickHouse": 1.0}
"""What judging everybody may cost of each reference."""


def saved_segments() -> dict[str, Saved]:
    """Return the fifty segments."""
    return {one["segment"]: Saved(parse(one), one) for one in people.documents()}


def timed(what: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    begun = time.perf_counter()
    what()
    return time.perf_counter() - begun


def best(rounds: int, ways: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return the best time of each way, taken in turns."""
    found = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            found[name] = min(found[name], timed(way))
    return found


def everybody(lake: Lake, saved: dict[str, Saved], folder: Path, rounds: int) -> int:
    """Judge everybody in three ways; return how many things are not as they should."""
    names, found = list(saved), dict[str, Judged]()
    clickhouse = ClickHouse(lake.root / "files")

    def ours() -> None:
        found.update(judge(lake, saved, names, shop.START, full=True))

    took = best(
        rounds,
        {
            "ours": ours,
            "by hand": lambda: by_hand(lake),
            "ClickHouse": clickhouse.run,
        },
    )
    clickhouse.give(lake, folder)
    wrong = 0
    print(f"everybody by the rules          {took['ours']:8.2f} s")
    tables = {"by hand": "by_hand", "ClickHouse": "by_clickhouse"}
    for reference, most in RATIOS.items():
        others = differing(lake, tables[reference], names, found)
        ratio = took["ours"] / took[reference]
        share = f"ratio {ratio:.2f} (target {most}); other members: {others or 'none'}"
        print(f"  {reference:<30}{took[reference]:8.2f} s  {share}")
        wrong += bool(others) + (ratio > most)
    return wrong


def wrongly_built(lake: Lake, saved: dict[str, Saved], built: list[Evaluation]) -> int:
    """Return how many segments a full judgement gives other members or counts."""
    whole = judge(lake, saved, list(saved), built[0].as_of, full=True)
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


def touched(lake: Lake, saved: dict[str, Saved], n_people: int, rounds: int) -> int:
    """Judge again after a little has changed; return how much is not as it should."""
    names = list(saved)
    first = timed(lambda: build_at(lake, saved, shop.START))
    people.do_something(lake, n_people)
    later = shop.START + timedelta(hours=1)
    took = best(
        rounds,
        {
            "full": lambda: judge(lake, saved, names, later, full=True),
            "part": lambda: judge(lake, saved, names, later),
        },
    )
    built: list[Evaluation] = []
    kept = timed(lambda: built.extend(build_at(lake, saved, later)))
    again = best(
        rounds,
        {
            "judged": lambda: judge(lake, saved, names, later),
            "built": lambda: build_at(lake, saved, later),
        },
    )
    wrong = wrongly_built(lake, saved, built)
    most = max(one.touched or 0 for one in built)
    full, part = took["full"], took["part"]
    print(f"an hour and 1 % of them later   {full:8.2f} s of everybody")
    share = f"({part / full:.1%}; target {SHARE:.0%})"
    print(f"  touched {most:,} of {n_people:,}    {part:8.2f} s {share}")
    print(f"  nothing changed since         {again['judged']:8.2f} s")
    print("judged, with consent, causes and stays kept in one commit")
    print(f"  everybody, the first time     {first:8.2f} s")
    print(f"  the touched                   {kept:8.2f} s")
    print(f"  nothing changed since         {again['built']:8.2f} s")
    print(f"differing segments              {wrong}")
    return wrong + (part > SHARE * full)


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
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    saved = saved_segments()
    with tempfile.TemporaryDirectory() as folder, Lake(Path(folder) / "lake") as lake:
        people.write(lake, asked.people, asked.events)
        print(
            f"{asked.people:,} people, {asked.events:,} events, {len(saved)} segments",
            flush=True,
        )
        wrong = everybody(lake, saved, Path(folder), asked.rounds)
        wrong += touched(lake, saved, asked.people, asked.rounds)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
