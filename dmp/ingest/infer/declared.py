"""How a finding is declared in a contract: its options, or why it is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dmp.core.identifiers import FieldType
from dmp.ingest.infer.findings import COMMA, Finding
from dmp.ingest.infer.naming import snake
from dmp.ingest.infer.words import Meaning

Options = dict[str, Any]


@dataclass(frozen=True)
class Declared:
    """A field as it is declared: its usual name, if it has one, and its options."""

    name: str
    options: Mapping[str, Any]


_REACH = ["identity", "activation"]


def _identified(type_: str, **more: Any) -> Options:
    return {"identifier": {"type": type_, **more}}


_CODE = {"clear": False, "purpose": "identity"}
_USUAL: dict[Meaning, Declared] = {
    Meaning.EMAIL: Declared(
        "email", {"purpose": _REACH, **_identified("email"), "on_fault": "drop"}
    ),
    Meaning.PHONE: Declared(
        "phone", {"purpose": _REACH, **_identified("phone"), "on_fault": "drop"}
    ),
    Meaning.UID2: Declared(
        "uid2", {**_CODE, **_identified("uid2", namespace="uid2"), "on_fault": "drop"}
    ),
    Meaning.FIRST_NAME: Declared("first_name", {"purpose": "identity"}),
    Meaning.LAST_NAME: Declared("last_name", {"purpose": "identity"}),
    Meaning.FULL_NAME: Declared("full_name", {"purpose": "identity"}),
    Meaning.BIRTH_DATE: Declared(
        "birth_date", {"past": True, "purpose": "identity", "on_fault": "drop"}
    ),
    Meaning.ADDRESS: Declared("address", {"purpose": "identity"}),
    Meaning.POSTCODE: Declared("postcode", {"purpose": "identity"}),
    Meaning.TOWN: Declared("town", {"purpose": "identity"}),
    Meaning.AD_ID: Declared("ad_id", {**_CODE, **_identified("ad_id")}),
    Meaning.ACCOUNT_ID: Declared(
        "account_id", {**_CODE, **_identified("account_id", namespace="accounts")}
    ),
}
"""Fields that are called and joined alike in every source."""

_LEFT_OUT = {
    Meaning.IBAN: "bank accounts: not needed to know people",
    Meaning.CARD: "numbers of payment cards: do not load them",
    Meaning.IP: "addresses of machines: not needed to know people",
    Meaning.AGENT: "tells single devices apart: not needed to know people",
    Meaning.NATIONAL_ID: "given by a state: load it only where a law lets you",
    Meaning.SPECIAL: "a special category (GDPR, article 9): needs a ground of its own",
    Meaning.PRECISE_PLACE: "tells where somebody lives: not needed to know people",
    Meaning.FREE_TEXT: "free text: personal data may stand in it",
}
_DIGESTS = (Meaning.MD5, Meaning.SHA1, Meaning.SHA256)


def declared(finding: Finding, source: str) -> Declared:
    """Return how a direct identifier is declared, without its type.

    Codes of one source are joined within it alone; a digest is joined where its name
    says that it is one of e-mail addresses.
    """
    meaning, column = finding.meaning, finding.column
    if meaning in _USUAL:
        return _USUAL[meaning]
    if meaning in _DIGESTS:
        of_email = _identified("email", encoding=meaning.name.lower())
        known = of_email if Meaning.EMAIL in column.names else {}
        return Declared("", {**_CODE, **known, "on_fault": "drop"})
    name = snake(column.place.rpartition(".")[2]) or "id"
    return Declared("", {**_CODE, **_identified(name, namespace=source)})


def why_left_out(finding: Finding) -> str:
    """Return why a column is not to be read, or nothing."""
    if not finding.column.filled:
        return "has no value in any row"
    return _LEFT_OUT.get(finding.meaning, "")


def typed(finding: Finding) -> Options:
    """Return the options that say how values are read."""
    type_ = {} if finding.type is FieldType.TEXT else {"type": str(finding.type)}
    return {**type_, **formats(finding)}


def formats(finding: Finding) -> Options:
    """Return the formats of a finding as an option, if it has any."""
    written = [*finding.formats]
    if not written:
        return {}
    return {"formats": written[0] if len(written) == 1 else written}


def instant(finding: Finding) -> Options:
    """Return a finding as an instant of the row."""
    return {"from": finding.column.place, **formats(finding)}


def measure(name: str, finding: Finding) -> Options:
    """Return a finding as a measure of a purchase."""
    types: dict[str, Options] = {
        "amount": {"type": "number", **formats(finding)},
        "quantity": {"type": "integer", "minimum": 0},
    }
    common = {"purpose": "analytics", "on_fault": "drop"}
    return {"from": finding.column.place, **types.get(name, {}), **common}


def about(finding: Finding) -> str:
    """Return why a column is declared as it is, and what of it cannot be read."""
    words = f"{finding.meaning}: {finding.why}"
    if finding.meaning is Meaning.TEXT:
        words = f"{finding.type}: {finding.column.distinct:,} different values"
    if COMMA in finding.formats:
        words += "; a comma stands before the decimals"
    if finding.doubt:
        words += f"; {finding.doubt}"
    if unread := finding.column.filled - finding.readable:
        words += (
            f"; {unread:,} of {finding.column.filled:,} values cannot be read: they "
            "are dropped and kept on record"
        )
    return words


def about_instant(finding: Finding) -> str:
    """Return how many rows lack the instant of the row, and what is in doubt."""
    unread = finding.column.rows - finding.readable
    words = f"{unread:,} rows lack it or cannot be read, and will be refused"
    return "; ".join(filter(None, (words if unread else "", finding.doubt)))
