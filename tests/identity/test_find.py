from __future__ import annotations

import json

import pyarrow as pa
import pytest

from dmp.core.errors import UsageError
from dmp.flows.find import find_person
from dmp.flows.workspace import Workspace

_RECORDS = """
with held as (
    select i.namespace, i.type, i.encoding, i.token, i.subject_id, a.profile_key,
        min(a.profile_key) over value = max(a.profile_key) over value as by_one
    from identity.identifier as i
    join identity.assignment as a on a.subject_id = i.subject_id and a.valid_to is null
    window value as (partition by i.namespace, i.type, i.encoding, i.token)
)
select r.subject_id, r.load_id, p.profile_id
from core.record as r
join held as h using (subject_id)
join identity.profile as p using (profile_key)
where r.source = 'crm'
group by all having bool_and(h.by_one) order by r.subject_id limit 40
"""


@pytest.fixture(scope="session")
def known(resolved_sample: Workspace) -> list[tuple[str, str, str]]:
    """E-mail, phone and profile id of people who share them with nobody."""
    rows = resolved_sample.lake.sql(_RECORDS).to_arrow_table()
    clear = resolved_sample.vault.read(
        rows.select(["subject_id", "load_id"]), ["email", "phone"]
    )
    both = rows.join(clear, ["subject_id", "load_id"], join_type="inner")
    return whole(both.select(["email", "phone", "profile_id"]))


def whole(table: pa.Table) -> list[tuple[str, str, str]]:
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return [row for row in rows if all(row)]


def test_people_are_found_by_what_a_source_said_of_them(
    resolved_sample: Workspace, known: list[tuple[str, str, str]]
) -> None:
    assert len(known) > 5
    first = [
        find_person(resolved_sample, [f"email  {email.upper()} ", "", f"phone {phone}"])
        for email, phone, _ in known[:6]
    ]
    best = [found[0].profile_id for found in first]
    assert best == [profile_id for _, _, profile_id in known[:6]]
    assert all(found[0].match_weight >= 16 for found in first)


def test_who_is_unknown_is_nobody_and_only_counts_are_logged(
    resolved_sample: Workspace,
) -> None:
    assert find_person(resolved_sample, ["email nobody.at.all@example.com"]) == []
    log = resolved_sample.paths.audit / "log.jsonl"
    last = json.loads(log.read_text().splitlines()[-1])
    assert (last["action"], last["detail"]) == (
        "identity.find",
        {"identifiers": 1, "found": 0},
    )


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "nothing was asked"),
        (["email a@b.example", "secret.word@example.com x"], "line 2 of what was"),
        (["email secret.word"], "line 1 of what was asked cannot be read"),
        (["email", "secret.word@example.com"], "line 1, 2 of what was asked lacks"),
    ],
)
def test_a_wrong_line_is_named_by_its_number_alone(
    resolved_sample: Workspace, lines: list[str], words: str
) -> None:
    with pytest.raises(UsageError, match=words) as error:
        find_person(resolved_sample, lines)
    assert "secret.word" not in str(error.value)
