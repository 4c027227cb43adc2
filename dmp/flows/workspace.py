"""A workspace opened: settings, caller, lake, vault and audit log, made on demand."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from dmp.core.clock import Clock, now
from dmp.core.config import (
    Document,
    Paths,
    Settings,
    find_home,
    key_folder,
    load_settings,
    parse,
    read_yaml,
    workspace_identity,
)
from dmp.core.errors import KeyMissing
from dmp.privacy import (
    AuditLog,
    Bodies,
    Caller,
    KeyStore,
    Permission,
    Vault,
    caller,
    encrypted_spill,
    load_vault_key,
    require,
)
from dmp.privacy.audit_heads import create_signing_key
from dmp.privacy.roles import HELD_BY_PEOPLE, load_actor_key
from dmp.privacy.vault_key import create_key_file
from dmp.storage.lake import Lake
from dmp.storage.migrate import migrate

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from dmp.ingest.load import Stores


class Roles(Document):
    """`config/roles.yaml`: operating-system users and their roles."""

    users: Mapping[str, tuple[str, ...]] = {}


class Workspace:
    """One folder with `config/` and `data/`, and everything it takes to work in it.

    Nothing is opened or made until it is first used. Close it, or use it as a context
    manager: scratch tables, spill and connections end with it.
    """

    def __init__(
        self,
        home: Path,
        *,
        environ: Mapping[str, str] = os.environ,
        clock: Clock = now,
    ) -> None:
        """Choose the folder; its settings are read on first use."""
        self.paths = Paths(home)
        self.clock = clock
        self._environ = environ
        self._open = ExitStack()

    @cached_property
    def settings(self) -> Settings:
        """The operator's choices."""
        return load_settings(self.paths, self._environ)

    @cached_property
    def caller(self) -> Caller:
        """Who is calling: the operating-system user, by pseudonym, and the roles.

        While `config/roles.yaml` names nobody, whoever made the workspace holds all
        roles that people hold.
        """
        document = read_yaml(self.paths.config / "roles.yaml")
        named = parse(Roles, document, "config/roles.yaml").users
        owner = workspace_identity(self.paths).owner
        return caller(
            named or {owner: tuple(HELD_BY_PEOPLE)},
            self._environ,
            getpass.getuser(),
            actor_key=load_actor_key(self._key_file("actor.key")),
        )

    @cached_property
    def lake(self) -> Lake:
        """The lake, brought to the newest layout; spill is encrypted."""
        lake = Lake(self.paths.lake, prepare=self._encrypt_spill)
        self._open.enter_context(lake)
        migrate(lake, clock=self.clock)
        return lake

    @cached_property
    def keys(self) -> KeyStore:
        """The key store, opened by the key-encryption key.

        Raises:
            KeyMissing: the key is not where the settings say.
        """
        chosen = self.settings.vault
        file = chosen.key_file or self._key_file("vault.key")
        store = self.paths.vault / "keys.sqlite"
        is_default = not chosen.key_file and not chosen.key_command
        if is_default and not store.exists() and not file.exists():
            create_key_file(file)
        key = load_vault_key(
            environ=self._environ, command=chosen.key_command, file=file
        )
        self.paths.vault.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._open.enter_context(KeyStore(store, key))

    @cached_property
    def vault(self) -> Vault:
        """The vault of direct identifiers."""
        return Vault(self.paths.vault / "blobs", self.keys)

    @cached_property
    def stores(self) -> Stores:
        """What a load writes to."""
        from dmp.ingest.landing import PseudonymKeys
        from dmp.ingest.load import Stores

        keys = PseudonymKeys(
            subject=self.keys.pseudonym_key("subject"),
            analytics=self.keys.pseudonym_key("analytics"),
            content=self.keys.pseudonym_key("content"),
        )
        bodies = Bodies(self.paths.vault / "bodies", self.keys)
        return Stores(self.lake, self.vault, bodies, keys, self.paths.scratch)

    @cached_property
    def audit(self) -> AuditLog:
        """The audit log; its heads and signing key lie outside the workspace.

        Raises:
            KeyMissing: there is a log, but not the key that signed it.
        """
        signing = self._key_file("audit.key")
        if not signing.exists():
            if (self.paths.audit / "log.jsonl").exists():
                raise KeyMissing(
                    f"no signing key of the audit log: looked for {signing}; bring "
                    "back the key folder, or name it by DMP_KEY_DIR"
                )
            create_signing_key(signing)
        heads = self.settings.audit.heads_file or self._key_file("audit-heads.jsonl")
        return AuditLog(self.paths.audit, heads, signing, clock=self.clock)

    def allow(self, permission: Permission) -> None:
        """Go on only if the caller may.

        Raises:
            NotAllowed: names the permission and the roles that have it.
        """
        require(self.caller, permission)

    def record(self, action: str, **detail: Any) -> None:
        """Write one line to the audit log, with the caller and the roles."""
        roles = ",".join(sorted(self.caller.roles)) or "none"
        self.audit.append(action, actor=self.caller.actor, role=roles, detail=detail)

    def sql(self, query: str, /, **params: Any) -> DuckDBPyRelation:
        """Return the rows of a query over the lake; `.df()`, `.arrow()` read them.

        Raises:
            NotAllowed: the caller lacks the analyst role.
            QueryFailed: the statement is wrong; it is in the message.
        """
        self.allow(Permission.READ_PSEUDONYMOUS)
        return self.lake.sql(query, **params)

    def close(self) -> None:
        """Close what was opened; the workspace may be used again afterwards."""
        self._open.close()
        for name in ("lake", "keys", "vault", "stores", "audit"):
            self.__dict__.pop(name, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _encrypt_spill(self, connection: DuckDBPyConnection) -> None:
        self.paths.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._open.enter_context(encrypted_spill(connection, self.paths.scratch))

    def _key_file(self, name: str) -> Path:
        return key_folder(self._environ) / workspace_identity(self.paths).id / name


def open_workspace(home: Path | str | None = None) -> Workspace:
    """Open the workspace of a folder: the argument, else `DMP_HOME`, else the current.

    Raises:
        UsageError: the folder is no workspace.
    """
    return Workspace(find_home(Path(home) if home is not None else None))
