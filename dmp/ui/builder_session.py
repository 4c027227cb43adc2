"""A viewer's session with the rule builder."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from dmp.core.errors import Fault
from dmp.flows.catalog import Catalog
from dmp.flows.rule_building import rule_source
from dmp.ui.builder import BuilderState
from dmp.ui.rule_source import RuleSource
from dmp.ui.session import begin_visit
from dmp.ui.source import Viewer


class _ClosedRules:
    """A rule source over a workspace that could not be opened: it says why."""

    viewer = Viewer("Nobody", (), exact_counts=False)
    as_of = datetime.max.replace(tzinfo=UTC)

    def __init__(self, error: Exception) -> None:
        self.error = error

    def saved(self) -> dict[str, str]:
        return {}

    def catalog(self, segment: str) -> Catalog:
        raise self.error

    def faults(self, document: Any) -> list[Fault]:
        return [Fault("rule", "needs a workspace that can be opened")]

    def __getattr__(self, name: str) -> Any:
        def refuse(*_: Any) -> Any:
            raise self.error

        return refuse


def open_builder() -> BuilderState:
    """Return the rule builder over the workspace, at the rule that the address names.

    A workspace that cannot be opened gives a page that says why.
    """
    visit = begin_visit(workspaces=2)
    source: RuleSource
    try:
        source = rule_source(visit.open(), visit.open())
    except Exception as error:
        source = cast(RuleSource, _ClosedRules(error))
    return BuilderState(source, visit.query)
