"""The fences around personal data: keys, vault, pseudonyms, roles, audit."""

from __future__ import annotations

from dmp.privacy.audit import AuditLog
from dmp.privacy.bodies import Bodies
from dmp.privacy.detect import mask
from dmp.privacy.keys import KeyStore
from dmp.privacy.roles import Caller, Permission, require
from dmp.privacy.root_keys import PseudonymKey
from dmp.privacy.spill import encrypted_spill
from dmp.privacy.vault import Vault
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
