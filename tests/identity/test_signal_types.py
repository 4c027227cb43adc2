"""Every type of signal joins, and no type is needed."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from sample_workspace import REPOSITORY, UNTIL, open_at

from dmp.core.config import parse
from dmp.core.sql import Query
from dmp.flows.ingest import ingest
from dmp.flows.resolve import linkage_key
from dmp.flows.workspace import Workspace
from dmp.identity.basis import Basis
from dmp.identity.evaluation import Scores, pairwise_scores
from dmp.identity.resolve import resolve
from dmp.identity.settings import IdentitySettings
from dmp.privacy.pseudonyms import subject_id

pytestmark = pytest.mark.slow

PEOPLE = 40
DIRECT = {"class": "direct", "purpose": "identity", "clear": False, "on_fault": "drop"}
RULES: dict[str, dict[str, Any]] = {
    "customer_id": {"weight_bits": 20, "max_per_profile": 1, "priority": 2},
    "login": {"weight_bits": 14, "max_per_profile": 2},
    "email": {"weight_bits": 10, "blocked": ["noreply@.*"]},
    "phone": {"weight_bits": 6, "max_subjects": 20},
    "device_id": {"weight_bits": 12, "valid_days": 400},
    "ad_id": {"weight_bits": 12, "valid_days": 400},
    "cookie": {"weight_bits": 14, "joins": "device", "valid_days": 400},
    "ip_agent": {"weight_bits": 4, "max_subjects": 3, "valid_days": 30},
    "loyalty_card": {"weight_bits": 16, "max_per_profile": 2},
    "uid2": {"weight_bits": 10, "valid_days": 400},
    "euid": {"weight_bits": 10, "valid_days": 400},
    "rampid": {"weight_bits": 8, "trust": {"leaf": 0.8}},
    "id5": {"weight_bits": 8},
    "till_token": {"weight_bits": 8},
}
"""`till_token` is a type of an operator's own."""


def _id(*parts: object) -> str:
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()


def values(person: int) -> dict[str, str]:
    """Every identifier of one person, as sources write them, by column."""
    email = f"person.{person}@mail.example"
    raw = email.encode()
    key = b64encode(bytes.fromhex(_id("uid", person))).decode()
    code = _id(person)
    return {
        "customer_id": f"C{person:05}",
        "login": f"user{person}",
        "email": email.upper(),
        "md5": hashlib.md5(raw).hexdigest(),
        "sha1": hashlib.sha1(raw).hexdigest(),
        "sha256": hashlib.sha256(raw).hexdigest().upper(),
        "sha256_uid2": b64encode(hashlib.sha256(raw).digest()).decode(),
        "phone": f"020 7946 {person:04}",
        "device_id": str(UUID(code[:32])).upper(),
        "ad_id": str(UUID(code[32:])),
        "cookie": f"ck-{person}",
        "ip": f"203.0.113.{person}",
        "loyalty_card": f"9{person:07}",
        "uid2": key,
        "euid": key[::-1].removeprefix("=") + "=",
        "rampid": f"XY1005{code[:43]}",
        "id5": f"ID5-{code[:30]}",
        "till_token": f"till:{person}",
    }


COLUMNS = tuple(values(0))
HASHES = {"md5": "md5", "sha1": "sha1", "sha256": "sha256", "sha256_uid2": "uid2"}
READ = {"device_id": "ad_id", **{t: t for t in ("email", "phone", "ad_id", "uid2")}}
READ |= {t: t for t in ("euid", "rampid", "id5", "ip")}


def field(column: str) -> dict[str, Any]:
    made: dict[str, Any] = {"from": column, **DIRECT}
    if column in HASHES:
        identifier = {"type": "email", "encoding": column}
        return {**made, "type": HASHES[column], "identifier": identifier}
    identifier = {"type": column}
    if column == "ip":
        identifier = {"type": "ip_agent", "together_with": "agent", "window_hours": 24}
    return {**made, "type": READ.get(column, "text"), "identifier": identifier}


def source(name: str, kind: str) -> dict[str, Any]:
    agent = {"agent": {"from": "agent", **DIRECT}}
    return {
        "source": name,
        "owner": "tests",
        "connector": {"type": "file", "format": "csv", "path": "data/*.csv"},
        "subject": [{"from": "id", "kind": kind}],
        "recorded_at": {"from": "at"},
        "fields": {column: field(column) for column in COLUMNS} | agent,
    }


def rows(name: str) -> Iterator[dict[str, str]]:
    """One whole record a person, or one of each identifier alone."""
    for person in range(PEOPLE):
        known = {**values(person), "agent": "Firefox", "at": "2026-06-20T10:00:00Z"}
        if name == "hub":
            yield {"id": f"{person}", **known}
            continue
        for column in COLUMNS:
            if (column == "cookie") == (name == "device"):
                only = {c: known[c] for c in (column, "agent", "at")}
                yield {"id": f"{person}-{column}", **only}


def land(home: Path, name: str) -> Path:
    head = ("id", *COLUMNS, "agent", "at")
    lines = [",".join(row.get(c, "") for c in head) for row in rows(name)]
    path = home / f"{name}.csv"
    path.write_text("\n".join([",".join(head), *lines]))
    return path


KINDS = {"hub": "record", "leaf": "record", "device": "device"}


@pytest.fixture(scope="module")
def signals(
    tmp_path_factory: pytest.TempPathFactory,
    isolated_environment: pytest.MonkeyPatch,
) -> Iterator[Workspace]:
    """People of whom one source knows everything, and others one identifier each."""
    home = tmp_path_factory.mktemp("signals")
    (home / "config" / "sources").mkdir(parents=True)
    roles = (REPOSITORY / "config" / "roles.yaml").read_text()
    (home / "config" / "roles.yaml").write_text(roles)
    (home / "config" / "dmp.yaml").write_text("timezone: UTC\n")
    document = yaml.safe_dump({"identifiers": RULES})
    (home / "config" / "identity.yaml").write_text(document)
    for name, kind in KINDS.items():
        text = yaml.safe_dump(source(name, kind))
        (home / "config" / "sources" / f"{name}.yaml").write_text(text)
    with open_at(home, UNTIL) as workspace:
        for name in KINDS:
            (report,) = ingest(workspace, name, [land(home, name)])
            assert report.faults == ()
        stage_truth(workspace)
        yield workspace


def stage_truth(workspace: Workspace) -> None:
    key = workspace.keys.pseudonym_key("subject")
    truth = {
        subject_id(key, name, f"{kind}:{row['id']}"): int(row["id"].split("-")[0])
        for name, kind in KINDS.items()
        for row in rows(name)
    }
    workspace.lake.stage(
        "truth",
        "select unnest($ids::bigint[]) as subject_id, "
        "unnest($people::bigint[]) as person",
        ids=list(truth),
        people=list(truth.values()),
    )


def resolved(workspace: Workspace, without: str, run_id: str) -> Scores:
    rules = {name: rule for name, rule in RULES.items() if name != without}
    settings = parse(IdentitySettings, {"identifiers": rules}, "config/identity.yaml")
    basis = Basis(settings, None, linkage_key(workspace))
    resolve(
        workspace.lake,
        workspace.vault,
        basis,
        run_id=run_id,
        now=UNTIL,
        actor="u_test",
    )
    scores = pairwise_scores(workspace.lake, _CLUSTERS)
    assert scores.true_pairs > 0
    return scores


_CLUSTERS = Query(
    "select a.profile_key as cluster, t.person as truth from truth as t "
    "join identity.assignment as a on a.subject_id = t.subject_id and valid_to is null"
)


@pytest.fixture(scope="module")
def whole(signals: Workspace) -> dict[int, int]:
    """The profile of each subject where all types count; it is everybody, rightly."""
    scores = resolved(signals, "", "whole")
    assert (scores.precision, scores.recall) == (1.0, 1.0)
    return ids(signals)


def ids(workspace: Workspace) -> dict[int, int]:
    found = workspace.lake.rows(
        "select subject_id, profile_key from identity.assignment where valid_to is null"
    )
    return dict(found)


@pytest.mark.parametrize("lost", RULES)
def test_a_lost_type_lowers_recall_and_breaks_nothing(
    signals: Workspace, whole: dict[int, int], lost: str
) -> None:
    scores = resolved(signals, lost, f"without {lost}")
    assert scores.precision == 1.0
    assert 0.4 < scores.recall < 1.0
    hubs = ids(signals)
    assert resolved(signals, "", f"with {lost} again").recall == 1.0
    assert ids(signals) == whole
    assert len(set(hubs.values())) > PEOPLE
