"""Feed one parser made-up bytes, guided by what they make it do.

    python -m fuzz csv_rows --seconds 60

Needs atheris (`pip install dmp[fuzz]`). What breaks a promise is kept in
`tests/cases/fuzz/<parser>/`, where an ordinary test replays it from then on.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

import atheris
import click

with atheris.instrument_imports(include=["dmp"]):
    from fuzz.parsers import PARSERS, end
from fuzz.seeds import dictionary, seeds

CASES = Path(__file__).parent.parent / "tests" / "cases" / "fuzz"


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)
def _end(_: object) -> None:
    """Leave at once: the fuzzer ends the process past Python, under threads of DuckDB.

    They would meet what is being torn down, and now and then fail on it. An input that
    breaks a parser ends the process on another way.
    """
    end()
    os._exit(0)


@click.command()
@click.argument("parser", type=click.Choice(sorted(PARSERS)))
@click.option("--seconds", default=60, show_default=True, help="How long to try.")
def main(parser: str, seconds: int) -> None:
    """Try PARSER for a while; exit with an error at the first input that breaks it."""
    known = CASES / parser
    known.mkdir(parents=True, exist_ok=True)
    grown = Path(".fuzz") / parser
    grown.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(parser)):
        (grown / f"seed-{number}").write_bytes(seed)
    words = Path(".fuzz") / "words"
    words.write_text(dictionary())
    options = [
        f"-max_total_time={seconds}",
        f"-artifact_prefix={known}/",
        "-max_len=4096",
        "-timeout=60",
        "-report_slow_units=60",
        f"-dict={words}",
        str(grown),
        str(known),
    ]
    ctypes.CDLL(None).__cxa_atexit(_end, None, None)
    atheris.Setup([sys.argv[0], *options], PARSERS[parser])
    atheris.Fuzz()


main()
