"""The committed sample through its contracts, against plain Python over its files."""

from __future__ import annotations

import csv
import json
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
import yaml
from sample_workspace import REPOSITORY, SAMPLE, SOURCES

from dmp.flows.workspace import Workspace

REFUSED = pd.read_parquet(SAMPLE / "truth" / "refused.parquet")


def rows_of(source: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for path in sorted((SAMPLE / source).iterdir()):
        if path.suffix == ".parquet":
            rows += pd.read_parquet(path).to_dict("records")
        elif path.suffix == ".jsonl":
            rows += [json.loads(line) for line in path.read_text().splitlines()]
        else:
            lines = path.read_bytes().removeprefix(BOM_UTF8).splitlines(keepends=True)
            rows += csv.DictReader([in_text(line) for line in lines])
    return rows


def in_text(line: bytes) -> str:
    """Decode a line of a file in which two encodings were mixed."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252")


def names_in(source: str) -> Iterator[str]:
    contract = yaml.safe_load(
        (REPOSITORY / "config" / "sources" / f"{source}.yaml").read_text()
    )
    for row in rows_of(source):
        yield next(
            name
            for name, when in contract["event"]["names"].items()
            if all(row.get(place) == value for place, value in when.items())
        )


@pytest.mark.parametrize("source", SOURCES)
def test_every_row_is_accepted_unchanged_or_refused(
    loaded_sample: Workspace, source: str
) -> None:
    read, accepted, unchanged, refused = loaded_sample.lake.row(
        "select sum(rows_read), sum(rows_accepted), sum(rows_unchanged), "
        "sum(rows_refused) from ops.load where source = $source",
        source=source,
    )
    assert read == len(rows_of(source)) == accepted + unchanged + refused
    assert refused == (REFUSED.source == source).sum()


def test_exactly_the_faulty_lines_are_refused(loaded_sample: Workspace) -> None:
    found = loaded_sample.lake.rows(
        "select distinct source || '/' || file_name, line from raw.refused "
        "where action = 'refused'"
    )
    truth = set(zip(REFUSED.file, REFUSED.line, strict=True))
    assert len(truth) == 16
    assert set(found) == truth


@pytest.mark.parametrize("source", ["web", "app"])
def test_events_are_named_counted_and_kept_once(
    loaded_sample: Workspace, source: str
) -> None:
    key = "messageId" if source == "web" else "uuid"
    named = dict(
        zip((row[key] for row in rows_of(source)), names_in(source), strict=True)
    )
    found = loaded_sample.lake.rows(
        "select event, count(*) from core.event where source = $s group by event",
        s=source,
    )
    assert dict(found) == Counter(named.values())
    assert sum(count for _, count in found) < len(rows_of(source))


def test_page_and_screen_views_have_one_shape(loaded_sample: Workspace) -> None:
    web = {
        row["messageId"]: row["properties"]["path"]
        for row in rows_of("web")
        if row["type"] == "page"
    }
    app = {
        row["uuid"]: row["screen"]
        for row in rows_of("app")
        if row["event_name"] == "screen_view"
    }
    found = loaded_sample.lake.rows(
        "select platform, properties.page, count(*) from core.event "
        "where event = 'page_viewed' group by all"
    )
    expected = Counter(("web", page) for page in web.values())
    expected.update(("app", page) for page in app.values())
    assert {(platform, page): n for platform, page, n in found} == expected


def test_purchases_add_up(loaded_sample: Workspace) -> None:
    orders = pd.DataFrame(rows_of("shop"))
    bad = set(REFUSED[REFUSED.source == "shop"].line)
    good = orders[[n + 1 not in bad for n in range(len(orders))]]
    good = good.drop_duplicates("order_id")
    count, total, quantity = loaded_sample.lake.row(
        "select count(*), sum(amount), sum(quantity) from core.transaction"
    )
    assert (count, quantity) == (len(good), pd.to_numeric(good.quantity).sum())
    assert total == pytest.approx(pd.to_numeric(good.amount).sum())


def test_subjects_are_the_keys_of_the_files(loaded_sample: Workspace) -> None:
    bad = set(REFUSED[REFUSED.source == "partner"].line)
    partner = {
        row["partner_id"]
        for line, row in enumerate(rows_of("partner"), start=2)
        if line not in bad
    }
    web = {
        ("user", row["userId"]) if row["userId"] else ("device", row["anonymousId"])
        for row in rows_of("web")
    }
    found = loaded_sample.lake.rows(
        "select source, kind, count(*) from identity.subject "
        "where source in ('partner', 'web') group by all order by all"
    )
    kinds = Counter(kind for kind, _ in web)
    assert found == [
        ("partner", "record", len(partner)),
        ("web", "device", kinds["device"]),
        ("web", "user", kinds["user"]),
    ]


def test_no_clear_value_of_the_files_is_in_the_lake(loaded_sample: Workspace) -> None:
    emails = {row["EMAIL"].lower() for row in rows_of("crm") if "@" in row["EMAIL"]}
    files = list(loaded_sample.paths.lake.rglob("*.parquet"))
    assert len(emails) > 500 and files
    for file in files:
        text = pd.read_parquet(file).to_csv(index=False).lower()
        assert not any(email in text for email in emails), file.name
