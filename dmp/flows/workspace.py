"""A workspace opened: settings, caller, lake, vault and audit log, made on demand."""

from __future__ import annotations

import html
import os
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from dmp.core.accounts import Account, current_account
from dmp.core.clock import Clock, now
from dmp.core.config import (
    Paths,
    Settings,
    find_home,
    load_settings,
    parse,
    read_yaml,
    workspace_identity,
)
from dmp.core.errors import DMPError, GroundFailed, KeyMissing, NotAllowed
from dmp.core.sql import Name
from dmp.flows.tables import Tables
from dmp.flows.viewer import viewer_account
from dmp.flows.workspace_keys import WorkspaceKeys
from dmp.privacy import (
    AuditLog,
    Caller,
    KeyStore,
    Permission,
    encrypted_spill,
    require,
)
from dmp.privacy.audit_heads import create_signing_key
from dmp.privacy.audit_runs import RUNNING, Run, dead_runs
from dmp.privacy.callers import (
    RolesFile,
    caller_of,
    held_roles,
    load_actor_key,
    narrowed,
)
from dmp.privacy.detect import kinds
from dmp.privacy.published import check_statement, published_docs, views_read
from dmp.privacy.root_keys import FOUNDING
from dmp.storage.lake import Lake
from dmp.storage.migrate import migrate
from dmp.storage.rows import Rows
from dmp.storage.signatures import Signature, commits_of
from dmp.storage.statement import read_statement

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dmp.ingest.load import Stores
    from dmp.privacy import Vault


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
        account: Account | None = None,
    ) -> None:
        """Choose the folder; its settings are read on first use.

        Args:
            account: who calls; None takes the account that runs the process.
        """
        self.paths = Paths(home)
        self.clock = clock
        self._environ = environ
        self._account = account or current_account()
        self._open = ExitStack()
        self._run: Run | None = None

    @cached_property
    def settings(self) -> Settings:
        """The operator's choices."""
        return load_settings(self.paths, self._environ)

    @cached_property
    def caller(self) -> Caller:
        """Who is calling: the operating-system user, by pseudonym, and the roles.

        While `config/roles.yaml` names nobody, whoever made the workspace holds all
        roles that people hold.

        Raises:
            ConfigInvalid: all faults of `config/roles.yaml`.
            NotAllowed: `DMP_ROLE` asks for a role that the user does not hold.
        """
        document = read_yaml(self.paths.config / "roles.yaml")
        file = parse(RolesFile, document, "config/roles.yaml")
        owner = workspace_identity(self.paths).owner
        roles = held_roles(file, self._account, owner=owner)
        key = load_actor_key(self._key_file("actor.key"))
        held = caller_of(self._account, roles, actor_key=key)
        try:
            return narrowed(held, self._environ)
        except NotAllowed as error:
            self._record_denial(error, held, asked="DMP_ROLE")
            raise

    @cached_property
    def lake(self) -> Lake:
        """The lake, brought to the newest layout; spill is encrypted.

        Raises:
            UsageError: this is a copy of a workspace that is still there.
        """
        self._check_own()
        lake = Lake(self.paths.lake, prepare=self._encrypt_spill, sign=self._sign)
        self._open.enter_context(lake)
        migrate(lake, clock=self.clock)
        return lake

    @cached_property
    def key_files(self) -> WorkspaceKeys:
        """Where the keys lie."""
        return WorkspaceKeys(self.paths, self.settings, self._environ)

    @cached_property
    def keys(self) -> KeyStore:
        """The key store, opened by the key-encryption key.

        Raises:
            KeyMissing: the key is not where the settings say.
        """
        return self._open.enter_context(self.key_files.open())

    @cached_property
    def vault(self) -> Vault:
        """The vault of direct identifiers."""
        from dmp.privacy import Vault

        return Vault(self.paths.vault / "blobs", self.keys)

    @cached_property
    def stores(self) -> Stores:
        """What a load writes to."""
        from dmp.identity.settings import blocked_patterns
        from dmp.ingest.landing import PseudonymKeys
        from dmp.ingest.load import Stores
        from dmp.privacy import Bodies

        keys = PseudonymKeys(
            subject=self.keys.pseudonym_key("subject", FOUNDING),
            analytics=self.keys.pseudonym_key("analytics", FOUNDING),
            content=self.keys.pseudonym_key("content", FOUNDING),
            later=partial(self.keys.later_pseudonym_keys, "analytics"),
        )
        bodies = Bodies(self.paths.vault / "bodies", self.keys)
        return Stores(
            self.lake,
            self.vault,
            bodies,
            keys,
            self.paths.scratch,
            blocked_patterns(self.paths.config),
        )

    @cached_property
    def audit(self) -> AuditLog:
        """The audit log; its heads and signing key lie outside the workspace.

        Raises:
            KeyMissing: there is a log, but not the key that signed it.
        """
        self._check_own()
        signing = self._key_file("audit.key")
        if not signing.exists():
            if (self.paths.audit / "log.jsonl").exists():
                raise KeyMissing(
                    f"no signing key of the audit log: looked for {signing}; nothing "
                    "that is recorded there can be done without it; bring it back: "
                    "dmp keys restore FILE, or name its folder by DMP_KEY_DIR"
                )
            create_signing_key(signing)
        heads = self.key_files.heads
        return AuditLog(self.paths.audit, heads, signing, clock=self.clock)

    def allow(self, permission: Permission) -> None:
        """Go on only if the caller may; a denial is written to the audit log.

        Raises:
            NotAllowed: names the permission and the roles that have it.
        """
        caller = self.caller
        try:
            require(caller, permission)
        except NotAllowed as error:
            self._record_denial(error, caller, asked=permission)
            raise

    def allow_work(self, permission: Permission) -> None:
        """Go on as `allow` does, after putting on record what crashes kept from it.

        An audit record that was cut short is finished: work that was done before
        records nothing, and would leave it cut. Changes of the lake by processes that
        died before they recorded them are recorded as `unrecorded`, in the name of
        whoever made them.

        Raises:
            NotAllowed: as `allow`.
        """
        self.allow(permission)
        self.audit.complete()
        self._record_unrecorded()

    def allow_now(self, permission: Permission) -> None:
        """Go on only if the caller may by `config/roles.yaml` as it is at this moment.

        A page stays open for hours; a role that was taken away meanwhile is gone.

        Raises:
            NotAllowed: names the permission and the roles that have it.
        """
        self.__dict__.pop("caller", None)
        self.allow(permission)

    def record(self, action: str, **detail: Any) -> None:
        """Write one line to the audit log, with the caller and the roles."""
        self._record(action, self.caller, detail)
        if self._run:
            self._run.note()

    def sql(self, query: str, /, **params: Any) -> Rows:
        """Return the rows of a query over what is published to the caller's roles.

        One reading statement; `.df()`, `.arrow()`, `.pl()` run it. `$name` in it is
        bound to the parameter `name`. What is published to
        whom: `dmp.privacy.published`, and docs/guides/privacy.md. A denial is written
        to the audit log.

        Raises:
            NotAllowed: it names something published to others, or calls a function
                that could read files.
            UnknownName: it names something that is published to nobody.
            UsageError: it is no single reading statement.
            QueryFailed: the statement is wrong.
        """
        statement = read_statement(self.lake, query)
        try:
            check_statement(self.caller, statement)
        except NotAllowed as error:
            self._record_denial(error, self.caller, asked="sql")
            raise
        views = views_read(
            statement,
            minimum_cell=self.settings.minimum_cell,
            audit_log=self.paths.audit / "log.jsonl",
        )
        for name, view in views:
            self.lake.view(name, view)
        return Rows(self.lake, query, params)

    @property
    def tables(self) -> Tables:
        """The tables and views published to the caller: `tables.core.event.df()`."""
        docs = published_docs(self.caller)
        return Tables(docs, lambda name: self.sql(f"from {Name.of(name)}"))

    def __repr__(self) -> str:
        return f"dmp workspace {self.paths.home}: sql(…), tables, settings"

    def _repr_html_(self) -> str:
        home = html.escape(str(self.paths.home))
        return f"<b>dmp workspace</b> <code>{home}</code>{self.tables._repr_html_()}"

    def forget_keys(self) -> None:
        """Close, and look for the keys anew: they or the workspace's id changed."""
        self.close()
        for name in ("key_files", "caller"):
            self.__dict__.pop(name, None)

    def hand_to(self, account: Account | None) -> None:
        """Let this account call from here on; None is the one that runs the process.

        What is open stays open, unless it is no longer what it was when opened.
        """
        self._account = account or current_account()
        self.look_anew()
        if "lake" in self.__dict__:
            try:
                self.lake.check_ground()
            except GroundFailed:
                self.close()

    def look_anew(self) -> None:
        """Read settings and roles again when they are next asked for.

        What is open stays open.
        """
        for name in ("settings", "caller"):
            self.__dict__.pop(name, None)

    def close(self) -> None:
        """Close what was opened; the workspace may be used again afterwards."""
        if self._run:
            self._run.end()
            self._run = None
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

    def _sign(self, on_record: bool) -> Signature:
        """Say who makes a commit; be ready to die before one is on record."""
        author, role = self.caller.actor, _listed(self.caller)
        if not on_record:
            return Signature(author, role)
        if self._run is None:
            self._run = Run(self._running)
        return Signature(author, role, self._run.id, self._run.next_commit())

    @property
    def _running(self) -> Path:
        return self.paths.audit / RUNNING

    def _record_unrecorded(self) -> None:
        """Record what processes that died had changed, as `unrecorded`."""
        with dead_runs(self._running) as dead:
            for run in dead:
                for one in commits_of(self.lake, run.id, after=run.recorded):
                    self.audit.append(
                        "unrecorded",
                        actor=one.author,
                        role=one.role,
                        detail={"did": _plain(one.did), "at": one.at.isoformat()},
                    )

    def _record(self, action: str, caller: Caller, detail: Mapping[str, Any]) -> None:
        role = _listed(caller)
        self.audit.append(action, actor=caller.actor, role=role, detail=detail)

    def _record_denial(self, error: NotAllowed, caller: Caller, *, asked: str) -> None:
        try:
            self._record("denied", caller, {"asked": asked})
        except (DMPError, OSError) as fault:
            raise NotAllowed(
                f"{error}\nthis denial could not be recorded: {fault}"
            ) from fault

    def _encrypt_spill(self, connection: DuckDBPyConnection) -> None:
        self.paths.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._open.enter_context(encrypted_spill(connection, self.paths.scratch))

    def _check_own(self) -> None:
        """Refuse a copy, unless its audit heads have a place of their own."""
        if self.settings.audit.heads_file is None:
            self.key_files.check_own()

    def _key_file(self, name: str) -> Path:
        return self.key_files.folder / name


def open_workspace(home: Path | str | None = None) -> Workspace:
    """Open the workspace of a folder: the argument, else `DMP_HOME`, else the current.

    On a page behind a proxy the caller is who opened the page, and nobody else.

    Raises:
        UsageError: the folder is no workspace.
        NotAllowed: on a page behind a proxy that was opened by nobody.
    """
    found = find_home(Path(home) if home is not None else None)
    return Workspace(found, account=viewer_account(found))


def _listed(caller: Caller) -> str:
    return ",".join(sorted(caller.roles)) or "none"


def _plain(message: str) -> str:
    """Return a commit's message, unless a name in it looks like an identifier."""
    return "a change of the lake" if kinds(message) else message
