"""Run the checks of data quality on a workspace, keep them, tell somebody."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from dmp.core.config import parse, read_yaml
from dmp.core.errors import ConfigInvalid, Fault, UnknownName
from dmp.core.sql import Query
from dmp.flows.ingest import contracts
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.quality.alerts import message, sender
from dmp.quality.checks import CHECKS, Ground, bound_of
from dmp.quality.results import Alert, Result, keep, measure, told, write_alerts
from dmp.quality.settings import QualitySettings
from dmp.storage.instants import not_before
from dmp.storage.migrate import struct_fields
from dmp.storage.rows import Rows

FILE = "config/quality.yaml"


@dataclass(frozen=True)
class QualityRun:
    """What one run of the checks found.

    Attributes:
        told: the alerts of which somebody was told now.
        untold: those of which nobody was: no address is set.
    """

    results: tuple[Result, ...]
    told: tuple[Alert, ...]
    untold: tuple[Alert, ...]

    @property
    def failed(self) -> tuple[Result, ...]:
        """The results that are beyond their bound."""
        return tuple(r for r in self.results if r.status == "failed")


def quality_settings(workspace: Workspace) -> QualitySettings:
    """Return the bounds; where the file is absent, those that dmp comes with.

    Raises:
        ConfigInvalid: all faults of the file at once.
    """
    path = workspace.paths.home / FILE
    document = read_yaml(path) if path.exists() else {}
    return parse(QualitySettings, document, FILE)


def run_quality(
    workspace: Workspace, *, environ: Mapping[str, str] = os.environ
) -> QualityRun:
    """Make all checks, keep what they found, and tell of what opened or closed.

    One message a run at most. Somebody is told once of each alert and once of its end;
    a process that dies between telling and noting it tells again next time.

    Raises:
        NotAllowed: the caller may not maintain.
        ConfigInvalid: `config/quality.yaml` has faults; nothing was checked.
        AlertNotSent: results are kept, but nobody could be told.
    """
    workspace.allow(Permission.MAINTAIN)
    settings, send = quality_settings(workspace), sender(environ)
    lake, ground = workspace.lake, _ground(workspace)
    results = measure(lake, settings, ground)
    waiting = keep(lake, results)
    if not waiting or send is None:
        return QualityRun(tuple(results), (), tuple(waiting))
    send(*message(waiting, results))
    write_alerts(lake, [told(alert, ground.now) for alert in waiting])
    return QualityRun(tuple(results), tuple(waiting), ())


def failing_rows(workspace: Workspace, name: str) -> Rows:
    """Return the rows at fault of one check, named by pseudonyms.

    Raises:
        NotAllowed: the caller may not read pseudonymous rows.
        UnknownName: no such check, or none that single rows can fail.
        ConfigInvalid: the settings leave the check out.
    """
    workspace.allow(Permission.READ_PSEUDONYMOUS)
    known = {check.name: check for check in CHECKS if check.rows}
    if name not in known:
        raise UnknownName("check with single rows", name, list(known))
    check = known[name]
    bound = bound_of(check, quality_settings(workspace))
    if bound is None or check.rows is None:
        raise ConfigInvalid(FILE, [Fault(name, "is null: the check is not made")])
    query = check.rows(bound, _ground(workspace))
    ordered = Query(f"from ({query.text}) order by all", query.params)
    return Rows(workspace.lake, ordered.text, dict(ordered.params))


def _ground(workspace: Workspace) -> Ground:
    stored = struct_fields(workspace.lake, "core.record", "attributes")
    fields = {
        source: [name for name in contract.attributes if name in stored]
        for source, contract in contracts(workspace).items()
    }
    now = not_before(workspace.lake, workspace.clock(), "ops.load.loaded_at")
    return Ground(now, fields)
