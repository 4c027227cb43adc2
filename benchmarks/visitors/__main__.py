"""Attribute anonymous visitors to people, and print how well, by itself.

    python -m benchmarks.visitors [--people 2000] [--seed 7] [--window-hours 336]

Generated people visit a web shop and use an app; some log in, now and then, on some of
their devices, and households share some. Printed are precision and recall for devices
on which somebody logged in and for those on which nobody ever did, by the identifiers
that the workspace's sources declare, and then with IP address and user agent within
two weeks on top: of visitors who allow analytics, and, to see what consent costs, of
all.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

import yaml

from dmp.core.config import fingerprint, parse
from dmp.core.sql import Query, join, sql
from dmp.flows.ingest import ingest
from dmp.flows.resolve import linkage_key
from dmp.flows.workspace import Workspace
from dmp.identity.basis import Basis
from dmp.identity.resolve import resolve
from dmp.identity.settings import IdentitySettings
from dmp.identity.visitors import VisitorScores, visitor_scores
from dmp.ingest.synthetic.generation import UNTIL, generate
from dmp.privacy.pseudonyms import subject_id_sql

CONFIG = Path(__file__).parent.parent.parent / "config"
SOURCES = ("web", "app")
DEVICES = ("anonymous_id", "install_id")
ADDRESS: dict[str, Any] = {
    "ip": {
        "from": "context.ip",
        "type": "ip",
        "class": "direct",
        "clear": False,
        "purpose": "analytics",
        "on_fault": "drop",
        "identifier": {
            "namespace": "web",
            "type": "ip_agent",
            "together_with": "user_agent",
            "window_hours": 336,
        },
    },
    "user_agent": {
        "from": "context.userAgent",
        "class": "direct",
        "clear": False,
        "purpose": "analytics",
    },
}
ADDRESS_RULE: dict[str, Any] = {
    "weight_bits": 5,
    "max_subjects": 4,
    "joins": "device",
    "valid_days": 90,
    "purpose": "analytics",
}
WAYS: dict[str, dict[str, Any] | None] = {
    "identifiers": None,
    "and address": ADDRESS_RULE,
    "of everybody": {**ADDRESS_RULE, "purpose": None},
}


def main() -> None:
    """Read the command line, generate, load, resolve twice, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--window-hours", type=float, default=336)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        landing = home / "data" / "landing"
        generate(landing, people=given.people, seed=given.seed, sources=SOURCES)
        prepare(home, given.window_hours)
        environ = {"DMP_KEY_DIR": str(home / "keys")}
        with Workspace(home, environ=environ, clock=lambda: UNTIL) as workspace:
            for source in SOURCES:
                ingest(workspace, source)
            truth = landing / "truth" / "subjects.parquet"
            for name, address in WAYS.items():
                resolve_by(workspace, address)
                for scores in scored(workspace, truth):
                    show(name, scores)


def prepare(home: Path, window_hours: float) -> None:
    """Copy the configuration; the web source declares IP address and user agent too."""
    ADDRESS["ip"]["identifier"]["window_hours"] = window_hours
    shutil.copytree(CONFIG, home / "config")
    path = home / "config" / "sources" / "web.yaml"
    document = yaml.safe_load(path.read_text())
    document["fields"].update(ADDRESS)
    path.write_text(yaml.safe_dump(document))


def resolve_by(workspace: Workspace, address: dict[str, Any] | None) -> None:
    """Resolve everybody by shared identifiers alone.

    Args:
        address: the rule of IP address and user agent; None leaves them out.
    """
    path = workspace.paths.config / "identity.yaml"
    document = yaml.safe_load(path.read_text())
    document.pop("linkage", None)
    if address:
        document["identifiers"]["ip_agent"] = address
    now = workspace.clock()
    resolve(
        workspace.lake,
        workspace.vault,
        Basis(
            parse(IdentitySettings, document, str(path)), None, linkage_key(workspace)
        ),
        run_id=f"visitors-{fingerprint(address)}",
        now=now,
        actor="benchmark",
    )


def scored(workspace: Workspace, truth: Path) -> tuple[VisitorScores, VisitorScores]:
    """Score the devices by the truth that was generated with them."""
    key = workspace.keys.pseudonym_key("subject")
    who = Query("kind || ':' || key")
    owners = [
        sql(
            "select {id} as subject_id, arg_max(person_id, share) as person "
            "from read_parquet($truth) where source = $source{n} group by all",
            id=subject_id_sql(key, source, who, prefix=f"s{source}"),
            n=Query(str(n)),
            truth=str(truth),
            **{f"source{n}": source},
        )
        for n, source in enumerate(SOURCES)
    ]
    return visitor_scores(workspace.lake, join(owners, " union all "), devices=DEVICES)


def show(name: str, found: VisitorScores) -> None:
    """Print one line."""
    who = "after a login" if found.logged_in else "never logged in"
    print(
        f"{name:<14}{who:<18}{found.devices:>7,} devices  attributed "
        f"{found.attributed:>6,}  precision {found.precision:.4f}  "
        f"recall {found.recall:.4f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
