from __future__ import annotations

import inspect
from dataclasses import fields

import pytest

from dmp.flows import explore, shapes
from dmp.ui import source

VALUES = [
    "ConditionCount",
    "DestinationSummary",
    "ExportOutcome",
    "Funnel",
    "FunnelStep",
    "SegmentSummary",
    "Share",
    "Table",
    "TrendPoint",
    "Viewer",
]
METHODS = [name for name in vars(source.SegmentSource) if not name.startswith("_")]


@pytest.mark.parametrize("name", VALUES)
def test_the_workspace_gives_the_values_that_the_page_reads(name: str) -> None:
    ours, theirs = getattr(source, name), getattr(shapes, name)
    assert [f.name for f in fields(ours)] == [f.name for f in fields(theirs)]


@pytest.mark.parametrize("name", [name for name in METHODS if name != "viewer"])
def test_the_workspace_has_the_methods_that_the_page_calls(name: str) -> None:
    wanted = inspect.signature(getattr(source.SegmentSource, name))
    given = inspect.signature(getattr(explore.WorkspaceSegments, name))
    assert list(wanted.parameters) == list(given.parameters)
