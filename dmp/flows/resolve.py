"""Train the linkage model and resolve people, under roles and audit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dmp.core.config import parse, read_yaml
from dmp.core.errors import ConfigInvalid, Fault, UsageError
from dmp.core.identifiers import FieldType
from dmp.core.types import Progress, silent
from dmp.flows.ingest import contracts
from dmp.flows.workspace import Workspace
from dmp.identity.basis import Basis
from dmp.identity.blocking import BlockingCost, blocking_costs
from dmp.identity.frequencies import freeze
from dmp.identity.imported import imported_model
from dmp.identity.linkage import train
from dmp.identity.model import LinkageModel, load_model, require_fit, save_model
from dmp.identity.profiles import ProfileBuild, build_profiles
from dmp.identity.records import stage_linkage_records
from dmp.identity.resolve import Resolution, resolve
from dmp.identity.settings import IdentitySettings, LinkageSettings, ProfileSettings
from dmp.privacy import Permission, PseudonymKey
from dmp.privacy.root_keys import FOUNDING
from dmp.storage.instants import not_before

_WRITTEN_AT = ("identity.resolution.resolved_at", "profile.profile.valid_from")


@dataclass(frozen=True)
class Training:
    """A training run: what it cost, what it gave, whether the model is a new one."""

    costs: tuple[BlockingCost, ...]
    model: LinkageModel
    is_new: bool


def identity_settings(workspace: Workspace) -> IdentitySettings:
    """Read `config/identity.yaml`."""
    where = "config/identity.yaml"
    document = read_yaml(workspace.paths.config / "identity.yaml")
    return parse(IdentitySettings, document, where)


def profile_settings(workspace: Workspace) -> ProfileSettings:
    """Read `config/profile.yaml`; without it every attribute survives by `newest`."""
    path = workspace.paths.config / "profile.yaml"
    document = read_yaml(path) if path.exists() else {}
    return parse(ProfileSettings, document, "config/profile.yaml")


def train_linkage(workspace: Workspace, *, progress: Progress = silent) -> Training:
    """Train the linkage model on all records and make it the current one.

    A model equal to the current one changes nothing.

    Raises:
        UsageError: the settings have no linkage, or too few records.
        ModelNotTrained: parameters are missing; the current model stays.
        NotAllowed: the caller may not train.
    """
    workspace.allow_work(Permission.TRAIN)
    settings = _linkage(workspace)
    progress(0, 3)
    stage_linkage_records(workspace.lake, workspace.vault, settings)
    progress(1, 3)
    costs = blocking_costs(workspace.lake, settings)
    progress(2, 3)
    model = train(workspace.lake, settings, now=workspace.clock())
    progress(3, 3)
    kept, is_new = _kept(workspace, settings, model, "train", records=model.records)
    return Training(tuple(costs), kept, is_new)


def import_model(workspace: Workspace, path: Path) -> LinkageModel:
    """Make a model that Splink saved the current one; its frequencies are frozen now.

    Raises:
        ConfigInvalid: all that does not fit the settings; the current model stays.
        UsageError: the settings have no linkage, or the file is no JSON.
        NotAllowed: the caller may not train.
    """
    workspace.allow_work(Permission.TRAIN)
    settings = _linkage(workspace)
    try:
        document = json.loads(path.read_text())
    except ValueError as error:
        raise UsageError(
            f"{path} is no JSON; save the model in Splink by "
            "linker.misc.save_model_to_json(path)"
        ) from error
    now = workspace.clock()
    model = imported_model(workspace.lake, document, str(path), settings, now=now)
    stage_linkage_records(workspace.lake, workspace.vault, settings)
    kept, _ = _kept(workspace, settings, model, "identity.import-model")
    return kept


def _kept(
    workspace: Workspace,
    settings: LinkageSettings,
    model: LinkageModel,
    action: str,
    **detail: Any,
) -> tuple[LinkageModel, bool]:
    """Keep a model, on record where it is new, and what it freezes.

    Returns the current model, and whether it is a new one.
    """
    folder = model_folder(workspace, settings)
    is_new = save_model(folder, model)
    kept = load_model(folder)
    assert kept is not None
    if is_new:
        workspace.record(action, model=kept.name, **detail)
    freeze(workspace.lake, kept, linkage_key(workspace))
    return kept, is_new


def resolve_people(
    workspace: Workspace, *, full: bool = False, progress: Progress = silent
) -> tuple[Resolution, ProfileBuild]:
    """Resolve all subjects with the current model and bring profiles up to date.

    Without a trained model people are joined by shared identifiers alone. Where
    settings and model are those of the last run, only what changed is looked at.

    Args:
        full: look at everybody, whether or not anything changed.

    Raises:
        UsageError: the settings changed since the model was trained: train anew.
        ConfigInvalid: an IP address joins people without a purpose or for ever, or
            config/profile.yaml is at fault.
        NotAllowed: the caller may not resolve.
    """
    workspace.allow_work(Permission.RESOLVE)
    settings = identity_settings(workspace)
    _check_addresses(workspace, settings)
    of_profiles = profile_settings(workspace)
    model = current_model(workspace, settings)
    now = not_before(workspace.lake, workspace.clock(), *_WRITTEN_AT)
    progress(0, 2)
    resolution = resolve(
        workspace.lake,
        workspace.vault,
        Basis(settings, model, linkage_key(workspace)),
        run_id=f"resolve-{now:%Y%m%dT%H%M%S%f}",
        now=now,
        actor=workspace.caller.actor,
        full=full,
    )
    _record(workspace, resolution)
    progress(1, 2)
    built = build_profiles(workspace.lake, of_profiles, now=now)
    progress(2, 2)
    return resolution, built


def _check_addresses(workspace: Workspace, settings: IdentitySettings) -> None:
    """Check that what is made of an IP address has a purpose and a lifetime."""
    types = {
        spec.identifier.type
        for contract in contracts(workspace).values()
        for spec in contract.fields.values()
        if spec.identifier and spec.type is FieldType.IP
    }
    faults = [
        Fault(
            f"identifiers.{type_}",
            f"is made of an IP address and has no {lacking}",
            f"give {lacking}, such as {lacking}: {example}",
        )
        for type_ in sorted(types & settings.identifiers.keys())
        for lacking, example in (("purpose", "analytics"), ("valid_days", "30"))
        if getattr(settings.identifiers[type_], lacking) is None
    ]
    if faults:
        raise ConfigInvalid("config/identity.yaml", faults)


def _record(workspace: Workspace, resolution: Resolution) -> None:
    if resolution.is_new:
        workspace.record(
            "resolve",
            run=resolution.run_id,
            model=resolution.model,
            looked_at=resolution.looked_at,
            profiles=resolution.profiles,
            merged=resolution.merged,
        )


def current_model(
    workspace: Workspace, settings: IdentitySettings
) -> LinkageModel | None:
    """Return the model that a resolve run uses; None without linkage or training.

    Raises:
        UsageError: the settings name other comparisons than the model was trained for.
    """
    if settings.linkage is None:
        return None
    model = load_model(model_folder(workspace, settings.linkage))
    if model is not None:
        require_fit(model, settings.linkage)
    return model


def linkage_key(workspace: Workspace) -> PseudonymKey:
    """Return the key of blocking keys and term frequencies; it never rotates."""
    return workspace.keys.pseudonym_key("linkage", FOUNDING)


def model_folder(workspace: Workspace, settings: LinkageSettings) -> Path:
    """Return where the versions of a model lie."""
    return workspace.paths.models / settings.model


def _linkage(workspace: Workspace) -> LinkageSettings:
    settings = identity_settings(workspace).linkage
    if settings is None:
        raise UsageError(
            "config/identity.yaml has no linkage section, so there is nothing to "
            "train; records are joined by shared identifiers alone"
        )
    return settings
