"""Values that must never be seen again, and the files that they are planted in."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

AT = "2026-06-2{}T10:00:00Z"
MEGABYTE = 1 << 20


def _mail(of: str) -> str:
    return f"zq.{of}@canarymail.example"


CANARIES: Mapping[str, str] = {
    # Direct identifiers, where the contracts say they are.
    "crm first name": "Zoquenda",
    "crm last name": "Quixworthing",
    "crm birth date, as written": "27/02/1931",
    "crm birth date": "1931-02-27",
    "crm e-mail": _mail("crm"),
    "crm phone, as written": "07911 123481",
    "crm phone": "7911123481",
    "crm street": "77 Quixotic Zigzag Yard",
    "crm postcode": "ZQ9 7QX",
    "crm town": "Quixhaven-sur-Zee",
    "crm account": "AZQX-7741-ACCT",
    "crm customer number": "CZQX-9982-CUST",
    "shop name": "Zarathos Quixfield",
    "shop e-mail": _mail("shop"),
    "shop phone": "7911123482",
    "shop street": "78 Quixotic Zigzag Yard",
    "shop order number": "OZQX-5512-ORDER",
    "web first name": "Zilpahra",
    "web last name": "Quixmantle",
    "web e-mail": _mail("web"),
    "web phone": "7911123483",
    "web cookie": "zqx-cookie-000-1234-anon",
    "web account": "AZQX-7742-ACCT",
    "app install": "zqx-install-00-1234-dev",
    "app advertising id": "ZQXAD000-1234-4321-ABCD-00ZQX00ADVID",
    "app e-mail": _mail("app"),
    "partner hashed e-mail": hashlib.sha256(_mail("partner").encode()).hexdigest(),
    "partner e-mail": _mail("partner"),
    "partner uid2": "zqQ" + "x" * 40 + "=",
    # Names beyond ASCII, composed or not, and with pictures.
    "accents": "Žofíe Quíxöšová",
    "decomposed": "Zoe\u0308lla Quixe\u0301ra",
    "emoji": "Zed 🦊 Quixfoxen",
    "greek": "Ζήνων Κουΐξης",
    "cyrillic": "Зинаида Квиксова",
    "han": "曲溪鶴之介太郎",
    "arabic": "زينب كويكسوري",
    "windows": "Zoë Quixüllerström",
    # Fields that no contract declares.
    "undeclared name": "Zebedeus Quixundeclared",
    "undeclared nested name": "Zenobia Quixnested",
    "undeclared street in a list": "79 Quixotic Zigzag Yard",
    "notes": "Zorrilla Quixnotes",
    "notes, a megabyte long": "Zacharine Quixlongnotes",
    "search words": "Zuleikha Quixsearched",
    "page title": "Zinnia Quixtitled",
    "column of another case": "Zephyra Quixlowercase",
    "machine address": "203.0.113.77",
    # In declared, ordinary text: what has the shape of an identifier.
    "e-mail in a path": _mail("path"),
    "escaped e-mail in a path": _mail("quotedpath"),
    "e-mail in a query string": _mail("query"),
    "name in a query string": "Zaphira Quixquery",
    "name in a fragment": "Zadkiel Quixfragment",
    "e-mail in a product": _mail("product"),
    "e-mail in a category": _mail("category"),
    "e-mail in a megabyte": _mail("megabyte"),
    "phone in a plan": "+44 7911 123484",
    "card in a category": "4111 1111 1111 1111",
    "iban in a category": "GB29 NWBK 6016 1331 9268 19",
    "address in a campaign": "203.0.113.78",
    "e-mail of an interest": _mail("interest"),
    "e-mail of a tier": _mail("tier"),
    "e-mail as a message id": _mail("message"),
    # In rows that are refused, or cannot be taken apart.
    "refused name": "Zedekiah Quixrefused",
    "refused e-mail": _mail("refused"),
    "refused date": "31st of Zquember",
    "refused event": "Zelophehad Quixevented",
    "no object": "Zipporah Quixbroken",
    "too many cells": "Zerubbabel Quixcells",
    "dropped phone": "zero seven nine quixdropped",
    # In the names that come with a file.
    "e-mail as a key": _mail("key"),
    "name with a space as a key": "Zechariah Quixkeyed",
    "file name": _mail("file"),
    "first row for a header": "Zubin Quixheaderless",
    "e-mail for a header": _mail("header"),
    # In an error that a notebook of one's own raises.
    "e-mail in an error": _mail("error"),
    "phone in an error": "+44 7911 123485",
}
"""What is planted, by label; what is promised for each is in test_canaries.py."""

C = CANARIES
FILE = f"export of {C['file name']}.jsonl"


def plant(landing: Path) -> None:
    """Write files with canaries beside those of ordinary people."""
    (landing / "web" / FILE).write_text(_lines(_web()), "utf-8")
    (landing / "app" / "zz-canaries.jsonl").write_text(_lines(_app()), "utf-8")
    (landing / "crm" / "zz-canaries.csv").write_text(_crm(_people()), "utf-8")
    windows = [{"CUST_NO": "CZQX-20", "SURNAME": C["windows"], **_CONSENT}]
    (landing / "crm" / "zz-windows.csv").write_bytes(_crm(windows).encode("cp1252"))
    (landing / "partner" / "zz-canaries.csv").write_text(_partner(), "utf-8")
    _shop(landing / "shop")


def headerless(folder: Path) -> Path:
    """Write a file whose first row stands where the header should."""
    path = folder / "zz-headerless.csv"
    cells = [C["first row for a header"], C["e-mail for a header"], "x", "y"]
    path.write_text(",".join(cells) + "\n" + "a,b,c,d\n", "utf-8")
    return path


def _lines(rows: list[Any]) -> str:
    return "".join(
        (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)) + "\n"
        for row in rows
    )


def _page(number: int, path: str, **more: Any) -> dict[str, Any]:
    at = AT.format(number % 10)
    return {
        "messageId": f"zq-web-{number}",
        "type": "page",
        "anonymousId": C["web cookie"],
        "timestamp": at,
        "sentAt": at,
        "receivedAt": at,
        "properties": {"path": path},
        "context": {
            "ip": C["machine address"],
            "page": {"title": C["page title"], "url": f"https://x.example{path}"},
            "consent": {"categoryPreferences": {"advertising": True}},
        },
        **more,
    }


def _track(number: int, event: str, **properties: Any) -> dict[str, Any]:
    page = _page(number, "/x")
    return {**page, "type": "track", "event": event, "properties": properties}


def _web() -> list[Any]:
    login = _page(1, "/login") | {"type": "identify", "userId": C["web account"]}
    login["traits"] = {
        "email": C["web e-mail"],
        "phone": "+44 " + C["web phone"],
        "firstName": C["web first name"],
        "lastName": C["web last name"],
        "nickname": C["undeclared name"],
        "seen": {C["e-mail as a key"]: 1, C["name with a space as a key"]: 2},
        "household": [{"street": C["undeclared street in a list"]}],
        "family": {"mother": {"name": C["undeclared nested name"]}},
    }
    escaped = C["escaped e-mail in a path"].replace("@", "%40")
    query = f"?email={C['e-mail in a query string']}&q={C['name in a query string']}"
    campaign = _page(6, "/pricing")
    campaign["context"]["campaign"] = {"source": C["address in a campaign"]}
    return [
        login,
        _page(2, f"/unsubscribe/{C['e-mail in a path']}"),
        _page(3, f"/confirm/{escaped}/now"),
        _page(4, f"/pricing{query}"),
        _page(5, f"/pricing#{C['name in a fragment']}"),
        campaign,
        _track(7, "Product Viewed", product_id=f"for {C['e-mail in a product']}"),
        _track(8, "Product Added", category=f"paid by {C['card in a category']}, new"),
        _track(9, "Signed Up", plan=f"ring {C['phone in a plan']} first"),
        _track(10, "Products Searched", query=C["search words"]),
        _page(11, "/x", messageId=C["e-mail as a message id"]),
        _track(12, "Product Viewed", category=_megabyte(C["e-mail in a megabyte"])),
        _track(13, C["refused event"], product_id="1"),
        _page(14, "/x", timestamp=C["refused date"], sentAt=None),
        f'{{"messageId": "zq-15", "name": "{C["no object"]}", broken',
    ]


def _app() -> list[Any]:
    milliseconds = int(datetime(2026, 6, 20, 10, tzinfo=UTC).timestamp() * 1000)
    row = {
        "uuid": "zq-app-1",
        "event_name": "screen_view",
        "screen": f"/share/{C['e-mail in a path']}",
        "ts": milliseconds,
        "received_ts": milliseconds,
        "device": {
            "install_id": C["app install"],
            "os": "ios",
            "ad_id": C["app advertising id"],
            "owner": C["undeclared name"],
        },
        "user": {"account_id": C["web account"], "email": C["app e-mail"]},
        "params": {"item_category": C["iban in a category"]},
        "consents": {"ads": "granted"},
    }
    refused = {"uuid": "zq-app-2", "ts": C["refused date"], "user": {"n": C["emoji"]}}
    return [row, refused]


_CONSENT = {"MKT_EMAIL_OPTIN": "Y", "ADS_OPTIN": "Y", "UPDATED": "2026-06-01 10:00:00"}
_NAMES = "accents decomposed emoji greek cyrillic han arabic".split()


def _people() -> list[dict[str, str]]:
    whole = {
        "CUST_NO": C["crm customer number"],
        "FIRST_NAME": C["crm first name"],
        "SURNAME": C["crm last name"],
        "DOB": C["crm birth date, as written"],
        "EMAIL": C["crm e-mail"],
        "PHONE": C["crm phone, as written"],
        "ADDR1": C["crm street"],
        "CITY": C["crm town"],
        "POSTCODE": C["crm postcode"],
        "ACCOUNT_ID": C["crm account"],
        "LOYALTY_TIER": C["e-mail of a tier"],
        "NOTES": f"spoke to {C['notes']}, call back",
        "surname": C["column of another case"],
        **_CONSENT,
    }
    named = [
        {"CUST_NO": f"CZQX-{n}", "SURNAME": C[label], "ADDR1": C[label], **_CONSENT}
        for n, label in enumerate(_NAMES)
    ]
    long = {"CUST_NO": "CZQX-10", "NOTES": _megabyte(C["notes, a megabyte long"])}
    dropped = {"CUST_NO": "CZQX-11", "PHONE": C["dropped phone"], "SURNAME": "Quix"}
    refused = {
        "CUST_NO": "CZQX-12",
        "SURNAME": C["refused name"],
        "EMAIL": C["refused e-mail"],
        "UPDATED": C["refused date"],
    }
    return [whole, *named, long | _CONSENT, dropped | _CONSENT, refused]


_COLUMNS = (
    "CUST_NO,TITLE,FIRST_NAME,SURNAME,DOB,GENDER,EMAIL,PHONE,ADDR1,CITY,POSTCODE,COUNTRY,"
    "ACCOUNT_ID,LOYALTY_TIER,MKT_EMAIL_OPTIN,MKT_OPTIN_DATE,ADS_OPTIN,NOTES,UPDATED"
).split(",")


def _crm(people: list[dict[str, str]]) -> str:
    out = io.StringIO()
    has_more = any("surname" in person for person in people)
    columns = [*_COLUMNS, "surname"] if has_more else _COLUMNS
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(people)
    cells = ["CZQX-13", *["x"] * len(columns), C["too many cells"]]
    return out.getvalue() + (",".join(cells) + "\n" if has_more else "")


def _partner() -> str:
    heads = "partner_id,email_sha256,uid2,interest,income_band,advertising_consent"
    hashed = C["partner hashed e-mail"].upper()
    interest = f"asked by {C['e-mail of an interest']}"
    row = f"PZQX-1,{hashed},{C['partner uid2']},{interest},A,granted"
    times = ",2026-01-01T00:00:00Z,2026-01-02T00:00:00Z\n"
    return f"{heads},consented_at,updated_at\n{row}{times}"


def _shop(folder: Path) -> None:
    table = pq.read_table(folder / "part-00000.parquet").slice(0, 2)
    rows = table.to_pylist()
    rows[0] |= {
        "order_id": C["shop order number"],
        "shop_customer_id": "SZQX-1",
        "account_id": C["crm account"],
        "customer_name": C["shop name"],
        "customer_email": C["shop e-mail"],
        "customer_phone": "0" + C["shop phone"],
        "ship_address": C["shop street"],
        "ship_city": C["crm town"],
        "category": C["e-mail in a category"],
        "marketing_optin": True,
    }
    rows[1] |= {
        "order_id": "OZQX-2",
        "customer_name": C["refused name"],
        "amount": None,
    }
    pq.write_table(table.from_pylist(rows, table.schema), folder / "zz.parquet")


def _megabyte(inside: str) -> str:
    half = "lorem ipsum " * (MEGABYTE // 24)
    return f"{half}{inside} {half}"
