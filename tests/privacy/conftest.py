from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dmp.privacy.keys import KeyStore
from dmp.privacy.vault_key import VaultKey

VECTORS = Path(__file__).parent.parent / "vectors"


@pytest.fixture
def vault_key() -> VaultKey:
    return VaultKey(bytes(range(32)), "the test")


@pytest.fixture
def keys(tmp_path: Path, vault_key: VaultKey) -> Iterator[KeyStore]:
    with KeyStore(tmp_path / "vault" / "keys.sqlite", vault_key) as store:
        yield store


@pytest.fixture(scope="session")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture(scope="session")
def crypto() -> dict[str, Any]:
    return dict(json.loads((VECTORS / "crypto_primitives.json").read_text()))


@pytest.fixture(scope="session")
def uid2() -> dict[str, Any]:
    return dict(json.loads((VECTORS / "uid2_identifiers.json").read_text()))
