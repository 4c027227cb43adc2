from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
import yaml
from made_people import make_people

from dmp.api.app import create_app
from dmp.api.serving import listening_socket
from dmp.core.accounts import Account, current_account
from dmp.flows.api_tokens import give_token
from dmp.flows.workspace import Workspace

REPOSITORY = Path(__file__).parents[2]
ROLES = ("analyst", "marketer", "matcher", "privacy_officer", "engineer", "admin")
RULES = {
    "regulars": {"attribute": "order_count", "op": "gte", "value": 5},
    "few": {
        "all": [
            {"attribute": "order_count", "op": "gte", "value": 14},
            {"sample": {"percent": 90, "salt": "s"}},
        ]
    },
    "garden": {
        "did": {
            "event": "product_viewed",
            "where": [{"property": "category", "op": "eq", "value": "garden"}],
            "times": {"op": "gte", "value": 5},
            "within": {"last": 90, "unit": "day"},
        }
    },
}


@dataclass(frozen=True)
class Served:
    """A server over a workspace, and a client for each user: `jo_ROLE`."""

    home: Path
    url: str
    tokens: dict[str, str]

    def as_(self, role: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def denials(self) -> list[dict[str, Any]]:
        log = self.home / "data" / "audit" / "log.jsonl"
        records = map(json.loads, log.read_text().splitlines())
        return [record for record in records if record["action"] == "denied"]

    def workspace(self, role: str) -> Workspace:
        return Workspace(self.home, account=Account(f"jo_{role}"))


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, isolated_environment: pytest.MonkeyPatch
) -> Iterator[Served]:
    """The API as a real server on loopback, over people whose ways are known."""
    home = tmp_path_factory.mktemp("api") / "ws"
    tokens = prepare(home)
    listening = listening_socket("127.0.0.1", 0)
    config = uvicorn.Config(
        create_app(home, os.environ), log_level="error", lifespan="on", ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    port = listening.getsockname()[1]
    yield Served(home, f"http://127.0.0.1:{port}", tokens)
    server.should_exit = True
    thread.join()
    listening.close()


def prepare(home: Path) -> dict[str, str]:
    shutil.copytree(REPOSITORY / "config", home / "config")
    shutil.rmtree(home / "config" / "segments")
    (home / "config" / "segments").mkdir()
    for name, rule in RULES.items():
        document = {"segment": name, "purpose": "advertising", "rule": rule}
        path = home / "config" / "segments" / f"{name}.yaml"
        path.write_text(yaml.safe_dump(document))
    users = {f"jo_{role}": [role] for role in ROLES} | {"jo_nobody": []}
    users[current_account().user] = list(ROLES)
    (home / "config" / "roles.yaml").write_text(yaml.safe_dump({"users": users}))
    with Workspace(home) as workspace:
        make_people(workspace.lake)
        return {
            role: give_token(workspace, f"jo_{role}") for role in (*ROLES, "nobody")
        }


@pytest.fixture
def dmp(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Call a command of the command line and read its JSON."""
    from click.testing import CliRunner

    from dmp.cli import cli

    def call(*words: str) -> Any:
        done = CliRunner().invoke(cli, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return call
