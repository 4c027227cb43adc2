"""`config/destinations`: one YAML file a destination."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from dmp.core.config import Document, parse, read_all, read_yaml
from dmp.core.errors import ConfigInvalid, Fault, UnknownName

MINIMUM_AUDIENCE = 100


class IdentifierSpec(Document):
    """What the destination knows people by.

    Attributes:
        type: the vault field that is sent, such as email, phone, or a number of
            one's own.
        encoding: how: as it is, or its SHA-256 in hex or base64 after trimming and
            lower-casing.
    """

    type: str = Field(default="email", pattern=r"^[a-z][a-z0-9_]*$")
    encoding: Literal["plain", "sha256_hex", "sha256_base64"] = "sha256_hex"

    @property
    def column(self) -> str:
        """The name of the column in what is sent."""
        return self.type if self.encoding == "plain" else f"{self.type}_sha256"


class FileSettings(Document):
    """A folder that a file of the whole audience is put into.

    Attributes:
        folder: relative to the workspace, or absolute.
    """

    format: Literal["csv", "parquet", "jsonl"] = "csv"
    folder: str


class Destination(Document):
    """A place outside dmp that segments are sent to.

    Attributes:
        purpose: the consent purpose under which identifiers go there.
        internal: whether it belongs to the same company; only then are audiences
            below the minimum sent.
        minimum: the destination's own least audience; 100 is the least for all.
        max_change_share: a sync that would add and remove more than this share of
            the audience that is there stops, unless it is forced; the identifiers of
            people who withdrew consent or were erased are taken away all the same.
            Audiences of fewer than 100 identifiers may change freely.
    """

    destination: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: str = ""
    type: Literal["file"] = "file"
    file: FileSettings
    purpose: str = Field(min_length=1)
    region: str = ""
    identifier: IdentifierSpec = IdentifierSpec()
    segments: tuple[str, ...] = ()
    internal: bool = False
    minimum: int = Field(default=MINIMUM_AUDIENCE, ge=1)
    max_change_share: float = Field(default=0.5, gt=0)

    @property
    def floor(self) -> int:
        """The least number of people that may be sent."""
        return 1 if self.internal else max(MINIMUM_AUDIENCE, self.minimum)


def read_destinations(folder: Path) -> dict[str, Destination]:
    """Return the destinations of a folder by name.

    Raises:
        ConfigInvalid: the faults of all files at once.
    """
    return read_all(folder, _read)


def _read(path: Path) -> Destination:
    where = f"config/destinations/{path.name}"
    destination = parse(Destination, read_yaml(path), where)
    if destination.destination != path.stem:
        fault = Fault("destination", "differs from the file's name", path.stem)
        raise ConfigInvalid(where, [fault])
    return destination


def chosen(destinations: Mapping[str, Destination], name: str) -> Destination:
    """Return one destination.

    Raises:
        UnknownName: no such destination; the near ones are named.
    """
    if name not in destinations:
        raise UnknownName("destination", name, list(destinations))
    return destinations[name]
