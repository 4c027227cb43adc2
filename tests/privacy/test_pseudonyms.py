from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmp.core.errors import UsageError
from dmp.core.sql import Query, sql
from dmp.privacy.pseudonyms import (
    digest_uuid,
    digest_uuid_sql,
    email_forms_sql,
    subject_id,
    subject_id_sql,
    token,
    token_sql,
)
from dmp.privacy.root_keys import PseudonymKey

KEY = PseudonymKey(3, bytes(range(32)))
VALUE = Query("v")


def values(
    duck: duckdb.DuckDBPyConnection, texts: list[str | None], *columns: Query
) -> list[tuple[Any, ...]]:
    query = sql(
        "select {columns} from (select unnest($texts::varchar[]) as v)",
        columns=columns,
        texts=texts,
    )
    return duck.execute(query.text, dict(query.params)).fetchall()


@given(
    st.lists(st.text(), min_size=1), st.text(min_size=1).filter(lambda t: "\0" not in t)
)
@settings(max_examples=40, deadline=None)
def test_sql_equals_python_on_all_unicode(texts: list[str], kind: str) -> None:
    with duckdb.connect() as duck:
        rows = values(
            duck,
            list(texts),
            token_sql(KEY, kind, VALUE),
            subject_id_sql(KEY, kind, VALUE),
            digest_uuid_sql(KEY, kind, VALUE),
        )
    assert rows == [
        (token(KEY, kind, t), subject_id(KEY, kind, t), digest_uuid(KEY, kind, t))
        for t in texts
    ]


def test_a_token_is_the_hmac_of_type_and_value() -> None:
    mac = hmac.new(KEY.key, b"email\x00jane@example.com", hashlib.sha256).digest()
    assert token(KEY, "email", "jane@example.com") == f"3:{mac[:16].hex()}"
    first_62_bits = int.from_bytes(mac, "big") >> (256 - 62)
    assert subject_id(KEY, "email", "jane@example.com") == first_62_bits


def test_the_sql_construction_gives_the_published_macs(
    duck: duckdb.DuckDBPyConnection, crypto: dict[str, Any]
) -> None:
    from dmp.privacy.pseudonyms import _padded

    for case in crypto["hmac_sha256"]:
        key = (
            bytes.fromhex(case["key_hex"])
            if "key_hex" in case
            else case["key"].encode()
        )
        mac = duck.execute(
            "select sha256($o::blob || unhex(sha256($i::blob || encode($v))))",
            {"o": _padded(key, 0x5C), "i": _padded(key, 0x36), "v": case["data"]},
        ).fetchall()
        assert mac == [(case["mac"],)]


def test_null_gives_null(duck: duckdb.DuckDBPyConnection) -> None:
    columns = (
        token_sql(KEY, "email", VALUE),
        subject_id_sql(KEY, "shop", VALUE),
        digest_uuid_sql(KEY, "shop", VALUE),
        email_forms_sql(VALUE),
    )
    assert values(duck, [None], *columns) == [(None, None, None, None)]


def test_many_pseudonyms_compose_in_one_query(duck: duckdb.DuckDBPyConnection) -> None:
    other = PseudonymKey(4, b"k" * 32)
    kinds = ["email", "phone", "email-md5", "email_md5", "Email", "e"]
    columns = [token_sql(KEY, kind, VALUE) for kind in kinds]
    columns += [token_sql(other, kind, VALUE, "activation") for kind in kinds]
    [row] = values(duck, ["a"], *columns)
    assert list(row) == [
        token(key, kind, "a") for key in (KEY, other) for kind in kinds
    ]


def test_the_text_of_a_query_holds_no_key(duck: duckdb.DuckDBPyConnection) -> None:
    query = token_sql(KEY, "email", VALUE)
    assert KEY.key.hex()[:16] not in query.text
    assert "'3:'" in query.text
    assert repr(KEY) == "PseudonymKey(version=3)"


def test_subject_ids_are_integers_and_digests_uuids(
    duck: duckdb.DuckDBPyConnection,
) -> None:
    query = sql(
        "select typeof({s}), typeof({u}), {u} from (select 'a' as v)",
        s=subject_id_sql(KEY, "shop", VALUE),
        u=digest_uuid_sql(KEY, "shop", VALUE),
    )
    [row] = duck.execute(query.text, dict(query.params)).fetchall()
    assert row == ("BIGINT", "UUID", digest_uuid(KEY, "shop", "a"))


@pytest.mark.parametrize("name", ["", "a\0b"], ids=["empty", "nul"])
def test_a_type_without_meaning_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        token(KEY, name, "a")
    with pytest.raises(UsageError):
        token_sql(KEY, name, VALUE)
    with pytest.raises(UsageError, match="prefix"):
        subject_id_sql(KEY, "shop", VALUE, prefix="a b")


def test_email_forms(duck: duckdb.DuckDBPyConnection) -> None:
    address = "jane.doe+news@gmail.com"
    [[forms]] = values(duck, [address], email_forms_sql(VALUE))
    raw = address.encode()
    folded = hashlib.sha256(b"janedoe@gmail.com").digest()
    assert [(form["encoding"], form["value"]) for form in forms] == [
        ("plain", address),
        ("md5", hashlib.md5(raw).hexdigest()),
        ("sha1", hashlib.sha1(raw).hexdigest()),
        ("sha256", hashlib.sha256(raw).hexdigest()),
        ("sha256_uid2", base64.b64encode(folded).decode()),
    ]


def test_email_forms_fold_as_uid2_publishes(
    duck: duckdb.DuckDBPyConnection, uid2: dict[str, Any]
) -> None:
    cases = [case for case in uid2["emails"] if case.get("sha256_b64")]
    assert len(cases) > 10
    cleaned = [case["input"].strip().lower() for case in cases]
    rows = values(duck, cleaned, email_forms_sql(VALUE))
    assert [row[0][-1]["value"] for row in rows] == [c["sha256_b64"] for c in cases]
