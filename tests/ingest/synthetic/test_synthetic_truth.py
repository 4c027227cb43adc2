from __future__ import annotations

from collections import Counter, defaultdict

import pytest

KEYS = {"crm": "CUST_NO", "shop": "shop_customer_id", "partner": "partner_id"}


def faulty(made):
    return {(row["source"], row["file"], row["line"]) for row in made.truth("refused")}


def truth_keys(made, source, kind):
    return {
        row["key"]
        for row in made.truth("subjects")
        if (row["source"], row["kind"]) == (source, kind)
    }


@pytest.mark.parametrize("source", sorted(KEYS))
def test_record_keys_are_those_of_the_truth(made, source):
    refused = faulty(made)
    seen = {
        row[KEYS[source]]
        for file, line, row in made.rows(source)
        if (source, file, line) not in refused
    }
    assert seen == truth_keys(made, source, "record")


@pytest.mark.parametrize(
    ("source", "user", "device"),
    [
        ("web", lambda e: e["userId"], lambda e: e["anonymousId"]),
        (
            "app",
            lambda e: e["user"]["account_id"],
            lambda e: e["device"]["install_id"],
        ),
    ],
    ids=["web", "app"],
)
def test_event_keys_are_those_of_the_truth(made, source, user, device):
    events = [row for _, _, row in made.rows(source)]
    users = {user(event) for event in events} - {None}
    assert users == truth_keys(made, source, "user")
    assert {device(event) for event in events} == truth_keys(made, source, "device")


def test_shares_of_a_key_add_up_to_one(made):
    shares = defaultdict(float)
    for row in made.truth("subjects"):
        shares[row["source"], row["kind"], row["key"]] += row["share"]
    assert all(abs(share - 1) < 1e-4 for share in shares.values())


def test_some_devices_are_shared_within_a_household(made):
    home = {row["person_id"]: row["household_id"] for row in made.truth("people")}
    users = defaultdict(set)
    for row in made.truth("subjects"):
        if row["kind"] == "device":
            users[row["key"]].add(home[row["person_id"]])
    counts = Counter(row["key"] for row in made.truth("subjects"))
    assert max(counts.values()) > 1
    assert all(len(homes) == 1 for homes in users.values())


def crm_fault(row):
    if not row["CUST_NO"]:
        return "CUST_NO"
    if row["DOB"].startswith("31/02/"):
        return "DOB"
    return "UPDATED" if len(row["UPDATED"]) != 19 else ""


def shop_fault(row):
    for column in ("order_id", "shop_customer_id"):
        if row[column] is None:
            return column
    return "quantity" if row["quantity"] < 0 else ""


def partner_fault(row):
    return "email_sha256" if len(row["email_sha256"]) not in (0, 64) else ""


@pytest.mark.parametrize(
    ("source", "fault"),
    [("crm", crm_fault), ("shop", shop_fault), ("partner", partner_fault)],
    ids=["crm", "shop", "partner"],
)
def test_refused_rows_are_exactly_those_listed(made, source, fault):
    found = {
        (file, line, fault(row)) for file, line, row in made.rows(source) if fault(row)
    }
    listed = {
        (row["file"], row["line"], row["field"])
        for row in made.truth("refused")
        if row["source"] == source
    }
    assert found == listed
    assert len(found) == made.report.refused[source] > 0


def test_people_are_whole_and_hard_to_tell_apart(made):
    people = {row["person_id"]: row for row in made.truth("people")}
    assert sorted(people) == list(range(900))
    twins = [row for row in people.values() if row["twin_of"] is not None]
    namesakes = [row for row in people.values() if row["namesake_of"] is not None]
    assert twins and namesakes
    for row in twins:
        other = people[row["twin_of"]]
        assert row["birth_date"] == other["birth_date"]
        assert row["address"] == other["address"]
        assert row["given_name"] != other["given_name"]
    for row in namesakes:
        parent = people[row["namesake_of"]]
        assert row["given_name"] == parent["given_name"]
        assert row["surname"] == parent["surname"]
        assert row["birth_date"] > parent["birth_date"]


def test_contacts_belong_to_one_person_or_household(made):
    people = made.truth("people")
    emails = Counter(email for row in people for email in row["emails"])
    assert max(emails.values()) == 1
    assert len({row["mobile"] for row in people}) == len(people)
    homes = defaultdict(set)
    for row in people:
        for value in (row["family_email"], row["landline"]):
            homes[value].add(row["household_id"])
    del homes[None]
    assert homes and all(len(found) == 1 for found in homes.values())


def test_everybody_stands_somewhere_on_every_purpose(made):
    rows = made.truth("consent")
    assert len(rows) == 900 * 3
    assert {row["status"] for row in rows} == {"granted", "denied", "unknown"}
    assert all(
        (row["status"] == "unknown") == (row["decided_at"] is None) for row in rows
    )
