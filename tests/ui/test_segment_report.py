"""The report to mail: complete, offline, and without a count that is too small."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace

import pytest
from fake_source import EVERYONE, LOYAL, PRICING, SEGMENTS, TINY, FakeSource

from dmp.core.errors import UnknownName
from dmp.flows.shapes import Share, TrendPoint
from dmp.ui.segment_report import (
    Cells,
    makeup_of,
    segment_report_html,
    trend_points,
)

CELLS = Cells(50)
SUMMARY = replace(SEGMENTS[0], members=1000, people=10_000)


def html(
    segment: str = PRICING, *attributes: str, source: FakeSource | None = None
) -> str:
    return segment_report_html(
        source or FakeSource(), segment, attributes=attributes, cells=CELLS
    )


def shares(*people: int) -> list[Share]:
    return [Share(f"v{n}", n, n / 1000, 0.1) for n in people]


def told(*people: int) -> tuple[list[str], int]:
    made = makeup_of("a", shares(*people), SUMMARY, CELLS)
    return [bar.label for bar in made.bars], made.left_out


@pytest.mark.parametrize(
    ("people", "shown", "left_out"),
    [
        ((700, 300), ["v700", "v300"], 0),
        ((700, 250, 30, 20), ["v700", "v250"], 2),
        ((700, 280, 20), ["v700"], 2),  # 20 alone could be told from the rest
        ((980, 20), [], 2),
        ((30, 20), [], 2),
        ((), [], 0),
    ],
    ids=str,
)
def test_what_is_rare_is_left_out_and_cannot_be_told_from_the_rest(
    people: Sequence[int], shown: list[str], left_out: int
) -> None:
    assert told(*people) == (shown, left_out)


def test_a_share_is_one_of_rounded_counts() -> None:
    (bar,) = makeup_of("a", [Share("x", 344, 0.344, 0.0004)], SUMMARY, CELLS).bars
    assert (bar.length, bar.text) == (0.34, "34%")
    assert (bar.against, bar.against_text) == (None, "hidden")  # 4 of 10,000


def test_a_small_size_has_no_place_on_the_line() -> None:
    sizes = [TrendPoint(SUMMARY.as_of, people) for people in (100, 49, 200)]
    points = trend_points(sizes, CELLS)
    assert [(point.text, point.y) for point in points] == [
        ("100", 80.0),
        ("< 50", None),
        ("200", 0.0),
    ]
    assert trend_points(sizes[:1], CELLS) == []


def test_no_count_of_the_source_is_in_the_file_unless_it_is_round() -> None:
    source, text = FakeSource(), html()
    exact = [step.people for step in source.funnel(PRICING).steps]
    exact += [one.people for one in source.conditions(PRICING)]
    exact += [point.people for point in source.trend(PRICING)]
    exact += [EVERYONE]
    odd = {f"{people:,}" for people in exact if people and people % 10}
    assert odd
    assert {people for people in odd if re.search(rf"\b{people}\b", text)} == set()
    assert "8,410" in text  # 8,412 members


def test_a_small_segment_tells_that_it_is_small() -> None:
    text = html(TINY)
    assert "&lt; 50" in text
    assert not re.search(
        r'class="bar"[^>]*width="(?!2\.0)\d', text.split("Each cond")[0]
    )


def test_every_drawing_has_words_and_a_table() -> None:
    text = html()
    drawings = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(drawings) >= 4
    for drawing in drawings:
        tree = ET.fromstring(drawing)
        title = tree.find("title")
        assert tree.get("role") == "img"
        assert title is not None and title.get("id") == tree.get("aria-labelledby")
        assert len(title.text or "") > 20
    assert text.count("<table>") == len(drawings)
    assert text.count('-t">') == len(set(re.findall(r'id="([\w-]+-t)"', text)))


def test_it_loads_nothing_and_runs_nothing() -> None:
    text = html(LOYAL)
    assert re.findall(r"\b(?:src|href)=|url\(", text) == []
    assert "<script" not in text
    assert "http" not in text.replace('http-equiv="Content-Security-Policy"', "")
    assert "default-src 'none'" in text


def test_words_of_people_run_nothing() -> None:
    hostile = "</title><script>alert(1)</script>"
    segments = [replace(SEGMENTS[0], name=hostile, sentence=hostile, owner=hostile)]
    text = html(source=FakeSource(segments=segments))
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 3


def test_an_attribute_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownName, match="did you mean"):
        html(PRICING, FakeSource().attributes()[0] + "s")
