"""The fences around personal data: keys, vault, pseudonyms, roles, audit."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dmp.privacy.audit import AuditLog
from dmp.privacy.detect import mask
from dmp.privacy.keys import KeyStore
from dmp.privacy.roles import Caller, Permission, require
from dmp.privacy.root_keys import PseudonymKey
from dmp.privacy.spill import encrypted_spill
from dmp.privacy.vault_key import load_vault_key

__all__ = [
    "AuditLog",
    "Bodies",
    "Caller",
    "KeyStore",
    "Permission",
    "PseudonymKey",
    "Vault",
    "encrypted_spill",
    "load_vault_key",
    "mask",
    "require",
]

_PYARROW_READERS = {"Bodies": "dmp.privacy.bodies", "Vault": "dmp.privacy.vault"}

if TYPE_CHECKING:
    from dmp.privacy.bodies import Bodies
    from dmp.privacy.vault import Vault


def __getattr__(name: str) -> Any:
    """Import what brings pyarrow when it is first asked for; pages never ask."""
    if name not in _PYARROW_READERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PYARROW_READERS[name]), name)
