"""Synthetic people, their records and events in five sources, with the known truth."""

from __future__ import annotations

from dmp.ingest.synthetic.generation import UNTIL, generate
from dmp.ingest.synthetic.realism import Figure
from dmp.ingest.synthetic.report import FileEntry, GenerationReport
from dmp.ingest.synthetic.spec import FORMATS, SOURCES

__all__ = [
    "FORMATS",
    "SOURCES",
    "UNTIL",
    "Figure",
    "FileEntry",
    "GenerationReport",
    "generate",
]
