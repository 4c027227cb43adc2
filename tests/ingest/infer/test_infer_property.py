"""Whatever a file holds, an inference gives a contract that validates, or says why not.

The contract is checked as it is written: read back from the text of the draft.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dmp.core.config import parse
from dmp.core.errors import DMPError
from dmp.ingest.contracts import Contract
from dmp.ingest.infer import infer
from dmp.storage.lake import Lake

NAMES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        "id email E-Mail first_name Nachname dob ts event type amount order_id consent "
        "updated_at ip PLZ user.id quantity age notes line a.b".split()
    ),
)
VALUES = st.one_of(
    st.text(max_size=20),
    st.integers().map(str),
    st.floats().map(str),
    st.dates().map(str),
    st.datetimes().map(str),
    st.emails(),
    st.uuids().map(str),
    st.sampled_from(
        "|yes|N|12,5|31/12/2025|01/02/2026|+44 20 7946 0018|4111 1111 1111 1111|epoch|"
        "NaN|1e999|=1+1|{|null|\t".split("|")
    ),
)
COLUMNS = st.lists(
    st.tuples(NAMES, st.lists(VALUES, min_size=4, max_size=4)),
    min_size=1,
    max_size=5,
)
LENIENT = settings(
    max_examples=25,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def csv_text(columns: list[tuple[str, list[str]]], mark: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=mark)
    writer.writerow([name for name, _ in columns])
    writer.writerows(zip(*(values for _, values in columns), strict=True))
    return out.getvalue()


def jsonl_text(columns: list[tuple[str, list[Any]]]) -> str:
    rows = zip(*(values for _, values in columns), strict=True)
    names = [name for name, _ in columns]
    return "".join(
        json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows
    )


def check(lake: Lake, text: str, values: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "input")
        path.write_text(text, encoding="utf-8", errors="replace", newline="")
        (scratch := Path(folder, "scratch")).mkdir()
        try:
            found = infer(
                lake,
                [path],
                name="things",
                landing="",
                scratch=scratch,
                taken={},
                rows=None,
            )
        except DMPError as error:
            assert not any("@" in value and value in str(error) for value in values)
            return
    contract = parse(Contract, yaml.safe_load(found.text), "the draft")
    assert contract == found.contract
    assert not any("@" in value and value in found.text for value in values)


@given(columns=COLUMNS, mark=st.sampled_from(",;\t|"))
@LENIENT
def test_csv(look_lake: Lake, columns: list[tuple[str, list[str]]], mark: str) -> None:
    values = [value for _, cells in columns for value in cells]
    check(look_lake, csv_text(columns, mark), values)


JSON_VALUES = st.recursive(
    st.one_of(VALUES, st.none(), st.booleans(), st.integers(), st.floats(width=32)),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    columns=st.lists(
        st.tuples(NAMES, st.lists(JSON_VALUES, min_size=4, max_size=4)),
        min_size=1,
        max_size=5,
    )
)
@LENIENT
def test_json_lines(look_lake: Lake, columns: list[tuple[str, list[Any]]]) -> None:
    values = [v for _, cells in columns for v in cells if isinstance(v, str)]
    check(look_lake, jsonl_text(columns), values)
