"""What is made of an IP address needs a purpose and a lifetime."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from sample_workspace import REPOSITORY, UNTIL, open_at

from dmp.core.errors import ConfigInvalid
from dmp.flows.resolve import resolve_people


def configured(home: Path, rule: dict[str, object]) -> None:
    """Copy the configuration; the web shop shows addresses, joined by a rule."""
    shutil.copytree(REPOSITORY / "config", home / "config")
    web = home / "config" / "sources" / "web.yaml"
    document = yaml.safe_load(web.read_text())
    plain = {"class": "direct", "clear": False, "purpose": "analytics"}
    together = {"type": "ip_agent", "together_with": "agent", "window_hours": 24}
    document["fields"] |= {
        "agent": {**plain, "from": "context.userAgent"},
        "ip": {**plain, "from": "context.ip", "type": "ip", "identifier": together},
    }
    web.write_text(yaml.safe_dump(document))
    settings = home / "config" / "identity.yaml"
    identity = yaml.safe_load(settings.read_text())
    identity["identifiers"]["ip_agent"] = {"weight_bits": 4, **rule}
    identity.pop("linkage", None)
    settings.write_text(yaml.safe_dump(identity))


@pytest.mark.parametrize(
    ("rule", "lacking"),
    [
        ({"valid_days": 30}, ["purpose"]),
        ({"purpose": "analytics"}, ["valid_days"]),
        ({}, ["purpose", "valid_days"]),
    ],
)
def test_an_address_without_purpose_or_lifetime_joins_nobody(
    tmp_path: Path, rule: dict[str, object], lacking: list[str]
) -> None:
    configured(tmp_path, rule)
    with open_at(tmp_path, UNTIL) as workspace:
        with pytest.raises(ConfigInvalid) as error:
            resolve_people(workspace)
        assert [fault.right.split()[1].rstrip(",") for fault in error.value.faults] == (
            lacking
        )
        assert workspace.lake.value("select count(*) from identity.resolution") == 0
