"""The commands about who is who, as somebody types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dmp.core.sql import Query
from dmp.flows.initialise import initialise
from dmp.flows.resolve import resolve_people
from dmp.flows.workspace import Workspace
from dmp.storage.write import append, commit

Call = Callable[..., Any]

_SUBJECTS = Query(
    "select i::bigint as subject_id, 'crm' as source, 'record' as kind, "
    "'load' as load_id, now() as first_seen_at from range(1, 4) as t(i)"
)
_SHARED = Query(
    "select i::bigint as subject_id, 'public' as namespace, 'email' as type, "
    "'plain' as encoding, 'token' as token, 'crm' as source, 'load' as load_id, "
    "now() as first_seen_at, now() as last_seen_at, 1::bigint as observations "
    "from range(1, 3) as t(i)"
)


@pytest.fixture
def told(dmp: Call, tmp_path: Path) -> Call:
    """A workspace of three subjects, two of whom share an e-mail address."""
    home = initialise(tmp_path / "ws").home
    with Workspace(home) as workspace:
        writes = [
            append("identity.subject", _SUBJECTS),
            append("identity.identifier", _SHARED),
        ]
        commit(workspace.lake, writes, message="three subjects")
        resolve_people(workspace)

    def call(*arguments: str) -> Any:
        return dmp("--home", str(home), "identity", *arguments)

    return call


def test_merge_split_undo_and_what_they_leave(told: Call) -> None:
    pair = json.loads(told("why", "1", "--json").out)["members"][0]["profile_id"]
    alone = json.loads(told("why", "3", "--json").out)["members"][0]["profile_id"]
    assert "nobody has decided anything yet" in told("decisions").out
    assert "shared email" in told("why", "1", "2").out
    assert told("why", pair, pair).out == told("why", pair).out
    assert "…" not in told("history", pair).out
    assert "nothing was ever found that they share" in told("why", pair, alone).out

    merged = told("merge", pair, alone, "--reason", "one household card", "--json")
    found = json.loads(merged.out)
    assert merged.code == 0 and found["resolution"]["profiles"] == 1
    assert "somebody decided: one" in told("why", "1", "3").out
    gone = alone if found["resolution"]["merged"] else ""
    history = " ".join(told("history", gone).out.split())
    assert "merged into" in history or "took in" in history

    undone = told("undo", found["decision"]["decision_id"], "--later")
    assert "it shows after the next: dmp resolve" in undone.out
    listed = told("decisions").out
    assert "taken back" in listed and "one household card" in listed

    parted = told("split", pair, "--subject", "2")
    assert parted.code == 0 and "3 people now" in parted.out
    assert "because somebody decided so" in told("why", "1", "2").out


def test_resolve_says_how_many_it_looked_at(
    told: Call, dmp: Call, tmp_path: Path
) -> None:
    home = ("--home", str(tmp_path / "ws"))
    assert "nothing had changed since the last run" in dmp(*home, "resolve").out
    full = dmp(*home, "resolve", "--full")
    assert full.code == 0 and "looked at everybody: 3 of 3 subjects" in full.out
    assert told("merge", *profiles(told, 1, 3)).code == 0
    report = json.loads(dmp(*home, "resolve", "--json").out)["resolution"]
    assert report["is_full"] and not report["is_new"]


def test_who_is_asked_for_in_a_file_is_found_or_nobody(
    told: Call, tmp_path: Path
) -> None:
    asked = tmp_path / "asked.txt"
    asked.write_text("email nobody@example.com\n")
    assert "nobody: no profile holds any of it" in told("find", str(asked)).out
    asked.write_text("nobody@example.com\n")
    wrong = told("find", str(asked))
    assert wrong.code == 2 and "line 1 of what was asked" in wrong.err
    assert "nobody@example.com" not in wrong.err


def profiles(told: Call, *subjects: int) -> list[str]:
    found = [json.loads(told("why", str(one), "--json").out) for one in subjects]
    return [each["members"][0]["profile_id"] for each in found]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("why", "p9"), "no profile was ever named 'p9'"),
        (("history", "p9"), "no profile was ever named 'p9'"),
        (("merge", "p9"), "two profiles or more"),
        (("undo", "d9"), "no decision named 'd9'"),
        (("split", "p9"), "Missing option"),
    ],
)
def test_wrong_words_are_told(
    told: Call, arguments: tuple[str, ...], words: str
) -> None:
    shown = told(*arguments)
    assert shown.code == 2 and words in shown.err


def test_decisions_are_audited(told: Call, tmp_path: Path) -> None:
    one = json.loads(told("why", "1", "--json").out)["members"][0]["profile_id"]
    assert told("split", one, "-s", "1", "--later").code == 0
    lines = (tmp_path / "ws" / "data" / "audit" / "log.jsonl").read_text().splitlines()
    actions = [json.loads(line)["action"] for line in lines]
    assert actions[-2:] == ["identity.why", "identity.split"]
