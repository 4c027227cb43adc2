"""Where a workspace keeps things, and what its operator chose."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from dmp.core.accounts import current_account
from dmp.core.documents import load_yaml, read_text
from dmp.core.errors import ConfigInvalid, Fault, Faulty, UsageError


class Document(BaseModel):
    """The base of everything read from YAML or JSON: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


D = TypeVar("D", bound=Document)
T = TypeVar("T")


class VaultSettings(Document):
    """Where the key-encryption key comes from, unless `DMP_VAULT_KEY` holds it.

    Attributes:
        key_file: path of a file with mode 0600; None chooses the default place outside
            the workspace.
        key_command: a command that prints the key in base64, such as a KMS client.
    """

    key_file: Path | None = None
    key_command: tuple[str, ...] = ()


class AuditSettings(Document):
    """Where signed heads of the audit log are written a second time."""

    heads_file: Path | None = None


class RetentionSettings(Document):
    """How long things stay that are not a person's profile."""

    refused_bodies_days: int = Field(default=14, ge=1)
    run_days: int = Field(default=90, ge=1)


class Settings(Document):
    """The operator's choices in `config/dmp.yaml`.

    Attributes:
        timezone: the zone in which pages and reports show times.
        region: where this workspace's data lies, in the operator's words.
        minimum_cell: counts below it are not shown to people without the analyst role.
        approval: whether a segment leaves only after somebody other than its author
            approved it.
    """

    timezone: str = "UTC"
    region: str = ""
    minimum_cell: int = Field(default=50, ge=1)
    approval: Literal["none", "required"] = "none"
    vault: VaultSettings = VaultSettings()
    audit: AuditSettings = AuditSettings()
    retention: RetentionSettings = RetentionSettings()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("not a time zone; right would be Europe/London") from error
        return zone


@dataclass(frozen=True)
class Paths:
    """The places of one workspace, all below `home` but for the keys."""

    home: Path

    @property
    def config(self) -> Path:
        """The operator's choices, kept under version control."""
        return self.home / "config"

    @property
    def data(self) -> Path:
        """Everything that dmp writes; mode 0700."""
        return self.home / "data"

    @property
    def notebooks(self) -> Path:
        """The numbered notebooks."""
        return self.home / "notebooks"

    @property
    def dashboards(self) -> Path:
        """The Voila pages."""
        return self.home / "dashboards"

    @property
    def lake(self) -> Path:
        """The lake's catalog and files."""
        return self.data / "lake"

    @property
    def vault(self) -> Path:
        """Encrypted blobs and wrapped keys."""
        return self.data / "vault"

    @property
    def audit(self) -> Path:
        """The audit log."""
        return self.data / "audit"

    @property
    def models(self) -> Path:
        """Trained linkage models."""
        return self.data / "models"

    @property
    def runs(self) -> Path:
        """Run records and executed notebooks."""
        return self.data / "runs"

    @property
    def scratch(self) -> Path:
        """What lasts no longer than a process: spill and copies of files."""
        return self.data / "tmp"

    @property
    def identity_file(self) -> Path:
        """The id of the workspace, which names its keys."""
        return self.data / "workspace.json"


def find_home(home: Path | None = None) -> Path:
    """Return the workspace folder: the argument, else `DMP_HOME`, else the current one.

    Raises:
        UsageError: the folder has no `config/dmp.yaml`, so it is no workspace.
    """
    chosen = home or Path(os.environ.get("DMP_HOME", "."))
    if not (chosen / "config" / "dmp.yaml").is_file():
        raise UsageError(
            f"{chosen.resolve()} is no workspace: it has no config/dmp.yaml; "
            "make one with `dmp init DIR`, or name one by --home DIR or DMP_HOME"
        )
    return chosen.resolve()


def load_settings(paths: Paths, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `config/dmp.yaml`; `DMP_TIMEZONE`, `DMP_REGION` win over it.

    Raises:
        ConfigInvalid: all faults of the file at once.
    """
    document = read_yaml(paths.config / "dmp.yaml")
    for name in ("timezone", "region"):
        if value := environ.get(f"DMP_{name.upper()}"):
            document[name] = value
    return parse(Settings, document, "config/dmp.yaml")


@dataclass(frozen=True)
class Identity:
    """Who a workspace is.

    Attributes:
        id: names its keys, 16 hex digits.
        owner: the operating-system user who made it.
        former_ids: ids it had before it was given one of its own, as a copy.
    """

    id: str
    owner: str
    former_ids: tuple[str, ...] = ()


def workspace_identity(paths: Paths) -> Identity:
    """Return who the workspace is; made, with `data/` at mode 0700, on first use.

    Of processes that make it at once one wins, and none leaves half a file.
    """
    file = paths.identity_file
    if not file.exists():
        paths.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        paths.data.chmod(0o700)
        made = {"id": uuid.uuid4().hex[:16], "owner": current_account().user}
        draft = file.with_name(f".{file.name}.{made['id']}.tmp")
        draft.write_text(json.dumps(made))
        with suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    found = json.loads(paths.identity_file.read_text())
    return Identity(**{**found, "former_ids": tuple(found.get("former_ids", ()))})


def key_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of keys: `DMP_KEY_DIR`, else dmp's in the user's configuration.

    It lies outside every workspace, so that a copy of a workspace holds no key.
    """
    if chosen := environ.get("DMP_KEY_DIR"):
        return Path(chosen)
    base = environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "dmp" / "keys"


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping; an empty file is an empty mapping.

    Raises:
        ConfigInvalid: the file is absent or unreadable, no YAML, or no mapping.
    """
    document = load_yaml(read_text(path), str(path))
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigInvalid(
            str(path), [Fault("document", "not a mapping", "key: value")]
        )
    return document


def parse(model: type[D], document: Mapping[str, Any], where: str) -> D:
    """Read a document into its model.

    Raises:
        ConfigInvalid: all faults at once, each with its path inside `where`.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        faults = [
            Fault(".".join(map(str, item["loc"])) or "document", item["msg"])
            for item in error.errors(include_input=False, include_url=False)
        ]
        raise ConfigInvalid(where, faults) from error


def fingerprint(*parts: object) -> str:
    """Return 12 hex digits that change when any part does (JSON of it is compared)."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def yaml_files(folder: Path) -> Sequence[Path]:
    """Return the YAML files of a folder by name; none where the folder is absent."""
    return sorted(folder.glob("*.yaml"))


def read_all(folder: Path, read: Callable[[Path], T]) -> dict[str, T]:
    """Return what `read` gives for each YAML file of a folder, by the file's stem.

    Raises:
        ConfigInvalid, RuleInvalid: the faults of all files at once, each after its
            file's name; a single faulty file is told in its own words.
    """
    found: dict[str, T] = {}
    refused: dict[str, Faulty] = {}
    for path in yaml_files(folder):
        try:
            found[path.stem] = read(path)
        except Faulty as error:
            refused[path.name] = error
    if len(refused) == 1:
        raise next(iter(refused.values()))
    if refused:
        faults = [
            Fault(f"{name}: {fault.path}", fault.wrong, fault.right)
            for name, error in refused.items()
            for fault in error.faults
        ]
        raise type(next(iter(refused.values())))(str(folder), faults)
    return found
