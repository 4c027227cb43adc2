"""What must hold of each parser, whatever it is given: one function a family.

A function takes bytes and returns; an error that is none of `DMPError`, and a broken
promise, are what the fuzzer looks for.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dmp.core.config import parse as parse_document
from dmp.core.documents import load_yaml
from dmp.core.errors import DMPError
from dmp.core.identifiers import FieldType, e164
from dmp.core.sql import Query, sql
from dmp.ingest.connectors import stage_file
from dmp.ingest.contracts import DIRECT_TYPES, Contract
from dmp.ingest.free_texts import mapped_row_sql
from dmp.ingest.mapped_columns import consent_columns, field_column
from dmp.ingest.mapping import typed_row_sql
from dmp.ingest.phones import phone_sql
from dmp.ingest.readings import define_readers
from dmp.privacy.audit_check import verify_log
from dmp.privacy.audit_heads import read_head
from dmp.privacy.detect import kinds, mask, mask_sql
from dmp.privacy.private_files import KEY_BYTES, decode_key
from dmp.segments.documents import segment_document
from dmp.segments.parsing import parse as parse_rule
from dmp.segments.source import load as load_rule
from dmp.storage.lake import Lake

_LOADED = "timestamptz '2026-07-01 00:00:00+00'"
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzz-"))


@cache
def _lake() -> Lake:
    lake = Lake(_folder() / "lake")
    define_readers(lake)
    return lake


def end() -> None:
    """Remove what the parsers were tried on."""
    if _folder.cache_info().currsize:
        shutil.rmtree(_folder())


@cache
def _every_type() -> Contract:
    """Return a contract that reads one cell as every type, and as consent."""
    cell = {"from": "cell", "purpose": "a", "on_fault": "drop"}
    fields: dict[str, Any] = {
        kind.value: {
            **cell,
            "type": kind,
            "class": "direct" if kind in DIRECT_TYPES else "quasi",
        }
        for kind in FieldType
    }
    fields["number"]["minimum"] = 0
    consent = {"purpose": "a", "from": "cell", "granted": "yes", "denied": "no"}
    return _contract(
        "csv",
        recorded_at={"from": "cell", "formats": ["%d.%m.%Y %H:%M", "epoch_ms"]},
        fields=fields,
        consent=[{**consent, "captured_at": {"from": "cell"}}],
    )


def _contract(format_: str, **parts: Any) -> Contract:
    document = {
        "source": "fuzz",
        "owner": "fuzz",
        "connector": {"format": format_, "path": "x"},
        "subject": [{"from": "cell", "kind": "record"}],
    }
    return parse_document(Contract, {**document, **parts}, "fuzz")


def readings(data: bytes) -> None:
    """Each line as a cell, read as every type: read or a fault, and never an error."""
    values = sql(
        'select 1 as line, unnest($cells::varchar[]) as "raw.cell"', cells=_lines(data)
    )
    typed = typed_row_sql(_every_type(), _LOADED, values)
    for row in _lake().records(mapped_row_sql(_every_type(), typed)):
        _check_row(row)


def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8", errors="ignore").replace("\0", "").split("\n")


def _check_row(row: dict[str, Any]) -> None:
    number, at = row[field_column("number")], row[field_column("instant")]
    assert number is None or (math.isfinite(number) and number >= 0)
    assert at is None or _EARLIEST <= at < _LATEST
    assert row["row_at"] is None or row["row_at"] <= row["received_at"]
    assert row[consent_columns(0)[0]] in (None, "granted", "denied")
    unread = {fault["field"] for fault in row["faults"]} - {"subject", "recorded_at"}
    if row["subject_key"] is not None:
        for kind in FieldType:
            value = row[field_column(kind.value)]
            assert (value is None) == (kind.value in unread), kind


def csv_rows(data: bytes) -> None:
    """A CSV file: every record is a row or refused, each under a line of its own."""
    _file(data, "csv")


def json_rows(data: bytes) -> None:
    """A file of JSON lines: the same; and every row can be taken apart."""
    _file(data, "jsonl")


def parquet_rows(data: bytes) -> None:
    """A Parquet file: loaded, or refused as a whole."""
    _file(data, "parquet")


def _file(data: bytes, format_: str) -> None:
    path, lake, read_by = _folder() / "input", _lake(), _contract(format_)
    path.write_bytes(data)
    try:
        rows = stage_file(lake, read_by, path, _folder())
    except DMPError as error:
        assert len(str(error)) < 2000
        return
    lines = lake.rows(
        "select line from raw_row union all select line from rejected_row"
    )
    assert len({line for (line,) in lines}) == len(lines), "two rows of one line"
    assert all(line >= 1 for (line,) in lines)
    values, bodies = rows.values(read_by.places()), rows.bodies()
    lake.rows(sql("select * from ({v}) join ({b}) using (line)", v=values, b=bodies))
    rows.undeclared(lake, ["cell"])


def contract(data: bytes) -> None:
    """A contract: read, or refused in words."""
    with suppress(DMPError):
        document = load_yaml(data.decode("utf-8", errors="ignore"), "fuzz")
        if isinstance(document, dict):
            made = parse_document(Contract, document, "fuzz")
            assert made.version and made.places()


def rule(data: bytes) -> None:
    """A segment: refused in words, or the same again when written and read."""
    try:
        segment = parse_rule(load_rule(data.decode("utf-8", errors="ignore"), "fuzz"))
    except DMPError:
        return
    assert parse_rule(segment_document(segment)) == segment


def detected(data: bytes) -> None:
    """Each line as a text: masked alike by Python and by SQL."""
    texts = _lines(data)
    given = sql("select unnest($texts::varchar[]) as text", texts=texts)
    masked = mask_sql(Query("text"))
    by_sql = _lake().rows(sql("select {m} from ({g})", m=masked, g=given))
    for text, (found,) in zip(texts, by_sql, strict=True):
        assert found == mask(text)
        assert bool(kinds(text)) == (found != text)


def phones(data: bytes) -> None:
    """A phone number: none, or one that reads as itself; in SQL as in Python."""
    text = data.decode("utf-8", errors="ignore").replace("\0", "")
    for region in ("GB", "US", "DE"):
        number = e164(text, region)
        read = f"select {phone_sql('text', region)} from (select $text as text)"
        assert _lake().value(read, text=text) == number
        if number is not None:
            assert number.startswith("+") and number[1:].isascii()
            assert e164(number, "GB") == number


def keys(data: bytes) -> None:
    """A key: 32 bytes, or refused without a word of it."""
    with suppress(DMPError):
        assert len(decode_key(data, "fuzz")) == KEY_BYTES


def audit_lines(data: bytes) -> None:
    """A log and heads that nobody signed are never found whole."""
    with suppress(DMPError):
        read_head(data)
    log, heads = _folder() / "log", _folder() / "heads"
    first, _, rest = data.partition(b"\xff")
    log.write_bytes(first)
    heads.write_bytes(rest)
    key = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    report = verify_log(log, heads, key)
    assert report.ok == (not first and not rest)


PARSERS: dict[str, Callable[[bytes], None]] = {
    function.__name__: function
    for function in (
        readings,
        csv_rows,
        json_rows,
        parquet_rows,
        contract,
        rule,
        detected,
        phones,
        keys,
        audit_lines,
    )
}
"""Each family by name."""
