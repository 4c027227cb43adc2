"""The conformance cases of the rule language: read, run, and shown as a table.

A case is a mapping: `name`, `row` (the place in the specification), `rule`, `members`,
and the data: `profiles` (id -> attributes), `events` (id -> [name, at, properties,
event_id]), `related`, `consent`, `lists`, `segments`, `types` of attributes, `timezone`
and `as_of`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from dmp.core.clock import instant
from dmp.core.errors import DMPError, UsageError
from dmp.segments.answers import members
from dmp.segments.case_files import write_files, write_rule
from dmp.segments.source import load

Case: TypeAlias = Mapping[str, Any]
AS_OF = "2025-05-14T12:00:00"


@dataclass(frozen=True)
class Outcome:
    """One case, run.

    Attributes:
        expected: the members that the case says.
        found: those that were found; none where it was refused.
        refused: the error's words, else empty.
    """

    table: str
    row: str
    name: str
    expected: tuple[str, ...]
    found: tuple[str, ...]
    refused: str = ""

    @property
    def holds(self) -> bool:
        """Whether exactly the expected people were found."""
        return not self.refused and self.found == self.expected


def shipped_cases() -> Path:
    """Return the folder of the cases that come with dmp: a wheel's or a checkout's."""
    package = Path(__file__).parent.parent
    shipped = package / "workspace" / "conformance"
    return shipped if shipped.is_dir() else package.parent / "tests/cases/segments"


def read_cases(folder: Path) -> dict[str, list[Case]]:
    """Return the cases of each `<table>.yaml` of a folder, in the order written.

    Raises:
        UsageError: the folder holds none.
    """
    found: dict[str, list[Case]] = {}
    for path in sorted(folder.glob("*.yaml")):
        cases = load(path.read_text(encoding="utf-8"), path.name)
        assert isinstance(cases, list)
        found[path.stem] = cases
    if not found:
        raise UsageError(f"{folder}: holds no conformance cases (*.yaml)")
    return found


def run_cases(folder: Path, rows: Sequence[str] = ()) -> Iterator[Outcome]:
    """Yield the outcome of every case of a folder, or of those of some rows."""
    for table, cases in read_cases(folder).items():
        for case in cases:
            if not rows or str(case["row"]) in rows:
                with TemporaryDirectory() as place:
                    yield _run(table, case, Path(place))


def _run(table: str, case: Case, place: Path) -> Outcome:
    about = (table, str(case["row"]), str(case["name"]), tuple(case["members"]))
    try:
        return Outcome(*about, tuple(members_of(case, place)))
    except DMPError as error:
        return Outcome(*about, (), str(error))


def members_of(case: Case, folder: Path) -> list[str]:
    """Return the members of a case, whose files are written to the folder."""
    rule = rule_of(case, folder)
    files = write_files(folder, case)
    return members(rule, **files, as_of=instant(case.get("as_of", AS_OF)))


def rule_of(case: Case, folder: Path) -> Path:
    """Write the rule of a case, and those it refers to, and return its file."""
    document = {"segment": "case", "rule": case["rule"]}
    document |= {"timezone": case["timezone"]} if "timezone" in case else {}
    for id_, other in case.get("segments", {}).items():
        write_rule(folder, id_, {"segment": id_, **other})
    return write_rule(folder, "case", document)


_HEAD = """\
# Conformance

Written by `make docs` from `tests/cases/segments`; edit those, not this page. Each line
is a case that runs: data of a few people, a rule, and exactly the people it admits.
Run them yourself, all or those of some rows, in a checkout or with a folder of cases of
your own:

```
dmp segment conformance
dmp segment conformance --row 13 --row "absent step"
```

`row` is the place in the tables of the language's specification. Row 16 (late events),
row 18 (merged profiles) and row 21 in part need a workspace: their tests are in
`tests/segments/test_workspace_rows.py`.
"""


def conformance_markdown(folder: Path) -> str:
    """Return the page: one table a file, one line a case."""
    parts = [_HEAD]
    for table, cases in read_cases(folder).items():
        parts.append(f"## {table.capitalize()}\n\n| row | holds | rule | members |")
        parts.append("|---|---|---|---|")
        parts += _lines(cases)
        parts.append("")
    return "\n".join(parts)


def _lines(cases: Iterable[Case]) -> Iterator[str]:
    for case in sorted(cases, key=_place):
        rule = json.dumps(case["rule"], ensure_ascii=True).replace("|", "\\u007c")
        found = ", ".join(case["members"]) or "nobody"
        yield f"| {case['row']} | {_plain(case['name'])} | `{rule}` | {found} |"


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


def _place(case: Case) -> tuple[int, str]:
    row = str(case["row"])
    return (int(row), "") if row.isdigit() else (1000, row)
