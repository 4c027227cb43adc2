"""The page's own small widgets: each a Python module and an ES module beside it."""

from __future__ import annotations

from dmp.ui.widgets.address import Address
from dmp.ui.widgets.bars import Bars
from dmp.ui.widgets.details import Details
from dmp.ui.widgets.download import Download
from dmp.ui.widgets.funnel import Funnel
from dmp.ui.widgets.headline import Headline
from dmp.ui.widgets.home_board import HomeBoard
from dmp.ui.widgets.job_board import JobBoard
from dmp.ui.widgets.notice import Notice
from dmp.ui.widgets.outcome import Outcome
from dmp.ui.widgets.paged_table import PagedTable
from dmp.ui.widgets.rule_editor import RuleEditor
from dmp.ui.widgets.segment_list import SegmentList
from dmp.ui.widgets.tally import SizeCard
from dmp.ui.widgets.trend import Trend
from dmp.ui.widgets.yaml_editor import YamlEditor

__all__ = [
    "Address",
    "Bars",
    "Details",
    "Download",
    "Funnel",
    "Headline",
    "HomeBoard",
    "JobBoard",
    "Notice",
    "Outcome",
    "PagedTable",
    "RuleEditor",
    "SegmentList",
    "SizeCard",
    "Trend",
    "YamlEditor",
]
