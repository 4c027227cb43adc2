from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from door import Door
from sample_workspace import land_sample, load_all, open_at

from dmp.flows.workspace import Workspace
from dmp.ingest.landing import PseudonymKeys
from dmp.ingest.load import Stores
from dmp.privacy import Bodies, KeyStore, Vault
from dmp.privacy.vault_key import VaultKey
from dmp.storage.lake import Lake


@pytest.fixture
def door(lake: Lake, tmp_path: Path) -> Iterator[Door]:
    key = VaultKey(bytes(range(32)), "the test")
    with KeyStore(tmp_path / "vault" / "keys.sqlite", key) as keys:
        stores = Stores(
            lake,
            Vault(tmp_path / "vault" / "blobs", keys),
            Bodies(tmp_path / "vault" / "bodies", keys),
            PseudonymKeys(
                subject=keys.pseudonym_key("subject"),
                analytics=keys.pseudonym_key("analytics"),
                content=keys.pseudonym_key("content"),
            ),
        )
        yield Door(stores, tmp_path)


@pytest.fixture(scope="session")
def loaded_sample(
    tmp_path_factory: pytest.TempPathFactory,
    isolated_environment: pytest.MonkeyPatch,
) -> Iterator[Workspace]:
    """The committed sample, loaded; not to be written to."""
    home = tmp_path_factory.mktemp("sample") / "workspace"
    land_sample(home)
    with open_at(home) as workspace:
        load_all(workspace)
        yield workspace
