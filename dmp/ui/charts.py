"""Charts for the notebooks, in the colours and type of the pages.

Rows are a list of mappings, an Arrow table or a pandas frame, one row a mark; no
rows give an empty chart. Altair is imported when the first chart is made.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

Rows = Any

WIDTH, HEIGHT = 560, 260
BAR_STEP = 30
SCALE = 2

# JupyterLab 4 draws Vega-Lite 5, Altair 6 writes 6; these charts mean the same in both.
VEGA_LITE_VERSION = "5.21"
VEGA_LITE_TYPE = "application/vnd.vegalite.v5+json"
VEGA_LITE_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"


def funnel_chart(rows: Rows, *, label: str = "label", people: str = "people") -> Any:
    """Return a bar a step in the order of the rows, with its number at the end."""
    return bars(rows, x=people, y=label, title="People left after each step")


def bars(
    rows: Rows, x: str, y: str, *, title: str = "", number_format: str = ",d"
) -> Any:
    """Return horizontal bars in the order of the rows.

    `x` names the column of the numbers, at least 0; `y` that of the labels, each
    once. Numbers are written in d3's notation.
    """
    alt = _altair()
    base = alt.Chart(_data(rows)).encode(
        x=alt.X(x, type="quantitative", axis=None),
        y=alt.Y(y, type="nominal", sort=None, title=None),
        tooltip=[alt.Tooltip(y, type="nominal"), _number(x, number_format)],
    )
    text = base.mark_text(align="left", dx=6).encode(text=_text(x, number_format))
    return _finished(base.mark_bar() + text, title, alt.Step(BAR_STEP))


def match_weight_histogram(rows: Rows, *, threshold: float | None = None) -> Any:
    """Return how many pairs have which match weight, counted in powers of ten.

    Args:
        rows: `match_weight` (bits, the lower edge of a bin one bit wide) and `pairs`.
        threshold: drawn as a line, in bits.
    """
    alt = _altair()
    data = [{**row, "until": row["match_weight"] + 1} for row in records(rows)]
    chart = (
        alt.Chart(_data(data))
        .mark_rect(stroke=tokens()["surface"])
        .encode(
            x=alt.X("match_weight", type="quantitative", title="Match weight, bits"),
            x2="until",
            y=_powers_of_ten(data, "pairs"),
            y2=alt.datum(0),
            tooltip=[_number("match_weight", ".1f"), _number("pairs")],
        )
    )
    marked = chart if threshold is None else chart + _threshold(threshold)
    return _finished(marked, "Pairs by match weight", HEIGHT)


def match_weights(rows: Rows) -> Any:
    """Return what each level of each comparison says, for to the right, against left.

    Args:
        rows: `comparison`, `level`, `match_weight` (bits), in the model's order.
    """
    alt = _altair()
    chart = (
        alt.Chart(_data(rows))
        .mark_bar()
        .encode(
            x=alt.X("match_weight", type="quantitative", title="Match weight, bits"),
            y=alt.Y("level", type="nominal", sort=None, title=None),
            row=alt.Row(
                "comparison",
                type="nominal",
                sort=_order(rows, "comparison"),
                title=None,
            ).header(labelAngle=0, labelAnchor="start", labelOrient="top"),
            tooltip=[
                alt.Tooltip("level", type="nominal"),
                _number("match_weight", ".1f"),
            ],
        )
        .resolve_scale(y="independent")
    )
    return _finished(chart, "What the model learned", alt.Step(BAR_STEP * 2 // 3))


def cluster_sizes(rows: Rows) -> Any:
    """Return how many clusters hold how many records.

    Args:
        rows: `size` (records in the cluster) and `clusters` (how many of that size).
    """
    alt = _altair()
    chart = (
        alt.Chart(_data(rows))
        .mark_bar()
        .encode(
            x=alt.X("size", type="ordinal", title="Records in the cluster").axis(
                labelAngle=0
            ),
            y=_powers_of_ten(records(rows), "clusters"),
            tooltip=[_number("size"), _number("clusters")],
        )
    )
    return _finished(chart, "Clusters by size", HEIGHT)


def measures(rows: Rows, *, title: str = "How right it is") -> Any:
    """Return precision, recall and F1 as points, each with its interval.

    Args:
        rows: `over` (of what), `measure`, `value`, `low` and `high`, in [0, 1].
    """
    alt = _altair()
    named = [{**row, "of": f"{row['measure']}, {row['over']}"} for row in records(rows)]
    base = alt.Chart(_data(named)).encode(
        y=alt.Y("of", type="nominal", sort=None, title=None),
        tooltip=[_number(name, ".3f") for name in ("value", "low", "high")],
    )
    x = alt.X("low", type="quantitative", title=None, scale=alt.Scale(zero=False))
    at = alt.X("value", type="quantitative")
    span = base.mark_rule(color=tokens()["accent"], strokeDash=[1, 0], strokeWidth=2)
    text = base.mark_text(dy=-11).encode(x=at, text=_text("value", ".3f"))
    point = base.mark_point(size=70).encode(x=at)
    chart = span.encode(x=x, x2="high") + point + text
    return _finished(chart, title, alt.Step(BAR_STEP))


def threshold_curve(rows: Rows, *, chosen: float) -> Any:
    """Return precision and recall of the scored pairs at every threshold.

    Args:
        rows: `threshold_bits`, `precision`, `recall`, ascending.
        chosen: the threshold of least cost, drawn as a line.
    """
    alt = _altair()
    long = [
        {"threshold": row["threshold_bits"], "share": row[name], "of": name}
        for row in records(rows)
        for name in ("precision", "recall")
    ]
    chart = (
        alt.Chart(_data(long))
        .mark_line()
        .encode(
            x=alt.X("threshold", type="quantitative", title="Threshold, bits"),
            y=alt.Y("share", type="quantitative", title=None).scale(zero=False),
            color=alt.Color("of", type="nominal", title=None),
            tooltip=[_number("threshold", ".1f"), _number("share", ".3f")],
        )
    )
    marked = chart + _threshold(chosen)
    return _finished(marked, "Precision and recall by threshold", HEIGHT)


def moved_weights(rows: Rows) -> Any:
    """Return the levels of two models side by side: before hollow, after filled.

    Args:
        rows: `comparison`, `level`, `before` and `after` in bits, in the model's order.
    """
    alt = _altair()
    named = [
        {**row, "of": f"{row['comparison']}: {row['level']}"} for row in records(rows)
    ]
    base = alt.Chart(_data(named)).encode(
        y=alt.Y("of", type="nominal", sort=None, title=None),
        tooltip=[_number("before", ".1f"), _number("after", ".1f")],
    )
    x = alt.X("before", type="quantitative", title="Match weight, bits")
    line = base.mark_rule(strokeDash=[1, 0], color=tokens()["line-strong"])
    old = base.mark_point(filled=False, size=50).encode(x=x)
    new = base.mark_point(size=50).encode(x=alt.X("after", type="quantitative"))
    chart = line.encode(x=x, x2="after") + old + new
    return _finished(chart, "Match weights, before and after", alt.Step(18))


def trend(
    rows: Rows, x: str = "at", y: str = "people", *, series: str = "", title: str = ""
) -> Any:
    """Return a line over time, or one a `series`; `x` holds instants or dates."""
    alt = _altair()
    chart = (
        alt.Chart(_data(rows))
        .mark_line(point=True)
        .encode(
            x=alt.X(x, type="temporal", title=None),
            y=alt.Y(y, type="quantitative", title=_words(y)),
            tooltip=[alt.Tooltip(x, type="temporal"), _number(y)],
        )
    )
    if series:
        chart = chart.encode(color=alt.Color(series, type="nominal", title=None))
    return _finished(chart, title, HEIGHT)


def curve(
    rows: Rows, x: str, ys: Sequence[str], *, title: str = "", diagonal: bool = False
) -> Any:
    """Return a line of each of `ys` over the number `x`, on one axis.

    Args:
        diagonal: also draw, dashed, where both axes say the same.
    """
    alt = _altair()
    told = records(rows)
    points = [
        {x: row[x], "value": row[y], "measure": _words(y)} for row in told for y in ys
    ]
    color = alt.Color("measure", type="nominal", title=None, sort=None)
    lines = (
        alt.Chart(_data(points))
        .mark_line(point=True)
        .encode(
            x=alt.X(x, type="quantitative", title=_words(x)),
            y=alt.Y("value", type="quantitative", title=None),
            tooltip=[_number(x, ",.3~r"), _number("value", ".3f")],
            **({"color": color} if len(ys) > 1 else {}),
        )
    )
    if not diagonal:
        return _finished(lines, title, HEIGHT)
    values = [row[x] for row in told] or [0, 1]
    ends = [min(values), max(values)]
    same = alt.Chart(alt.Data(values=[{x: end, "value": end} for end in ends]))
    rule = same.mark_line(strokeDash=[4, 4], color=tokens()["ink-faint"]).encode(
        x=alt.X(x, type="quantitative"), y=alt.Y("value", type="quantitative")
    )
    return _finished(rule + lines, title, HEIGHT)


def seconds_by_stage(rows: Rows) -> Any:
    """Return how long each stage took: `stage` and `seconds`, in the order given."""
    return bars(rows, "seconds", "stage", title="Seconds by stage", number_format=".2f")


def show(chart: Any) -> None:
    """Display the chart without network: as Vega-Lite, and as PNG where that is not.

    JupyterLab draws the first, GitHub and exported notebooks show the second.
    """
    import vl_convert
    from IPython.display import display

    spec = {**chart.to_dict(), "$schema": VEGA_LITE_SCHEMA}
    png = vl_convert.vegalite_to_png(
        json.dumps(spec), scale=SCALE, vl_version=VEGA_LITE_VERSION
    )
    bundle = {
        VEGA_LITE_TYPE: spec,
        "image/png": base64.b64encode(png).decode(),
        "text/plain": spec.get("title") or "chart",
    }
    display(bundle, raw=True)  # type: ignore[no-untyped-call]


def records(rows: Rows) -> list[dict[str, Any]]:
    """Return rows of any of the accepted kinds as plain mappings, dates as ISO text.

    >>> records([{"on": date(2026, 6, 30), "people": 3}])
    [{'on': '2026-06-30', 'people': 3}]
    """
    if hasattr(rows, "to_pylist"):
        rows = rows.to_pylist()
    elif hasattr(rows, "to_dict"):
        rows = rows.to_dict("records")
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


@cache
def tokens() -> Mapping[str, str]:
    """Return the pages' design tokens of the light theme, by name without `--dmp-`."""
    text = (files("dmp.ui.widgets") / "tokens.css").read_text(encoding="utf-8")
    light = text.partition("@media")[0]
    found = re.findall(r"--dmp-([a-z-]+):\s*([^;]+);", light)
    return {name: " ".join(value.split()) for name, value in found}


def theme() -> dict[str, Any]:
    """Return the Vega-Lite configuration that every chart carries."""
    token = tokens()
    return {
        "font": token["font"].replace('"', "'"),
        "background": token["surface"],
        "padding": 16,
        "axis": _axis(token),
        "axisX": {"grid": False},
        "bar": {"color": token["accent"], "cornerRadiusEnd": 3},
        "rect": {"color": token["accent"]},
        "line": {"color": token["accent"], "strokeWidth": 2},
        "point": {"color": token["accent"], "size": 28, "filled": True},
        "rule": {"color": token["loss"], "strokeDash": [4, 4]},
        "text": {"color": token["ink"], "fontSize": 12},
        "title": {
            "color": token["ink"],
            "anchor": "start",
            "fontSize": 15,
            "offset": 12,
        },
        "view": {"stroke": None},
        "range": {"category": _categories(token)},
    }


def _axis(token: Mapping[str, str]) -> dict[str, Any]:
    return {
        "domainColor": token["line-strong"],
        "gridColor": token["line"],
        "labelColor": token["ink-soft"],
        "labelLimit": 260,
        "ticks": False,
        "labelPadding": 6,
        "titleColor": token["ink-faint"],
        "titleFontWeight": 500,
    }


def _order(rows: Rows, name: str) -> list[str]:
    """Return the values of a column in the order in which they first stand."""
    return list(dict.fromkeys(str(row[name]) for row in records(rows)))


def _categories(token: Mapping[str, str]) -> Sequence[str]:
    return [token[name] for name in ("accent", "loss", "focus", "warn", "ink-faint")]


def _altair() -> Any:
    import altair

    return altair


def _data(rows: Rows) -> Any:
    return _altair().Data(values=records(rows))


def _finished(chart: Any, title: str, height: Any) -> Any:
    sized = chart.properties(width=WIDTH, height=height)
    titled = sized.properties(title=title) if title else sized
    return titled.configure(**theme())


def _powers_of_ten(rows: Sequence[Mapping[str, Any]], name: str) -> Any:
    alt = _altair()
    top = max([row[name] for row in rows], default=1)
    ticks = [0, *(10**power for power in range(len(str(int(top)))))]
    axis, scale = alt.Axis(values=ticks), alt.Scale(type="symlog")
    title = _words(name)
    return alt.Y(name, type="quantitative", title=title, axis=axis, scale=scale)


def _threshold(bits: float) -> Any:
    alt = _altair()
    data = alt.Data(values=[{"threshold": bits}])
    return alt.Chart(data).mark_rule().encode(x=alt.X("threshold", type="quantitative"))


def _number(name: str, number_format: str = ",d") -> alt.Tooltip:
    return _altair().Tooltip(name, type="quantitative", format=number_format)  # type: ignore[no-any-return]


def _text(name: str, number_format: str) -> alt.Text:
    return _altair().Text(name, type="quantitative", format=number_format)  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
