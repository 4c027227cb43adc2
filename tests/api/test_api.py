"""The HTTP API as its callers meet it: a real server, real tokens, every role."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from conftest import ROLES, RULES, Served
from hostile_rules import MISTAKEN
from made_people import END, profile_id

from dmp.api.desk import Desk
from dmp.api.problems import Refused
from dmp.core.accounts import current_account
from dmp.core.errors import NotAllowed, UnknownName
from dmp.flows.api_tokens import give_token, take_token

AT = END.isoformat()
Call = Callable[..., Any]
READERS = {"analyst", "matcher"}
COUNTERS = {"analyst", "matcher", "marketer", "privacy_officer", "engineer"}


@pytest.mark.parametrize("segment", ["garden", "few"])
def test_numbers_are_those_of_the_command_line(
    served: Served, dmp: Call, segment: str
) -> None:
    command = ("--home", str(served.home), "segment")
    with served.as_("analyst") as client:
        counted = client.get(f"/v1/segments/{segment}/count", params={"as_of": AT})
        listed = client.get(f"/v1/segments/{segment}/members", params={"as_of": AT})
    told = dmp(*command, "count", segment, "--as-of", AT, "--json")
    found = counted.json()
    assert found["exact"] is True
    for name in ("people", "members", "consented", "after_exclusions", "version"):
        assert found[name] == told[name]
    assert [list(one.values()) for one in found["losses"]] == told["losses"]
    assert [list(one.values()) for one in found["conditions"]] == told["conditions"]
    ids = dmp(*command, "members", segment, "--as-of", AT, "--json")
    assert listed.json()["profile_ids"] == ids
    assert 0 < len(ids) == found["members"]


def test_examples_are_those_of_the_command_line(served: Served, dmp: Call) -> None:
    with served.as_("analyst") as client:
        found = client.get(
            "/v1/segments/garden/preview", params={"as_of": AT, "limit": 3}
        )
    told = dmp(
        *("--home", str(served.home), "segment", "preview", "garden"),
        *("--as-of", AT, "--limit", "3", "--json"),
    )
    rows = found.json()["rows"]
    assert [row["profile_id"] for row in rows] == [row["profile_id"] for row in told]
    assert rows[0]["order_count"] == told[0]["order_count"]


def test_pages_give_every_member_once_at_one_instant(served: Served) -> None:
    with served.as_("analyst") as client:
        whole = client.get("/v1/segments/garden/members", params={"as_of": AT}).json()
        pages, cursor = [], None
        while True:
            asked = {"limit": 25} | ({"cursor": cursor} if cursor else {"as_of": AT})
            page = client.get("/v1/segments/garden/members", params=asked).json()
            pages.append(page)
            cursor = page["cursor"]
            if cursor is None:
                break
    assert whole["cursor"] is None
    ids = [one for page in pages for one in page["profile_ids"]]
    assert ids == whole["profile_ids"]
    assert len(pages) == -(-len(ids) // 25) > 2
    assert {page["as_of"] for page in pages} == {whole["as_of"]}


def test_a_cursor_is_good_for_its_segment_rule_and_instant_alone(
    served: Served,
) -> None:
    file = served.home / "config" / "segments" / "garden.yaml"
    before = file.read_text()
    with served.as_("analyst") as client:
        first = client.get(
            "/v1/segments/garden/members", params={"limit": 1, "as_of": AT}
        ).json()
        asked = {"cursor": first["cursor"]}
        other = client.get("/v1/segments/regulars/members", params=asked)
        twice = client.get("/v1/segments/garden/members", params=asked | {"as_of": AT})
        junk = client.get("/v1/segments/garden/members", params={"cursor": "ab"})
        file.write_text(before.replace("value: 5", "value: 6"))
        changed = client.get("/v1/segments/garden/members", params=asked)
        file.write_text(before)
    assert [r.status_code for r in (other, twice, junk, changed)] == [400] * 3 + [409]
    assert "leave the cursor out" in changed.json()["detail"]


def test_one_person_is_in_or_out_and_why(served: Served) -> None:
    with served.as_("analyst") as client:
        params = {"as_of": AT}
        members = client.get("/v1/segments/regulars/members", params=params).json()
        inside = members["profile_ids"][0]
        for person, is_member in ((inside, True), (profile_id(1), False)):
            address = f"/v1/segments/regulars/members/{person}"
            found = client.get(address, params=params).json()
            assert (found["profile_id"], found["is_member"]) == (person, is_member)
            why = client.get(
                "/v1/segments/regulars/explain", params=params | {"profile_id": person}
            ).json()
            assert why["holds"] is is_member
            assert [c["holds"] for c in why["conditions"]] == [is_member]
            assert why["members"] == len(members["profile_ids"])
            assert "order_count" in why["sql"]
        unknown = client.get("/v1/segments/regulars/members/p_none", params=params)
    assert unknown.status_code == 404


def test_a_rule_is_validated_with_every_fault_its_path_and_the_near_name(
    served: Served,
) -> None:
    rule = {
        "segment": "wrong",
        "rule": {
            "all": [
                {"attribute": "order_cuont", "op": "gte", "value": 3},
                {"segment": {"in": "regular"}},
            ]
        },
    }
    with served.as_("marketer") as client:
        refused = client.post("/v1/validate", json=rule)
        unread = client.post("/v1/validate", content="segment: [")
        pattern = {"attribute": "loyalty_tier", "op": "matches", "value": "(?=a)"}
        formless = {"segment": "W", "rule": {"all": [pattern, {"did": {}}]}}
        formed = client.post("/v1/validate", json=formless)
        right = client.post(
            "/v1/validate",
            content=yaml.safe_dump({"segment": "right", "rule": RULES["garden"]}),
            headers={"Content-Type": "application/yaml"},
        )
    for answer in (refused, unread, formed):
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
    faults = {fault["path"]: fault for fault in refused.json()["faults"]}
    assert "order_count" in faults["rule.all[0].attribute"]["right"]
    assert "regulars" in json.dumps([f for p, f in faults.items() if "all[1]" in p])
    paths = [fault["path"] for fault in formed.json()["faults"]]
    assert paths == ["segment", "rule.all[0].value", "rule.all[1].did"]
    assert unread.json()["faults"][0]["path"].startswith("line")
    assert right.json()["segment"] == "right"
    assert "garden" in right.json()["sentence"]


def test_a_rule_that_is_not_saved_counts_as_if_it_were(served: Served) -> None:
    document = {"segment": "tried", "purpose": "advertising", "rule": RULES["garden"]}
    with served.as_("analyst") as client:
        tried = client.post("/v1/count", params={"as_of": AT}, json=document).json()
        saved = client.get("/v1/segments/garden/count", params={"as_of": AT}).json()
    assert {**tried, "segment": "garden"} == saved
    assert not (served.home / "config" / "segments" / "tried.yaml").exists()


def test_small_cells_are_hidden_from_who_may_not_read_rows(served: Served) -> None:
    answers = {}
    for role in ("analyst", "marketer", "engineer"):
        with served.as_(role) as client:
            for segment in RULES:
                answers[role, segment] = client.get(
                    f"/v1/segments/{segment}/count", params={"as_of": AT}
                ).json()
    exact = {segment: answers["analyst", segment] for segment in RULES}
    assert 0 < exact["few"]["members"] < 50 < exact["regulars"]["members"]
    assert exact["regulars"]["members"] % 10 or exact["garden"]["members"] % 10
    for (role, segment), found in answers.items():
        true = exact[segment]
        if role in READERS:
            assert found["members"] == true["members"]
            continue
        assert found["exact"] is False
        counts = [
            (found[name], true[name]) for name in ("people", "members", "consented")
        ]
        for place in ("losses", "conditions"):
            counts += [
                (hidden["people"], shown["people"])
                for hidden, shown in zip(found[place], true[place], strict=True)
            ]
        for shown, people in counts:
            assert shown == (None if people < 50 else (people + 5) // 10 * 10)


ASKS = {
    "/v1/me": set(ROLES) | {"nobody"},
    "/v1/schema": COUNTERS,
    "/v1/segments": COUNTERS,
    "/v1/segments/garden": COUNTERS,
    "/v1/segments/garden/count": COUNTERS,
    "/v1/segments/garden/preview": {"analyst"},
    "/v1/segments/garden/members": READERS,
    "/v1/segments/garden/members/p_000001": READERS,
    "/v1/segments/garden/explain": READERS,
}


@pytest.mark.parametrize("address", ASKS)
def test_each_role_is_let_in_as_told_and_each_denial_is_on_record(
    served: Served, address: str
) -> None:
    for role in (*ROLES, "nobody"):
        before = len(served.denials())
        with served.as_(role) as client:
            found = client.get(address)
        denied = served.denials()[before:]
        if role in ASKS[address]:
            assert (found.status_code, denied) == (200, [])
            continue
        assert found.status_code == 403
        assert "is not allowed to" in found.json()["detail"]
        [record] = denied
        assert record["role"] == role.replace("nobody", "none")
        with served.workspace(role) as workspace:
            assert record["actor"] == workspace.caller.actor


def test_without_a_token_that_is_somebodys_nothing_is_told(served: Served) -> None:
    before = len(served.denials())
    wrong = {"Authorization": "Bearer dmp_wrong"}
    for headers in ({}, wrong, {"Authorization": "Basic am86am8="}):
        for address in ASKS:
            found = httpx.get(served.url + address, headers=headers)
            assert found.status_code == 401
            assert found.headers["www-authenticate"] == "Bearer"
    assert len(served.denials()) == before + len(ASKS)


def test_a_token_ends_when_it_is_taken_or_a_new_one_is_given(served: Served) -> None:
    with served.workspace("admin") as workspace:
        fresh = give_token(workspace, "jo_matcher")
        with served.as_("matcher") as client:
            assert client.get("/v1/me").status_code == 401
            client.headers["Authorization"] = f"Bearer {fresh}"
            assert client.get("/v1/me").json()["roles"] == ["matcher"]
            take_token(workspace, "jo_matcher")
            assert client.get("/v1/me").status_code == 401
        with pytest.raises(UnknownName, match="jo_matcher"):
            give_token(workspace, "jo_macher")
        served.tokens["matcher"] = give_token(workspace, "jo_matcher")
        kept = (workspace.key_files.folder / "api-tokens.json").read_text()
    assert not any(token in kept for token in served.tokens.values())
    with served.workspace("analyst") as workspace, pytest.raises(NotAllowed):
        give_token(workspace, "jo_analyst")


def test_a_role_taken_away_ends_at_once(served: Served) -> None:
    file = served.home / "config" / "roles.yaml"
    before = file.read_text()
    with served.as_("analyst") as client:
        assert client.get("/v1/segments/few/members").status_code == 200
        file.write_text(before.replace("jo_analyst:\n  - analyst", "jo_analyst: []"))
        assert client.get("/v1/segments/few/members").status_code == 403
        file.write_text(before)


def test_wrong_requests_are_told_in_words(served: Served) -> None:
    asked = {
        "/v1/segments/gardn/count": (404, "garden"),
        "/v1/segments/garden/count?as_of=yesterday": (400, "2026-06-30T00:00:00Z"),
        "/v1/segments/garden/members?limit=0": (400, "limit"),
        "/v1/segments/garden/members?limit=many": (400, "limit"),
        "/v1/nothing": (404, "Not Found"),
    }
    with served.as_("analyst") as client:
        for address, (status, words) in asked.items():
            found = client.get(address)
            assert found.status_code == status
            assert found.headers["content-type"] == "application/problem+json"
            assert words in found.text
        assert client.get("/v1/segments/gardn").json()["near"] == ["garden"]
        assert client.post("/v1/segments").status_code == 405
        assert client.post("/v1/count", content=b"a" * (1 << 20 | 1)).status_code == 413
        assert client.post("/v1/count", content=b"\xff").status_code == 400
        assert client.post("/v1/count", content="[" * 5000).status_code == 422


def test_a_broken_workspace_tells_the_caller_nothing_of_it(served: Served) -> None:
    file = served.home / "config" / "dmp.yaml"
    before = file.read_text()
    file.write_text("minimum_cell: x")
    try:
        with served.as_("analyst") as client:
            found = client.get("/v1/segments/garden/count")
    finally:
        file.write_text(before)
    assert found.status_code == 500
    assert "minimum_cell" not in found.text
    assert str(served.home) not in found.text


def test_openapi_tells_every_address_answer_and_error(served: Served) -> None:
    told = httpx.get(f"{served.url}/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    known = {
        address.replace("garden", "{segment}").replace("p_000001", "{profile_id}")
        for address in ASKS
    }
    assert set(told["paths"]) == known | {"/v1/validate", "/v1/count"}
    for path in told["paths"].values():
        for operation in path.values():
            assert operation["security"] == [{"HTTPBearer": []}]
            assert {"200", "401", "403", "404", "422"} <= set(operation["responses"])
    assert httpx.get(f"{served.url}/docs").status_code == 404


def test_many_ask_at_once_and_each_gets_its_own(served: Served) -> None:
    def ask(role: str) -> Any:
        with served.as_(role) as client:
            return client.get("/v1/segments/few/count", params={"as_of": AT}).json()

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(ask, ["analyst", "marketer"] * 6))
    assert {one["members"] for one in found[1::2]} == {None}
    assert len({one["members"] for one in found[::2]}) == 1
    assert found[0]["members"] > 0


def test_a_query_that_takes_too_long_is_broken_off(served: Served) -> None:
    desk = Desk(served.home, os.environ, most_seconds=0.2)
    user = current_account().user
    endless = "select sum(a.i * b.i) from range(300000) a(i), range(300000) b(i)"
    with pytest.raises(Refused, match=r"longer than 0.2 s.*narrow the rule"):
        with desk.open_for(user) as workspace:
            workspace.lake.rows(endless)
    with desk.open_for(user) as workspace:
        assert workspace.lake.value("select 1") == 1
    desk.close()


@pytest.mark.parametrize("name", MISTAKEN)
def test_a_hostile_rule_is_told_its_faults(served: Served, name: str) -> None:
    rule, words = MISTAKEN[name]
    document = {"segment": "hostile", "rule": rule}
    with served.as_("analyst") as client:
        for path in ("/v1/validate", "/v1/count"):
            answer = client.post(path, content=json.dumps(document))
            assert answer.status_code == 422
            told = answer.json()
            assert told["faults"] and words in json.dumps(told, ensure_ascii=False)


def test_the_rules_schema_is_served(served: Served) -> None:
    kept = Path(__file__).parents[2] / "docs" / "segment-rules.schema.json"
    with served.as_("marketer") as client:
        assert client.get("/v1/schema").json() == json.loads(kept.read_text())
