from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from door import Door, contract

from dmp.core.errors import ConfigInvalid

CASES = yaml.safe_load(
    (Path(__file__).parent.parent / "cases" / "email_forms.yaml").read_text()
)
TYPES = {"md5": "md5", "sha1": "sha1", "sha256": "sha256", "sha256_uid2": "uid2"}
DIRECT = {"class": "direct", "purpose": "identity", "clear": False}


def source(name: str, type_: str, **identifier: Any) -> Any:
    """A contract of records with an id and one identifier, `x`."""
    field = {"from": "x", "type": type_, **DIRECT, "identifier": identifier}
    return contract(source=name, fields={"x": field})


def tokens(door: Door, name: str) -> set[tuple[str, str]]:
    rows = door.lake.rows(
        "select encoding, token from identity.identifier where source = $name",
        name=name,
    )
    return set(rows)


@pytest.mark.parametrize("encoding", TYPES)
def test_a_hash_of_a_partner_is_the_clear_address(door: Door, encoding: str) -> None:
    cases = [case for case in CASES if encoding in case]
    clear = "".join(f"{n},{case['email']}\n" for n, case in enumerate(cases))
    hashed = "".join(f"{n},{case[encoding]}\n" for n, case in enumerate(cases))
    door.load(source("own", "email", type="email"), "id,x\n" + clear)
    partner = source("partner", TYPES[encoding], type="email", encoding=encoding)
    door.load(partner, "id,x\n" + hashed, name="hashed")
    (pair,) = door.lake.rows(
        "select count(distinct b.subject_id), count(*) from identity.identifier as a "
        "join identity.identifier as b using (namespace, type, encoding, token) "
        "where a.source = 'own' and b.source = 'partner'"
    )
    assert pair[0] == len(cases)


def test_ramp_ids_are_told_apart_by_whom_they_were_made_for(door: Door) -> None:
    rest = "wXyWPB1SgpMUKIpzA0I3UaLEz-2lg0wFAr1PWK7FMhs"
    door.load(
        source("partner", "rampid", type="rampid", namespace="liveramp"),
        f"id,x\n1,XY1005{rest}\n2,XY1006{rest}\n",
    )
    assert {encoding for encoding, _ in tokens(door, "partner")} == {"1005", "1006"}


def address(**more: Any) -> dict[str, Any]:
    return {
        "ip": {
            "from": "ip",
            "type": "ip",
            "on_fault": "drop",
            **DIRECT,
            "identifier": {
                "type": "ip_agent",
                "namespace": "web",
                "together_with": "agent",
                "window_hours": 2,
                **more,
            },
        },
        "agent": {"from": "agent", **DIRECT},
    }


@pytest.mark.parametrize(
    ("other", "shares"),
    [
        ("203.0.113.9,Firefox,2026-06-01T10:59:59Z", True),
        ("203.0.113.9,Firefox,2026-06-01T12:00:00Z", False),
        ("203.0.113.9,Safari,2026-06-01T10:00:00Z", False),
        ("203.0.113.8,Firefox,2026-06-01T10:00:00Z", False),
        ("203.0.113.9,,2026-06-01T10:00:00Z", False),
        ("192.168.0.1,Firefox,2026-06-01T10:00:00Z", False),
    ],
)
def test_an_address_identifies_with_the_agent_and_for_a_time(
    door: Door, other: str, shares: bool
) -> None:
    web = contract(fields=address(), recorded_at={"from": "at"})
    first = "203.0.113.9,Firefox,2026-06-01T10:00:00Z"
    door.load(web, f"id,ip,agent,at\n1,{first}\n2,{other}\n")
    shared = door.lake.value(
        "select count(*) from (select token from identity.identifier "
        "group by token having count(distinct subject_id) > 1)"
    )
    assert (shared > 0) == shares
    stored = door.lake.rows("select * from core.record")
    assert "Firefox" not in str(stored) and "203.0.113" not in str(stored)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"together_with": []}, "together_with other fields and within window_hours"),
        ({"window_hours": None}, "together_with other fields and within window_hours"),
        ({"together_with": ["agnet"]}, "names agnet, which is no other field"),
        ({"window_hours": -1}, "greater than 0"),
    ],
)
def test_an_address_alone_is_no_identifier(more: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigInvalid, match=word):
        contract(fields=address(**more))


def test_a_blocked_value_identifies_nobody_and_is_told(door: Door) -> None:
    blocked = {"email": (r"noreply@.*", r".*@test\.example")}
    door.stores = replace(door.stores, blocked=blocked)
    report = door.load(
        source("own", "email", type="email"),
        "id,x\n1,NoReply@shop.example\n2,jane@mail.example\n3,a@test.example\n",
    )
    assert report.rows_refused == 0
    (subjects,) = door.lake.row(
        "select count(distinct subject_id) from identity.identifier"
    )
    faults = door.lake.rows(
        "select line, field, action, reason from raw.refused order by line"
    )
    assert subjects == 1
    assert [row[0] for row in faults] == [2, 4]
    assert {row[1:] for row in faults} == {
        ("x", "dropped", "is blocked as an identifier")
    }
    assert "noreply" not in str(door.lake.rows("from raw.refused")).lower()


def parquet(values: pa.Array) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": list(range(len(values))), "x": values}), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("format_", "content"),
    [
        ("csv", b"id,x\n1,123.0\n"),
        (
            "jsonl",
            b'{"id": 1, "x": 123}\n{"id": 2, "x": "123"}\n{"id": 3, "x": 123.0}\n',
        ),
        ("parquet", parquet(pa.array([123]))),
        ("parquet", parquet(pa.array([123.0, None]))),
        ("parquet", parquet(pa.array([123]).cast(pa.decimal128(25, 2)))),
        ("parquet", parquet(pa.array(["123"]))),
    ],
    ids=["csv of gaps", "json", "integers", "numbers with gaps", "decimals", "texts"],
)
def test_an_id_is_the_same_whatever_type_a_file_gives_it(
    door: Door, format_: str, content: bytes
) -> None:
    field = {"from": "x", **DIRECT, "identifier": {"type": "card"}}
    other = contract(format_, source="other", fields={"x": field})
    door.load(source("own", "text", type="card"), "id,x\n1,123\n2,0123\n")
    door.load(other, content, name="other")
    (whole,) = tokens(door, "other")
    assert whole in tokens(door, "own")
