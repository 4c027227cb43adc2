"""From files to a contract: look at the rows, find what they are, draft, check."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from dmp.core.config import parse
from dmp.core.errors import UsageError
from dmp.ingest.connectors import stage_rows
from dmp.ingest.contracts import Contract
from dmp.ingest.field_names import shown_file
from dmp.ingest.heads import head_of
from dmp.ingest.infer.columns import (
    LOOK_ROW,
    look_at,
    places_of,
    provisional,
    stage_look,
)
from dmp.ingest.infer.dialect import Dialect, read_dialect
from dmp.ingest.infer.draft import Entry, draft
from dmp.ingest.infer.findings import Finding, find
from dmp.ingest.infer.layout import Layout, layout_of
from dmp.ingest.infer.naming import Taken
from dmp.ingest.infer.page import page_of
from dmp.ingest.infer.phones import region_of
from dmp.ingest.infer.words import Meaning
from dmp.storage.lake import Lake

_SUFFIX = {"csv": ".csv", "jsonl": ".jsonl", "parquet": ".parquet"}


@dataclass(frozen=True)
class Inferred:
    """A contract to start from.

    Attributes:
        text: its YAML, with comments that say why, and what to check.
        rows: how many were looked at; `is_whole` where those are all.
    """

    contract: Contract
    text: str
    findings: tuple[Finding, ...]
    rows: int
    is_whole: bool


def infer(
    lake: Lake,
    files: Sequence[Path],
    *,
    name: str,
    landing: str,
    scratch: Path,
    taken: Taken,
    rows: int | None,
) -> Inferred:
    """Infer the contract of files that hold the same columns.

    Types are tried on every row that is looked at; what a column means is told by up
    to 1,000 of its different values. Nothing is written but scratch.

    Args:
        name: of the source.
        landing: what `connector.path` is to say; empty for the usual place.
        taken: what other contracts store, see `taken_by`.
        rows: how many rows of each file to look at; None looks at all.

    Raises:
        UsageError: a file cannot be read, files differ, or they have no rows.
    """
    dialect = _common_dialect(files)
    look = _stage(lake, files, dialect, scratch, rows)
    count = int(lake.value(f"select count(*) from {LOOK_ROW}"))
    if not count:
        raise UsageError(
            f"{shown_file(files[0])} has no rows that can be read; an inference needs "
            "some"
        )
    findings = tuple(find(lake, look_at(lake, place)) for place in look.places)
    layout = layout_of(findings)
    made = draft(name, layout, findings, taken)
    made.left_out.extend((key, "a list, or no plain name") for key in look.left_out)
    head = _head(name, dialect, layout, findings, landing)
    text = page_of(head, made, [*_notes(count, look.is_whole, layout)])
    contract = parse(Contract, yaml.safe_load(text), "the inferred contract")
    return Inferred(contract, text, findings, count, look.is_whole)


def taken_by(contracts: Iterable[Contract]) -> Taken:
    """Return the types under which contracts store their attributes and properties."""
    taken: dict[tuple[str, str], str] = {}
    for contract in contracts:
        properties = contract.event.properties if contract.event else {}
        for kind, specs in (
            ("attribute", contract.attributes),
            ("property", properties),
        ):
            taken |= {(kind, key): spec.duckdb_type for key, spec in specs.items()}
    return taken


def _common_dialect(files: Sequence[Path]) -> Dialect:
    dialects = [read_dialect(path) for path in files]
    for path, dialect in zip(files, dialects, strict=True):
        if dialect != dialects[0]:
            raise UsageError(
                f"{shown_file(path)} is {_words(dialect)}, but {shown_file(files[0])} "
                f"is {_words(dialects[0])}; one source has files of one form"
            )
    return dialects[0]


def _words(dialect: Dialect) -> str:
    marks = f" with {dialect.delimiter!r} between cells"
    return dialect.format + marks * (dialect.format == "csv")


def _stage(
    lake: Lake,
    files: Sequence[Path],
    dialect: Dialect,
    scratch: Path,
    rows: int | None,
) -> _Look:
    """Stage `infer_row` of all files."""
    looks = [
        _stage_one(lake, path, dialect, scratch / str(number), rows)
        for number, path in enumerate(files)
    ]
    places = dict.fromkeys(place for look in looks for place in look.places)
    if dialect.format != "jsonl":
        _check_alike(files, looks, [*places])
    left = sorted({key for look in looks for key in look.left_out})
    return _Look([*places], left, all(look.is_whole for look in looks))


@dataclass(frozen=True)
class _Look:
    places: list[str]
    left_out: list[str]
    is_whole: bool


def _stage_one(
    lake: Lake, path: Path, dialect: Dialect, scratch: Path, rows: int | None
) -> _Look:
    scratch.mkdir()
    head = head_of(lake, path, dialect.format, scratch, rows=rows)
    staged = stage_rows(lake, provisional(dialect), head.path, scratch)
    places, left = places_of(lake, staged)
    if not places:
        raise UsageError(
            f"{shown_file(path)} has no column with a name; a contract names columns, "
            "so give them names"
        )
    stage_look(lake, staged, places)
    lake.stage("infer_row", _GATHERED if scratch.name != "0" else "from infer_part")
    return _Look(places, left, head.is_whole)


_GATHERED = "from infer_row union all by name from infer_part"


def _check_alike(
    files: Sequence[Path], looks: Sequence[_Look], places: Sequence[str]
) -> None:
    """Refuse files of which one lacks columns that another has."""
    for path, look in zip(files, looks, strict=True):
        if missing := [place for place in places if place not in look.places]:
            raise UsageError(
                f"{shown_file(path)} has no column {', '.join(missing)}, which others "
                "have; one source has files of one form"
            )


def _head(
    name: str,
    dialect: Dialect,
    layout: Layout,
    findings: Sequence[Finding],
    landing: str,
) -> list[Entry]:
    path = landing or f"data/landing/{name}/*{_SUFFIX[dialect.format]}"
    connector = {"type": "file", "format": dialect.format, "path": path}
    if dialect.format == "csv" and dialect.delimiter != ",":
        connector["delimiter"] = dialect.delimiter
    entries = [
        Entry("source", name),
        Entry("description", "", "CHECK: say what this is"),
        Entry("owner", "unknown", "CHECK: who answers for this source"),
        Entry("timezone", "UTC", "CHECK: of instants without an offset"),
    ]
    numbers = [
        n for f in findings if f.meaning is Meaning.PHONE for n in f.column.values
    ]
    if numbers:
        why = "CHECK: the country of phone numbers without +"
        entries.append(Entry("phone_region", region_of(numbers), why))
    why = "" if landing else f"put files there, or name them: dmp ingest {name} FILE"
    return [*entries, Entry("connector", connector, why)]


def _notes(rows: int, is_whole: bool, layout: Layout) -> list[str]:
    seen = f"{'all' if is_whole else 'the first'} {rows:,} rows"
    return [
        f"Inferred by `dmp source infer` from {seen}. A draft: read the comments, "
        "above all those that say CHECK, then delete them.",
        f"{layout.notes['row']}.",
    ]
