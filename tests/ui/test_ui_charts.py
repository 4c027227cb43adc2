from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import altair as alt
import pandas as pd
import pyarrow as pa
import pytest
import vl_convert

from dmp.ui import charts

STEPS = [{"label": "Members", "people": 90}, {"label": "Consented", "people": 60}]
WEIGHTS = [{"match_weight": w, "pairs": 10 + w * w} for w in range(-5, 6)]
SIZES = [{"size": 1, "clusters": 900}, {"size": 2, "clusters": 40}]
TIMES = [{"at": datetime(2026, 6, d, tzinfo=UTC), "people": d} for d in (1, 8, 15)]
STAGES = [{"stage": "block", "seconds": 1.2}, {"stage": "predict", "seconds": 3.4}]

MADE = {
    "funnel": lambda: charts.funnel_chart(STEPS),
    "histogram": lambda: charts.match_weight_histogram(WEIGHTS, threshold=3.17),
    "sizes": lambda: charts.cluster_sizes(SIZES),
    "trend": lambda: charts.trend(TIMES, title="Members"),
    "stages": lambda: charts.seconds_by_stage(STAGES),
    "curve": lambda: charts.curve(SIZES, "size", ["clusters", "size"], title="Two"),
    "diagonal": lambda: charts.curve(SIZES, "size", ["clusters"], diagonal=True),
    "no_curve": lambda: charts.curve([], "size", ["clusters"], diagonal=True),
    "empty": lambda: charts.bars([], "people", "label"),
}


@pytest.mark.parametrize("name", MADE)
def test_a_chart_draws_in_both_versions_without_network(name: str) -> None:
    spec = json.dumps(MADE[name]().to_dict())
    for version in ("5.21", "6.4"):
        svg = vl_convert.vegalite_to_svg(spec, vl_version=version)
        assert svg.startswith("<svg")


@pytest.mark.parametrize("kind", [list, pa.Table.from_pylist, pd.DataFrame])
def test_rows_of_every_kind_give_the_same_chart(kind: Any) -> None:
    chart = charts.bars(kind(STEPS), "people", "label").to_dict()
    assert chart["data"]["values"] == STEPS


def test_the_charts_have_the_colours_of_the_pages() -> None:
    config = charts.funnel_chart(STEPS).to_dict()["config"]
    assert config["bar"]["color"] == charts.tokens()["accent"] == "#0b7468"


def test_show_gives_vega_lite_and_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "IPython.display.display", lambda bundle, raw: shown.append(bundle)
    )
    charts.show(charts.funnel_chart(STEPS))
    bundle = shown[0]
    assert bundle["image/png"].startswith("iVBOR")
    assert bundle[charts.VEGA_LITE_TYPE]["$schema"].endswith("/v5.json")


def test_altair_is_the_chart_type() -> None:
    assert isinstance(charts.trend(TIMES), alt.Chart)
