"""A contract inferred from files, to start from."""

from __future__ import annotations

from dmp.ingest.infer.inference import Inferred, infer, taken_by

__all__ = ["Inferred", "infer", "taken_by"]
