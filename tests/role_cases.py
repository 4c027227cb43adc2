"""Who may do what, as `cases/roles.yaml` says: every role by command and by view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

CASES: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "cases" / "roles.yaml").read_text()
)
PEOPLE = ("analyst", "matcher", "marketer", "privacy_officer", "engineer", "admin")
EVERYBODY = (*PEOPLE, "nobody")
_GROUPS = {"people": PEOPLE, "everybody": EVERYBODY}


def allowed(command: str) -> tuple[str, ...]:
    """Return who is let in."""
    said = CASES["commands"][command]["allowed"]
    return _GROUPS[said] if isinstance(said, str) else tuple(said)
