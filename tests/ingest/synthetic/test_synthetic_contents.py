from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import phonenumbers
import pytest

from dmp.ingest.synthetic.app import NAMES
from dmp.ingest.synthetic.catalogue import PAGES
from dmp.ingest.synthetic.contacts import sha256_hex, uid2
from dmp.ingest.synthetic.crm import COLUMNS
from dmp.ingest.synthetic.generation import UNTIL
from dmp.ingest.synthetic.web_properties import TRACKED

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@pytest.fixture(scope="session")
def web(made):
    return [row for _, _, row in made.rows("web")]


@pytest.fixture(scope="session")
def app(made):
    return [row for _, _, row in made.rows("app")]


def test_web_events_have_their_fields(web):
    usual = {
        *("messageId", "type", "anonymousId", "userId", "timestamp", "sentAt"),
        *("receivedAt", "context", "properties"),
    }
    more = {"page": {"name"}, "track": {"event"}, "identify": {"traits"}}
    assert all(set(event) == usual | more[event["type"]] for event in web)
    assert all(re.fullmatch(f"web-{UUID}", event["messageId"]) for event in web)
    assert {event["event"] for event in web if "event" in event} <= set(
        TRACKED.values()
    )
    assert {event["context"]["page"]["path"] for event in web} <= set(PAGES)


def test_app_events_have_their_fields(app):
    usual = {
        *("uuid", "event_name", "screen", "ts", "received_ts", "device", "user"),
        *("params", "consents", "app_version"),
    }
    assert all(set(event) == usual for event in app)
    assert {event["event_name"] for event in app} <= {*NAMES.values(), "screen_view"}
    assert all(("email" in e["user"]) == (e["event_name"] == "login") for e in app)


def test_everything_happens_before_until_and_arrives_later(web, app):
    for event in web:
        happened, sent, received = (
            datetime.fromisoformat(event[name])
            for name in ("timestamp", "sentAt", "receivedAt")
        )
        assert happened <= sent <= received < UNTIL
    until_ms = UNTIL.timestamp() * 1000
    assert all(event["ts"] <= event["received_ts"] < until_ms for event in app)


def test_a_few_events_are_sent_twice(web, app):
    ids = [e["messageId"] for e in web] + [e["uuid"] for e in app]
    again = len(ids) - len(set(ids))
    assert 0.003 < again / len(ids) < 0.007


def test_identify_carries_the_account_from_then_on(web):
    assert all(e["userId"] for e in web if e["type"] == "identify")
    anonymous = sum(event["userId"] is None for event in web)
    assert 0.4 < anonymous / len(web) < 0.95


def test_nobody_signs_up_twice(made, web, app):
    owner = {
        row["key"]: row["person_id"]
        for row in made.truth("subjects")
        if row["kind"] == "user"
    }
    joined = {e["messageId"]: e["userId"] for e in web if e.get("event") == "Signed Up"}
    joined |= {
        e["uuid"]: e["user"]["account_id"] for e in app if e["event_name"] == "sign_up"
    }
    assert max(Counter(owner[account] for account in joined.values()).values()) == 1


def test_some_people_watch_the_prices_on_both_and_never_sign_up(made, web, app):
    owners = defaultdict(set)
    for row in made.truth("subjects"):
        owners[row["key"]].add(row["person_id"])
    week = UNTIL - timedelta(days=7)
    seen = Counter()
    for event in web:
        recent = datetime.fromisoformat(event["timestamp"]) >= week
        if recent and event["properties"].get("path") == "/pricing":
            seen.update(owners[event["anonymousId"]])
    for event in app:
        recent = event["ts"] >= week.timestamp() * 1000
        if recent and (event["event_name"], event["screen"]) == (
            "screen_view",
            "/pricing",
        ):
            seen.update(owners[event["device"]["install_id"]])
    fans = sum(count >= 3 for count in seen.values())
    assert 0.005 < fans / 900 < 0.035


def test_some_people_search_for_themselves(web):
    queries = [e["properties"].get("query", "") for e in web]
    assert any(query.endswith(".example") for query in queries)


def test_online_orders_reach_the_shop(made, web, app):
    online = {e["properties"].get("order_id") for e in web}
    online |= {e["params"].get("transaction_id") for e in app}
    orders = {row["order_id"] for _, _, row in made.rows("shop")}
    assert online - {None} <= orders


def test_crm_is_messy_in_the_documented_ways(made):
    rows = [row for _, _, row in made.rows("crm")]
    assert all(tuple(row) == COLUMNS for row in rows)
    births = {re.sub("[0-9]+", "9", row["DOB"]) for row in rows}
    assert {"9/9/9", "9-9-9", ""} <= births
    assert any(re.fullmatch("9 [A-Z][a-z]{2} 9", birth) for birth in births)
    assert {row["MKT_EMAIL_OPTIN"] for row in rows} == {"Y", "N", ""}
    assert any(row["SURNAME"] != row["SURNAME"].strip() for row in rows)
    assert any("," in row["ADDR1"] for row in rows)
    assert any(not row["FIRST_NAME"].isascii() for row in rows)
    copies = Counter(tuple(row.values()) for row in rows)
    assert max(copies.values()) == 2


def test_crm_files_alternate_encodings(made):
    first, second = made.files("crm")[:2]
    assert first.read_bytes().startswith(b"\xef\xbb\xbf")
    assert not second.read_bytes().startswith(b"\xef\xbb\xbf")


def test_partner_knows_people_by_hash_or_uid2(made):
    emails = [email for row in made.truth("people") for email in row["emails"]]
    hashes, tokens = map(set, (map(sha256_hex, emails), map(uid2, emails)))
    refused = {(row["file"], row["line"]) for row in made.truth("refused")}
    rows = [r for file, line, r in made.rows("partner") if (file, line) not in refused]
    assert all(row["email_sha256"] or row["uid2"] for row in rows)
    assert {row["email_sha256"].lower() for row in rows} <= hashes | {""}
    assert {row["uid2"] for row in rows} <= tokens | {""}
    assert all(len(row["uid2"]) in (0, 44) for row in rows)


def test_no_address_can_be_a_real_one(made):
    text = "".join(
        path.read_bytes().decode("latin-1")
        for source in ("web", "app", "crm")
        for path in made.files(source)
    )
    domains = set(re.findall(r"@([\w.-]+)", text.lower()))
    assert domains and all(domain.endswith(".example") for domain in domains)


def test_telephone_numbers_are_valid(made):
    numbers = {row[k] for row in made.truth("people") for k in ("mobile", "landline")}
    parsed = [phonenumbers.parse(number, "GB") for number in numbers - {None}]
    assert all(phonenumbers.is_valid_number(number) for number in parsed)


def test_events_tell_the_consent_of_their_time(made, web):
    stands = {
        (row["person_id"], row["purpose"]): (row["status"], row["decided_at"])
        for row in made.truth("consent")
    }
    owner = {
        row["key"]: row["person_id"]
        for row in made.truth("subjects")
        if row["kind"] == "device" and row["share"] == 1
    }
    told = {True: "granted", False: "denied", None: "unknown"}
    checked = 0
    for event in web:
        person = owner.get(event["anonymousId"])
        preferences = event["context"]["consent"]["categoryPreferences"]
        at = datetime.fromisoformat(event["timestamp"])
        for purpose in ("analytics", "advertising"):
            status, decided_at = stands.get((person, purpose), (None, None))
            if status and (decided_at or datetime(1970, 1, 1, tzinfo=UTC)) <= at:
                assert told[preferences.get(purpose)] == status
                checked += 1
    assert checked > 1000
