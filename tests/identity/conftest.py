from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from made_up_people import People
from sample_workspace import open_at

from dmp.flows.workspace import Workspace
from dmp.privacy import KeyStore, Vault
from dmp.privacy.vault_key import VaultKey
from dmp.storage.lake import Lake


@pytest.fixture
def people(lake: Lake, tmp_path: Path) -> Iterator[People]:
    key = VaultKey(bytes(range(32)), "the test")
    with KeyStore(tmp_path / "vault" / "keys.sqlite", key) as keys:
        yield People(lake, Vault(tmp_path / "vault" / "blobs", keys))


@pytest.fixture(scope="session")
def resolved_sample(resolved_home: Path) -> Iterator[Workspace]:
    """The committed sample, resolved; not to be written to."""
    with open_at(resolved_home) as workspace:
        yield workspace
