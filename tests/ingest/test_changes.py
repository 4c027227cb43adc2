"""What counts as a change of a record, and what as the same said again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from door import NOW, Door, contract

from dmp.core.sql import Query, sql
from dmp.ingest.load import LoadReport
from dmp.privacy.pseudonyms import token, token_sql
from dmp.storage.write import change, commit

TYPED = contract(
    fields={
        "tier": {"from": "tier", "purpose": "a"},
        "visits": {"from": "visits", "type": "integer", "purpose": "a"},
        "spent": {"from": "spent", "type": "number", "purpose": "a"},
        "born": {"from": "born", "type": "year", "class": "quasi", "purpose": "a"},
        "day": {"from": "day", "type": "date", "purpose": "a"},
    }
)
HEAD = "id,tier,visits,spent,born,day\n"
MAIL = {"from": "mail", "type": "email", "class": "direct", "purpose": "identity"}
PERSON: dict[str, Any] = {
    "mail": MAIL,
    "name": {**MAIL, "from": "name", "type": "name"},
    "tier": {"from": "tier", "purpose": "a"},
}
FIRST = "id,name,mail,tier\n1,Ada,ada@mail.example,gold\n2,Bo,,tin\n"


def news(report: LoadReport) -> tuple[int, int]:
    return report.rows_accepted, report.rows_unchanged


@pytest.mark.parametrize(
    ("before", "after", "is_change"),
    [
        ("gold,1,2.5,1980,2026-01-02", "gold,+1.0,2.50,1980-5-1,2026/1/2", False),
        ("gold,1,2.5,1980,2026-01-02", "gold,2,2.5,1980,2026-01-02", True),
        ("gold,1,2.5,1980,2026-01-02", "gold,1,2.5,1980,2026-01-03", True),
        ("gold,1,2.5,1980,2026-01-02", ",1,2.5,1980,2026-01-02", True),
        ("gold,1,2.5,1980,2026-01-02", "gold,,2.5,1980,2026-01-02", True),
        (",1,,,", "1,,,,", True),
        ("gold,,,,", "gold,,,, ", False),
    ],
)
def test_attributes_are_compared_as_they_are_stored(
    door: Door, before: str, after: str, is_change: bool
) -> None:
    rows = [row.replace(",1980,", ",1980-01-01,") for row in (before, after)]
    door.load(TYPED, f"{HEAD}1,{rows[0]}\n")
    later = door.load(TYPED, f"{HEAD}1,{rows[1]}\n", now=NOW + timedelta(1))
    assert news(later) == ((1, 0) if is_change else (0, 1))


def test_a_field_that_a_contract_takes_up_or_gives_up_is_a_change_where_it_is_said(
    door: Door,
) -> None:
    text = "id,tier,more\n1,gold,x\n2,tin,\n"
    more = {"tier": PERSON["tier"], "more": {"from": "more", "purpose": "a"}}
    door.load(contract(), text)
    taken_up = door.load(contract(fields=more), text, now=NOW + timedelta(1))
    assert news(taken_up) == (1, 1)
    other_bytes = "id,tier,more\n2,tin,\n1,gold,x\n"
    again = door.load(contract(), other_bytes, now=NOW + timedelta(2))
    assert news(again) == (1, 1)


@pytest.mark.parametrize(
    ("second", "changed"),
    [
        ("1,Ada,ada@mail.example,gold", 0),
        ("1,Ada,ADA@mail.example,gold", 0),
        ("1,Ada,eve@mail.example,gold", 1),
        ("1,,ada@mail.example,gold", 1),
        ("1,Ada,ada@mail.example,tin", 1),
    ],
)
@pytest.mark.parametrize("layout", ["now", "earlier"])
def test_direct_fields_are_told_apart_without_the_vault(
    door: Door, layout: str, second: str, changed: int
) -> None:
    person = contract(fields=PERSON)
    door.load(person, FIRST)
    if layout == "earlier":
        _digest_whole_versions(door)
    text = f"id,name,mail,tier\n2,Bo,,tin\n{second}\n"
    later = door.load(person, text, now=NOW + timedelta(1))
    assert news(later) == (changed, 2 - changed)


def _digest_whole_versions(door: Door) -> None:
    """Give the records the tokens that the first versions of this package wrote."""
    content = door.stores.keys.content
    ada = {"field.mail": "ada@mail.example", "field.name": "Ada", "field.tier": "gold"}
    said = json.dumps(ada, separators=(",", ":"))
    columns = sql(
        "{token}",
        token=token_sql(
            content,
            "record",
            Query(
                "to_json({'field.mail': null::varchar, 'field.name': 'Bo', "
                "'field.tier': attributes.tier})::varchar"
            ),
        ),
    )
    commit(
        door.lake,
        [
            change(
                "core.record",
                sql(
                    "update core.record set content_token = "
                    "if(attributes.tier = 'gold', $ada, {columns})",
                    ada=token(content, "record", said),
                    columns=columns,
                ),
            )
        ],
        message="as an earlier version wrote it",
    )


def test_the_digest_of_direct_fields_needs_the_key(door: Door) -> None:
    door.load(contract(fields=PERSON), FIRST)
    door.load(contract(source="others"), "id,tier\n1,gold\n")
    tokens = dict(
        door.lake.rows(
            "select attributes.tier, content_token from core.record "
            "where source = 'things'"
        )
    )
    key = door.stores.keys.content
    said = '{"field.mail":"ada@mail.example","field.name":"Ada"}'
    assert tokens["gold"] == "d" + token(key, "direct", said)
    assert door.lake.rows(
        "select content_token from core.record where source = 'others'"
    ) == [(None,)]
