"""What counts as a change of a record, and what as the same said again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from door import NOW, Door, contract

from dmp.core.sql import sql
from dmp.ingest.load import LoadReport
from dmp.privacy.pseudonyms import subject_id, token
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
PEOPLE = """\
id,name,mail,tier
1,Ada,ada@mail.example,gold
2,Bo,bo@mail.example,tin
3,Cy,,tin
4,Di,,
5,Ed,,
"""


def news(report: LoadReport) -> tuple[int, int]:
    return report.rows_accepted, report.rows_unchanged


SAID_AGAIN = {
    "gold,1,2.5,1980-01-01,2026-01-02": "gold,+1.0,2.50,1980-5-1,2026/1/2",
    "gold,,,,": "gold,,,, ",
    ",1,,,": ",01,,,",
}
CHANGED = {
    "gold,1,2.5,1980-01-01,2026-01-02": "gold,2,2.5,1980-01-01,2026-01-02",
    "gold,1,2.5,1981-01-01,2026-01-02": "gold,1,2.5,1980-12-31,2026-01-02",
    "gold,1,2.5,1982-01-01,2026-01-02": "gold,1,2.5,1982-01-01,2026-01-03",
    "gold,1,2.5,1983-01-01,2026-01-02": ",1,2.5,1983-01-01,2026-01-02",
    "gold,1,2.5,1984-01-01,2026-01-02": "gold,,2.5,1984-01-01,2026-01-02",
    ",5,,,": "5,,,,",
    ",6,,,": ",,6,,",
}


def test_attributes_are_compared_as_they_are_stored(door: Door) -> None:
    pairs = [*SAID_AGAIN.items(), *CHANGED.items()]
    first, second = (
        HEAD + "".join(f"{n},{pair[side]}\n" for n, pair in enumerate(pairs))
        for side in (0, 1)
    )
    door.load(TYPED, first)
    later = door.load(TYPED, second, now=NOW + timedelta(1))
    assert news(later) == (len(CHANGED), len(SAID_AGAIN))


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


@pytest.mark.parametrize("layout", ["now", "earlier"])
def test_direct_fields_are_told_apart_without_the_vault(
    door: Door, layout: str
) -> None:
    person = contract(fields=PERSON)
    door.load(person, PEOPLE)
    if layout == "earlier":
        _digest_whole_versions(door)
    again = PEOPLE.replace("ada@", "ADA@") + "9,Kit,,\n"
    assert news(door.load(person, again, now=NOW + timedelta(1))) == (1, 5)
    later = (
        PEOPLE.replace("ada@", "eve@")
        .replace("Bo,", ",")
        .replace("Cy,,tin", "Cy,,gold")
        .replace("Di,,", "Di,d@mail.example,")
    )
    assert news(door.load(person, later, now=NOW + timedelta(2))) == (4, 1)


def _digest_whole_versions(door: Door) -> None:
    """Give the records the tokens that the first versions of this package wrote."""
    kept = door.lake.rows("select subject_id, attributes.tier from core.record")
    tiers = dict(kept)
    for line in PEOPLE.splitlines()[1:]:
        number, name, mail, tier = (cell or None for cell in line.split(","))
        who = subject_id(door.stores.keys.subject, "things", f"record:{number}")
        said = {"field.mail": mail, "field.name": name, "field.tier": tier}
        text = json.dumps(said, separators=(",", ":"))
        old = token(door.stores.keys.content, "record", text)
        assert tiers.pop(who) == tier
        update = "update core.record set content_token = $old where subject_id = $who"
        statement = sql(update, old=old, who=who)
        commit(door.lake, [change("core.record", statement)], message="earlier")
    assert not tiers


def test_the_digest_of_direct_fields_needs_the_key(door: Door) -> None:
    door.load(contract(fields=PERSON), PEOPLE)
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
