"""A viewer's session with the rule builder."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from dmp.core.errors import Fault
from dmp.flows.catalog import Catalog
from dmp.flows.rule_building import rule_source
from dmp.flows.workspace import open_workspace
from dmp.ui.builder import BuilderState
from dmp.ui.rule_source import RuleSource
from dmp.ui.session import awaited_query, home_of_page, keep_log
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

    The workspace is the folder in `DMP_HOME`, or else the current one. One that cannot
    be opened gives a page that says why.
    """
    home, query = home_of_page(), awaited_query()
    keep_log(home)
    source: RuleSource
    try:
        source = rule_source(open_workspace(home), open_workspace(home))
    except Exception as error:
        source = cast(RuleSource, _ClosedRules(error))
    return BuilderState(source, query)
