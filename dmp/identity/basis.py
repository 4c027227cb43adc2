"""What a resolve run goes by, frozen for the length of it."""

from __future__ import annotations

from dataclasses import dataclass

from dmp.core.config import fingerprint
from dmp.identity.model import LinkageModel
from dmp.identity.settings import IdentitySettings, LinkageSettings
from dmp.privacy import PseudonymKey

_EDITION = 3
"""Raised when evidence or clusters are made otherwise, so that all are made anew."""


@dataclass(frozen=True)
class Basis:
    """Settings, model, and the key of linkage tokens.

    Attributes:
        model: the trained linkage model; None joins by shared identifiers alone.
        key: of the domain `linkage`, in its founding version: blocking keys and term
            frequencies in the lake are keyed by it.
    """

    settings: IdentitySettings
    model: LinkageModel | None
    key: PseudonymKey

    @property
    def linkage(self) -> tuple[LinkageModel, LinkageSettings] | None:
        """The model and its settings; None where nothing is compared."""
        if self.model is None or self.settings.linkage is None:
            return None
        return self.model, self.settings.linkage

    @property
    def model_name(self) -> str:
        """The name of the model, `none` without one."""
        return self.model.name if self.model else "none"

    @property
    def fingerprint(self) -> str:
        """A digest of all of it but the key: another one makes every cluster anew."""
        chosen = self.settings.model_dump(mode="json")
        return fingerprint([_EDITION], chosen, self.model_name)
