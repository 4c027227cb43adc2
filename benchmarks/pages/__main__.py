"""Measure what a viewer of the pages waits for, beside the limits that must hold.

    python -m benchmarks.pages [--people 100000] [--events 3000000] [--no-browser]

Makes a workspace of a shop in a temporary folder (or uses the one in `--home`), counts
rules on declared properties as the rule builder does (0.5 s; 2 s from a million people
on), and opens each page in Chromium: 4 s without a kernel kept ready, 2.5 s with one.
Ends with 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.live_segments import shop
from benchmarks.pages import counts, opening
from benchmarks.segments import people
from dmp.flows.initialise import initialise
from dmp.flows.segments import build_segments
from dmp.flows.workspace import Workspace

MANY = 1_000_000
SEGMENT = """\
segment: buyers
name: Buyers
purpose: advertising
owner: shop
rule:
  did: {event: purchased, within: {last: 30, unit: day}}
"""


def make(home: Path, n_people: int, n_events: int) -> None:
    """Make a workspace of a shop with one built segment."""
    initialise(home)
    segments = home / "config" / "segments"
    for shipped in segments.glob("*.yaml"):
        shipped.unlink()
    for shipped in (home / "config" / "destinations").glob("*.yaml"):
        shipped.unlink()
    (segments / "buyers.yaml").write_text(SEGMENT)
    with Workspace(home) as workspace:
        people.write(workspace.lake, n_people, n_events)
        build_segments(workspace, ["buyers"], as_of=shop.START)


def run(home: Path, asked: argparse.Namespace) -> int:
    """Measure, print, judge."""
    if not (home / "config").is_dir():
        make(home, asked.people, asked.events)
    print(f"{asked.people:,} people, {asked.events:,} events")
    found = counts.waits(home, 2.0 if asked.people >= MANY else 0.5)
    if not asked.no_browser:
        found += opening.waits(home, asked.chromium)
    print(*found, sep="\n")
    return int(not all(one.is_kept for one in found))


def main() -> int:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=3_000_000)
    parser.add_argument("--home", type=Path, help="keep the workspace here")
    parser.add_argument("--chromium", type=Path, default=Path("/usr/bin/chromium"))
    parser.add_argument("--no-browser", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DMP_KEY_DIR"] = str((asked.home or Path(folder)) / "keys")
        return run(asked.home or Path(folder) / "workspace", asked)


if __name__ == "__main__":
    sys.exit(main())
