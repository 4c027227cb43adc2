"""Keyed pseudonyms: HMAC-SHA256 over columns in DuckDB, and over single values.

The keys enter a query as bound parameters only, so its text may be logged.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from uuid import UUID

from dmp.core.errors import UsageError
from dmp.core.sql import Query, quote_text, sql
from dmp.privacy.root_keys import PseudonymKey

_BLOCK_BYTES = 64
_TOKEN_DIGITS = 32
_UNUSED_BITS = 2
_PLAIN_NAME = re.compile(r"[a-z0-9_]+")


def token(key: PseudonymKey, type: str, value: str) -> str:
    """Return the pseudonym of one value: `<version>:<32 hex digits>`.

    Equal to `token_sql` on the same text. Values are normalised before.

    Raises:
        UsageError: the type is empty or holds a NUL.
    """
    digest = _hmac(key, _label(type), value).hexdigest()
    return f"{key.version}:{digest[:_TOKEN_DIGITS]}"


def rekeyed_sql(keys: Sequence[PseudonymKey], token: Query, prefix: str = "r") -> Query:
    """Return an expression that brings tokens to the version of the last of `keys`.

    `keys` are the versions that follow the token's own, in order; each is applied to
    the token before it, so that no clear value is needed: token 3 is
    HMAC(K3, token 2), token 2 is HMAC(K2, token 1). No keys leave it as it is.
    """
    for key in keys:
        token = token_sql(key, "token", token, prefix=f"{prefix}{key.version}")
    return token


def subject_id(key: PseudonymKey, source: str, value: str) -> int:
    """Return the integer in [0, 2**62) that names one key of one source.

    Equal to `subject_id_sql` on the same text. Among ten million subjects two share
    an id with a chance of 1 in 90,000.

    Raises:
        UsageError: the source is empty or holds a NUL.
    """
    digest = _hmac(key, _label(source), value).digest()
    return int.from_bytes(digest[:8], "big") >> _UNUSED_BITS


def digest_uuid(key: PseudonymKey, source: str, value: str) -> UUID:
    """Return the keyed digest of one value as a UUID; equal to `digest_uuid_sql`."""
    message = key.key + _label(source) + value.encode()
    return UUID(bytes=hashlib.sha256(message).digest()[:16])


def token_sql(key: PseudonymKey, type: str, value: Query, prefix: str = "k") -> Query:
    """Return an expression of the pseudonyms of a text column.

    HMAC-SHA256(K, type || 0x00 || value) as `<version>:<32 hex digits>`, null for
    null. Its parameters begin with `prefix`: one prefix a key, whatever the types.

    Raises:
        UsageError: the type is empty or holds a NUL, or the prefix is no plain name.
    Source: RFC 2104, FIPS 180-4.
    """
    return sql(
        "{version} || left({digest}, {digits})",
        version=Query(quote_text(f"{key.version}:")),
        digest=_hmac_sql(key, type, value, prefix),
        digits=Query(str(_TOKEN_DIGITS)),
    )


def subject_id_sql(
    key: PseudonymKey, source: str, value: Query, prefix: str = "s"
) -> Query:
    """Return an expression of the subject ids of a text column: bigint in [0, 2**62).

    The first 62 bits of HMAC-SHA256(K, source || 0x00 || value), null for null.

    Raises:
        UsageError: the source is empty or holds a NUL, or the prefix is no plain name.
    """
    return sql(
        "(('0x' || left({digest}, 16))::ubigint >> {bits})::bigint",
        digest=_hmac_sql(key, source, value, prefix),
        bits=Query(str(_UNUSED_BITS)),
    )


def digest_uuid_sql(
    key: PseudonymKey, source: str, value: Query, prefix: str = "d"
) -> Query:
    """Return an expression of keyed digests of a text column, as UUIDs.

    SHA-256(K || source || 0x00 || value), its first 128 bits, null for null. One hash
    instead of the two of HMAC is enough here: what a key as prefix gives away is
    computing the digest of a longer message from that of a shorter one. That needs
    the whole 256-bit state, of which half is cut off, and nobody takes the digest as
    a proof of origin: it names an event, so that the same event again is the same id.

    Raises:
        UsageError: the source is empty or holds a NUL, or the prefix is no plain name.
    """
    name = f"{_prefix(prefix)}_d_{_slug(source)}"
    return sql(
        "left(sha256({start} || encode(({value})::varchar)), 32)::uuid",
        start=Query(f"${name}::blob", {name: key.key + _label(source)}),
        value=value,
    )


def email_forms_sql(value: Query) -> Query:
    """Return an expression of the forms in which partners write an e-mail address.

    Takes a normalised clear address; gives a list of struct(encoding, value) with the
    encodings plain, md5, sha1, sha256 (lower-case hex of the address as it is) and
    sha256_uid2 (base64, of the address as UID2 folds it). Null gives null.

    Source: UID2 documentation, normalisation and encoding of e-mail addresses.
    """
    pairs = (
        ("plain", sql("({v})", v=value)),
        ("md5", sql("md5({v})", v=value)),
        ("sha1", sql("sha1({v})", v=value)),
        ("sha256", sql("sha256({v})", v=value)),
        (
            "sha256_uid2",
            sql("to_base64(unhex(sha256({f})))", f=_uid2_folded_sql(value)),
        ),
    )
    structs = [
        sql("struct_pack(encoding := {e}, value := {v})", e=Query(quote_text(e)), v=v)
        for e, v in pairs
    ]
    return sql(
        "case when ({v}) is not null then [{structs}] end", v=value, structs=structs
    )


def _uid2_folded_sql(value: Query) -> Query:
    """Drop dots and +suffix from the local part, at gmail.com and nowhere else."""
    return sql(
        "case when ends_with({v}, '@gmail.com') then "
        "replace(split_part(split_part({v}, '@', 1), '+', 1), '.', '') || '@gmail.com' "
        "else ({v}) end",
        v=value,
    )


def _hmac(key: PseudonymKey, label: bytes, value: str) -> hmac.HMAC:
    return hmac.new(key.key, label + value.encode(), hashlib.sha256)


def _hmac_sql(key: PseudonymKey, label: str, value: Query, prefix: str) -> Query:
    """Return the 64 hex digits of the HMAC; the padded keys are bound."""
    inner = f"{_prefix(prefix)}_i_{_slug(label)}"
    outer = f"{prefix}_o"
    return sql(
        "sha256({outer} || unhex(sha256({inner} || encode(({value})::varchar))))",
        outer=Query(f"${outer}::blob", {outer: _padded(key.key, 0x5C)}),
        inner=Query(f"${inner}::blob", {inner: _padded(key.key, 0x36) + _label(label)}),
        value=value,
    )


def _padded(key: bytes, pad: int) -> bytes:
    short = hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key
    return bytes(byte ^ pad for byte in short.ljust(_BLOCK_BYTES, b"\x00"))


def _label(name: str) -> bytes:
    if not name or "\x00" in name:
        raise UsageError("the type or source of a pseudonym is a text without NUL")
    return name.encode() + b"\x00"


def _slug(name: str) -> str:
    """Return `name` as part of a parameter name; other names give other parts."""
    return name if _PLAIN_NAME.fullmatch(name) else f"0x{name.encode().hex()}"


def _prefix(prefix: str) -> str:
    if _PLAIN_NAME.fullmatch(prefix) is None:
        raise UsageError("the prefix of a parameter is lower-case letters and digits")
    return prefix
