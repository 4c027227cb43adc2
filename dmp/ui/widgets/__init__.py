"""The page's own small widgets: each a Python module and an ES module beside it."""

from __future__ import annotations

from dmp.ui.widgets.address import Address
from dmp.ui.widgets.bars import Bars
from dmp.ui.widgets.cluster_graph import ClusterGraph
from dmp.ui.widgets.decide import Decide
from dmp.ui.widgets.details import Details
from dmp.ui.widgets.discussion import DiscussionCard
from dmp.ui.widgets.download import Download
from dmp.ui.widgets.funnel import Funnel
from dmp.ui.widgets.headline import Headline
from dmp.ui.widgets.home_board import HomeBoard
from dmp.ui.widgets.job_board import JobBoard
from dmp.ui.widgets.notice import Notice
from dmp.ui.widgets.outcome import Outcome
from dmp.ui.widgets.overlap import Overlap
from dmp.ui.widgets.paged_table import PagedTable
from dmp.ui.widgets.review_pair import ReviewPair
from dmp.ui.widgets.review_progress import ReviewProgress
from dmp.ui.widgets.rule_editor import RuleEditor
from dmp.ui.widgets.rule_trial import RuleTrial
from dmp.ui.widgets.segment_list import SegmentList
from dmp.ui.widgets.tally import SizeCard
from dmp.ui.widgets.trend import Trend
from dmp.ui.widgets.tuning_effect import TuningEffect
from dmp.ui.widgets.versions import Versions
from dmp.ui.widgets.waterfall import Waterfall
from dmp.ui.widgets.weights import Weights
from dmp.ui.widgets.why import WhyCard
from dmp.ui.widgets.yaml_editor import YamlEditor

__all__ = [
    "Address",
    "Bars",
    "ClusterGraph",
    "Decide",
    "Details",
    "DiscussionCard",
    "Download",
    "Funnel",
    "Headline",
    "HomeBoard",
    "JobBoard",
    "Notice",
    "Outcome",
    "Overlap",
    "PagedTable",
    "ReviewPair",
    "ReviewProgress",
    "RuleEditor",
    "RuleTrial",
    "SegmentList",
    "SizeCard",
    "Trend",
    "TuningEffect",
    "Versions",
    "Waterfall",
    "Weights",
    "WhyCard",
    "YamlEditor",
]
