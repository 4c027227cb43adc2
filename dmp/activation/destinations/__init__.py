"""Destinations: what each takes, and how it is written."""

from __future__ import annotations

from dmp.activation.destinations.config import (
    Destination,
    FileSettings,
    IdentifierSpec,
    chosen,
    read_destinations,
)
from dmp.activation.destinations.file import Manifest, WrittenFile, write_audience

__all__ = [
    "Destination",
    "FileSettings",
    "IdentifierSpec",
    "Manifest",
    "WrittenFile",
    "chosen",
    "read_destinations",
    "write_audience",
]
