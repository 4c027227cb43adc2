"""Where the keys of a workspace lie, and whether they are its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dmp.core.config import (
    Identity,
    Paths,
    Settings,
    key_folder,
    workspace_identity,
)
from dmp.core.errors import KeyMissing, UsageError
from dmp.core.home import claim, original_of
from dmp.privacy.keys import KeyStore
from dmp.privacy.vault_key import KeyPlace, VaultKey, create_key_file

LOST = """\
no vault key: {file} is not there, and {store} was made under it.
  Unreadable until it is back: names, addresses, e-mails, phones, birth dates, and the
  bodies of refused rows. So nothing can be loaded, linked by a model, or sent.
  What needs no key still works: dmp status, dmp segment count, queries over the lake.
  Next: dmp keys restore FILE, from the back-up of the keys; or name the folder that
  holds them by DMP_KEY_DIR. Without any copy what it encrypted is lost for ever: then
  begin a new workspace and load the sources again."""


@dataclass(frozen=True)
class WorkspaceKeys:
    """The key folder of a workspace, and what else its keys need.

    Attributes:
        identity: whose keys they are.
    """

    paths: Paths
    settings: Settings
    environ: Mapping[str, str] = field(repr=False)

    @cached_property
    def identity(self) -> Identity:
        """Who the workspace is."""
        return workspace_identity(self.paths)

    @property
    def folder(self) -> Path:
        """The folder of this workspace's keys, outside of it."""
        return key_folder(self.environ) / self.identity.id

    @property
    def place(self) -> KeyPlace:
        """Where the vault key is."""
        chosen = self.settings.vault
        file = chosen.key_file or self.folder / "vault.key"
        return KeyPlace(self.environ, chosen.key_command, file)

    @property
    def store(self) -> Path:
        """The file of wrapped keys."""
        return self.paths.vault / "keys.sqlite"

    @property
    def ledger(self) -> Path:
        """The ids of keys that were destroyed, kept for restored back-ups."""
        return self.folder / "destroyed-keys"

    @property
    def heads(self) -> Path:
        """The signed heads of the audit log."""
        return self.settings.audit.heads_file or self.folder / "audit-heads.jsonl"

    def open(self) -> KeyStore:
        """Open the key store; where nothing was made yet, make it and its key.

        Raises:
            KeyMissing: the key is not where the settings say.
        """
        place, chosen = self.place, self.settings.vault
        if place.is_file and not place.file.exists():
            if self.store.exists():
                raise KeyMissing(LOST.format(file=place.file, store=self.store))
            if not chosen.key_file:
                create_key_file(place.file)
        key = place.load()
        self.paths.vault.mkdir(mode=0o700, parents=True, exist_ok=True)
        return KeyStore(self.store, key, reload=place.load, ledger=self.ledger)

    def opens(self, secret: bytes) -> bool:
        """Say whether a vault key opens the key store, which is there; changes nothing.

        Raises:
            KeyMissing: there is no key store.
        """
        if not self.store.exists():
            raise KeyMissing(f"there is no key store {self.store} to try the key on")
        try:
            KeyStore(self.store, VaultKey(secret, "the back-up")).close()
        except KeyMissing:
            return False
        return True

    def original(self) -> Path | None:
        """Return the workspace that this one is a copy of; None where it is none."""
        return original_of(self.paths, self.identity, self.folder)

    def check_own(self) -> None:
        """Go on only if no other workspace uses the same keys and audit heads.

        Records that they belong to this folder.

        Raises:
            UsageError: this is a copy of a workspace that is still there.
        """
        if original := self.original():
            raise UsageError(
                f"{self.paths.home} is a copy of {original}: they have the same id, so "
                "one would break the other's audit log and keys; give this one an id "
                f"of its own: dmp init {self.paths.home} --new-id"
            )
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        claim(self.paths, self.folder)
