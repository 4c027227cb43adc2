"""The versions of the linkage model, and which of them is the current one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dmp.core.errors import UsageError
from dmp.flows.resolve import identity_settings, model_folder
from dmp.flows.workspace import Workspace
from dmp.identity.model import (
    choose_model,
    kept_model,
    kept_models,
    load_model,
    require_fit,
)
from dmp.identity.settings import LinkageSettings
from dmp.privacy import Permission


@dataclass(frozen=True)
class ModelVersion:
    """A kept version of the linkage model.

    Attributes:
        records: how many it was trained on; 0 where it was imported.
        parent: the version whose weights were moved by hand to make it, else empty.
    """

    name: str
    made_at: str
    records: int
    parent: str
    reason: str
    is_current: bool


@dataclass(frozen=True)
class ModelChange:
    """Which version is the current one now, and which was before; empty for none."""

    model: str
    before: str

    @property
    def is_new(self) -> bool:
        """Whether anything changed."""
        return self.model != self.before


def model_versions(workspace: Workspace) -> list[ModelVersion]:
    """Return the kept versions of the linkage model, the newest first.

    Raises:
        UsageError: the settings have no linkage.
        NotAllowed: the caller may not train.
    """
    workspace.allow_now(Permission.TRAIN)
    _, folder = _linkage(workspace)
    current = load_model(folder)
    return [
        ModelVersion(
            model.name,
            model.trained_at,
            model.records,
            model.parent,
            model.reason,
            current is not None and model.name == current.name,
        )
        for model in kept_models(folder)
    ]


def use_model(workspace: Workspace, name: str, *, dry_run: bool = False) -> ModelChange:
    """Make a kept version the current one; the next resolve run looks at everybody.

    Args:
        dry_run: check that it could be, and change nothing.

    Raises:
        UnknownName: no such version is kept.
        UsageError: it compares other fields than the settings name, or these have no
            linkage; the current version stays.
        NotAllowed: the caller may not train.
    """
    workspace.allow_now(Permission.TRAIN)
    linkage, folder = _linkage(workspace)
    require_fit(kept_model(folder, name), linkage)
    current = load_model(folder)
    change = ModelChange(name, current.name if current else "")
    if change.is_new and not dry_run:
        choose_model(folder, name)
        workspace.record("identity.use-model", model=name, before=change.before)
    return change


def _linkage(workspace: Workspace) -> tuple[LinkageSettings, Path]:
    settings = identity_settings(workspace).linkage
    if settings is None:
        raise UsageError(
            "config/identity.yaml has no linkage section, so no model is used; records "
            "are joined by shared identifiers alone"
        )
    return settings, model_folder(workspace, settings)
