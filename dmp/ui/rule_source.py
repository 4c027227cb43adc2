"""What the rule builder needs from the rest of dmp: one Protocol over its values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from dmp.core.errors import Fault
from dmp.core.types import Evaluation
from dmp.flows.catalog import Catalog
from dmp.flows.shapes import Viewer
from dmp.ui.rule_edits import Document


class RuleSource(Protocol):
    """Reads and saves rules for one viewer; each method checks the role when called.

    Raises:
        NotAllowed: the role may not do this; the message says who may.
    """

    @property
    def viewer(self) -> Viewer:
        """Return who looks."""
        ...

    @property
    def as_of(self) -> datetime:
        """Return the instant that rules are counted at."""
        ...

    def catalog(self, segment: str) -> Catalog:
        """Return what a rule of this segment can name."""
        ...

    def saved(self) -> Mapping[str, str]:
        """Return the ids and names of the saved segments."""
        ...

    def document(self, segment: str) -> Document:
        """Return a saved segment as it is written."""
        ...

    def templates(self) -> list[Document]:
        """Return the segments to start from that this workspace has the data for."""
        ...

    def faults(self, document: Document) -> list[Fault]:
        """Return every fault of a document."""
        ...

    def sentence(self, document: Document) -> str:
        """Return a rule without faults in plain English."""
        ...

    def suggest(self, subject: str, name: str, event: str = "") -> list[Any]:
        """Return `(value, how many)` of an attribute or a property."""
        ...

    def save(self, document: Document, before: Document | None) -> str:
        """Save a document in place of the one it began from; return where."""
        ...

    def build(self, segment: str) -> Evaluation:
        """Evaluate and store a saved segment."""
        ...
