"""What each role reads by SQL: every view by every role, and what none may."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from role_cases import CASES, PEOPLE

from dmp.core.accounts import Account
from dmp.core.errors import DMPError, NotAllowed, UnknownName, UsageError
from dmp.core.sql import row, sql
from dmp.flows.initialise import initialise
from dmp.flows.workspace import Workspace
from dmp.privacy.published import PUBLISHED
from dmp.storage.tables import TABLES
from dmp.storage.write import change, commit

Open = Callable[[str], Workspace]
AT = datetime(2026, 6, 30, tzinfo=UTC)
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def opened(
    tmp_path_factory: pytest.TempPathFactory, isolated_environment: pytest.MonkeyPatch
) -> Iterator[Open]:
    """Give one workspace as each role sees it; `nobody` is a stranger to it."""
    home = initialise(tmp_path_factory.mktemp("published") / "ws").home
    made: dict[str, Workspace] = {}

    def of(role: str) -> Workspace:
        if role not in made:
            stranger = role == "nobody"
            made[role] = Workspace(
                home,
                environ={**os.environ, "DMP_ROLE": "" if stranger else role},
                account=Account("somebody") if stranger else None,
            )
        return made[role]

    with Workspace(home) as workspace:
        write_counts(workspace)
    yield of
    for one in made.values():
        one.close()


def write_counts(workspace: Workspace) -> None:
    """Store an evaluation of which one count is small, and one large enough."""
    definition = row(segment="s", version="v", name="S", purpose="ads", valid_from=AT)
    result = row(
        segment="s",
        version="v",
        as_of=AT,
        people=1000,
        members=50,
        consented=49,
        after_exclusions=3,
        computed_at=AT,
    )
    writes = [
        change(
            "segment.definition",
            sql("insert into segment.definition by name {r}", r=definition),
        ),
        change(
            "segment.result", sql("insert into segment.result by name {r}", r=result)
        ),
    ]
    commit(workspace.lake, writes, message="counts")


def denials(workspace: Workspace) -> list[dict[str, Any]]:
    records = map(json.loads, workspace.audit.path.read_text().splitlines())
    return [record for record in records if record["action"] == "denied"]


def test_every_view_has_a_row_and_every_row_a_view() -> None:
    assert sorted(CASES["views"]) == sorted(one.name for one in PUBLISHED)


def test_every_table_of_the_lake_was_decided_upon() -> None:
    assert {spec.name for spec in TABLES} <= set(CASES["views"])


@pytest.mark.parametrize("role", (*PEOPLE, "nobody"))
@pytest.mark.parametrize("view", CASES["views"])
def test_a_role_reads_what_the_table_says(opened: Open, view: str, role: str) -> None:
    workspace = opened(role)
    before = len(denials(workspace))
    if role in CASES["views"][view]:
        assert len(workspace.sql(f"from {view}").columns) > 1
        assert len(denials(workspace)) == before
        return
    told = role.replace("nobody", "no role")
    with pytest.raises(NotAllowed, match=f"is not allowed to {told}"):
        workspace.sql(f"from {view}")
    [record] = denials(workspace)[before:]
    assert record["role"] == role.replace("nobody", "none")
    assert record["detail"] == {"asked": "sql"}


def test_small_counts_are_not_shown(opened: Open) -> None:
    columns = "people, members, consented, after_exclusions"
    shown = opened("marketer").sql(f"select {columns} from segment_count")
    assert shown.fetchall() == [(1000, 50, None, None)]
    exact = opened("analyst").sql(f"select {columns} from segment.result")
    assert exact.fetchall() == [(1000, 50, 49, 3)]


def test_the_audit_log_is_read_as_it_is(opened: Open) -> None:
    officer = opened("privacy_officer")
    rows = officer.sql("select seq, action from audit order by seq").fetchall()
    assert rows[0] == (0, "init")
    assert [seq for seq, _ in rows] == list(range(len(rows)))


def test_all_that_is_refused_is_named_at_once(opened: Open) -> None:
    with pytest.raises(NotAllowed) as caught:
        opened("marketer").sql(
            "with a as (from segment_count) from a, core.event, (from privacy.consent)"
        )
    text = str(caught.value)
    assert "core.event (needs analyst or matcher)" in text
    assert "privacy.consent (needs analyst or matcher or privacy_officer)" in text
    assert "published to you: segment.definition, segment.note, segment_count" in text


REFUSED: dict[str, type[DMPError]] = {
    "from read_csv('/etc/passwd')": NotAllowed,
    "from read_text('/etc/passwd')": NotAllowed,
    "from read_parquet('x.parquet')": NotAllowed,
    "from sqlite_scan('catalog.sqlite', 'ducklake_table')": NotAllowed,
    "from query('from core.event')": NotAllowed,
    "from glob('*')": NotAllowed,
    "from duckdb_tables()": NotAllowed,
    "show tables": NotAllowed,
    "from '/etc/passwd'": UnknownName,
    "from information_schema.tables": UnknownName,
    "from member": UnknownName,
    "from __ducklake_metadata_lake.ducklake_table": UnknownName,
    "copy (from core.event) to '/tmp/out.csv'": UsageError,
    "insert into core.event select 1": UsageError,
    "attach 'x.db'": UsageError,
    "set enable_external_access = true": UsageError,
    "from core.event; drop table core.event": UsageError,
}


@pytest.mark.parametrize("text", REFUSED)
def test_no_role_reaches_beyond_what_is_published(opened: Open, text: str) -> None:
    analyst = opened("analyst")
    analyst.lake.stage("member", "select 1 as profile_key")
    with pytest.raises(REFUSED[text]):
        analyst.sql(text)


def test_parameters_are_bound(opened: Open) -> None:
    found = opened("marketer").sql(
        "select segment from segment_count where purpose = $purpose", purpose="ads"
    )
    assert found.fetchall() == [("s",)]
    assert opened("marketer").sql("select count(*) from range(3)").fetchone() == (3,)


def test_the_guide_tells_of_every_role_and_view() -> None:
    guide = (REPOSITORY / "docs" / "guides" / "privacy.md").read_text()
    assert [role for role in PEOPLE if f"| {role} |" not in guide] == []
    views = [one.name for one in PUBLISHED if one.view]
    assert [name for name in views if f"`{name}`" not in guide] == []
