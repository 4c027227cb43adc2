"""A lake with a door: contracts as dictionaries, files as text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dmp.core.config import parse
from dmp.ingest.batch import load_file
from dmp.ingest.contracts import Contract
from dmp.ingest.landing import PseudonymKeys
from dmp.ingest.load import LoadReport, Stores
from dmp.privacy import Bodies, KeyStore, Vault
from dmp.privacy.vault_key import VaultKey
from dmp.storage.lake import Lake
from dmp.storage.migrate import migrate

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


class Door:
    """Takes contents as files and loads them."""

    def __init__(self, stores: Stores, folder: Path) -> None:
        self.stores = stores
        self.lake = stores.lake
        self.folder = folder

    def file(self, content: str | bytes, name: str = "input") -> Path:
        path = self.folder / name
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(data)
        return path

    def load(
        self,
        contract: Contract,
        content: str | bytes,
        *,
        name: str = "input",
        now: datetime = NOW,
    ) -> LoadReport:
        return load_file(self.stores, contract, self.file(content, name), now=now)


@contextmanager
def opened_door(folder: Path) -> Iterator[Door]:
    """A door to an empty lake in a folder, which it leaves as it is then."""
    key = VaultKey(bytes(range(32)), "the test")
    store = folder / "vault" / "keys.sqlite"
    with KeyStore(store, key) as keys, Lake(folder / "lake") as lake:
        migrate(lake)
        stores = Stores(
            lake,
            Vault(folder / "vault" / "blobs", keys),
            Bodies(folder / "vault" / "bodies", keys),
            PseudonymKeys(
                subject=keys.pseudonym_key("subject"),
                analytics=keys.pseudonym_key("analytics"),
                content=keys.pseudonym_key("content"),
            ),
        )
        yield Door(stores, folder)


def contract(format_: str = "csv", **parts: Any) -> Contract:
    """A contract of people with an id, changed by `parts`."""
    document: dict[str, Any] = {
        "source": "things",
        "owner": "tests",
        "connector": {"type": "file", "format": format_, "path": "landing/*"},
        "subject": [{"from": "id", "kind": "record"}],
        "fields": {"tier": {"from": "tier", "purpose": "analytics"}},
    }
    return parse(Contract, {**document, **parts}, "config/sources/things.yaml")


def events(**parts: Any) -> Contract:
    """A contract of events, one JSON object a line."""
    event = {
        "message_id": "m",
        "platform": "web",
        "occurred_at": {"from": "at"},
        "names": {"page_viewed": {"type": "page"}},
        "properties": {"page": {"from": "page", "type": "path", "purpose": "a"}},
    }
    return contract("jsonl", fields={}, event={**event, **parts})
