"""The segments of `config/segments`: read, found by name, checked together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dmp.core.config import fingerprint, read_all
from dmp.core.errors import Fault, RuleInvalid, UnknownName, UsageError
from dmp.segments.compiler import faults_in
from dmp.segments.diff import Change, diff
from dmp.segments.parsing import parse
from dmp.segments.rule import Segment
from dmp.segments.source import load, read
from dmp.segments.sources import Population
from dmp.storage.lake import Lake


@dataclass(frozen=True)
class Saved:
    """A segment of `config/segments`, with the document it was read from."""

    segment: Segment
    document: Mapping[str, Any]

    @property
    def version(self) -> str:
        """A fingerprint of what decides membership: the rule and its time zone."""
        return fingerprint(self.document["rule"], self.segment.timezone)


def read_saved(folder: Path) -> dict[str, Saved]:
    """Return the segments of a folder by id.

    Raises:
        RuleInvalid: the faults of all files, an id that differs from its file's name
            among them.
    """
    return read_all(folder, _read)


def _read(path: Path) -> Saved:
    try:
        segment = read(path)
    except RuleInvalid:
        raise
    except UsageError as error:
        raise RuleInvalid(path.name, [Fault("file", str(error))]) from error
    if segment.id != path.stem:
        fault = Fault("segment", "differs from the file's name", path.stem)
        raise RuleInvalid(str(path), [fault])
    return Saved(segment, _document(path.read_text(encoding="utf-8"), path.name))


def read_text(text: str, where: str) -> Saved:
    """Return the segment of a file's text; raises what `read` does."""
    return Saved(read(text), _document(text, where))


def _document(text: str, where: str) -> dict[str, Any]:
    document = load(text, where)
    assert isinstance(document, dict)
    return document


def chosen(saved: Mapping[str, Saved], segment: str) -> Saved:
    """Return one saved segment.

    Raises:
        UnknownName: no such segment; the near ones are named.
    """
    if segment not in saved:
        raise UnknownName("segment", segment, list(saved))
    return saved[segment]


def check(population: Population, saved: Mapping[str, Saved]) -> None:
    """Compile every segment beside the attributes and properties of a population.

    Raises:
        RuleInvalid: the faults of all of them at once.
    """
    segments = rules(saved)
    faults = [
        Fault(f"{name}: {fault.path}", fault.wrong, fault.right)
        for name, one in saved.items()
        for fault in faults_in(one.segment, population, segments)
    ]
    if faults:
        raise RuleInvalid("config/segments", faults)


def changed(lake: Lake, one: Saved) -> tuple[Change, ...]:
    """Return what differs from the version last built; nothing for a first build."""
    kept = lake.rows(
        "select rule::varchar from segment.definition "
        "where segment = $segment and valid_to is null",
        segment=one.segment.id,
    )
    return diff(parse(json.loads(kept[0][0])), one.segment) if kept else ()


def rules(saved: Mapping[str, Saved]) -> dict[str, Segment]:
    """Return the parsed rules alone, by id: what compiled rules may refer to."""
    return {name: one.segment for name, one in saved.items()}
