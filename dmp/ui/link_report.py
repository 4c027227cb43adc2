"""The report of a linkage: one offline HTML file without a value of any record."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dmp.core.result_file import whole_text
from dmp.identity.link import Linked
from dmp.identity.link.model import ComparisonModel
from dmp.ui.offline_report import filled

_WIDEST_BITS = 24.0
_TALLEST = 100.0


def write_report(linked: Linked, path: Path) -> None:
    """Write what was found and every choice behind it, in words and pictures.

    Raises:
        UsageError: the file cannot be written.
    """
    whole_text(path, report_html(linked))


def report_html(linked: Linked) -> str:
    """Return the report; it loads nothing and holds no value of any record."""
    is_column = [c.place.startswith("columns") for c in linked.model.choices]
    choices = list(zip(linked.model.choices, is_column, strict=True))
    return filled(
        "link_report.html",
        column_choices=[choice for choice, of_column in choices if of_column],
        other_choices=[choice for choice, of_column in choices if not of_column],
        linked=linked,
        model=linked.model,
        comparisons=[
            (name, comparison.kind.replace("_", " "), _levels(comparison))
            for name, comparison in (linked.model.comparisons or {}).items()
        ],
        weights=_columns(linked.estimates.weights),
        sizes=_columns(linked.estimates.sizes),
    )


def _levels(comparison: ComparisonModel) -> list[dict[str, object]]:
    """Return the levels with their bits, and the bar of each from the middle."""
    found = []
    for level in comparison.levels:
        match, chance = (level.probability[c] for c in ("same", "random"))
        bits = float(np.log2(max(match, 1e-12) / max(chance, 1e-12))) + level.add_bits
        share = min(abs(bits) / _WIDEST_BITS, 1.0) * 50
        found.append(
            {
                "means": level.means,
                "bits": bits,
                "left": 50 - share if bits < 0 else 50,
                "width": share,
                "match": match,
                "chance": chance,
            }
        )
    return found


def _columns(counted: tuple[tuple[int, int], ...]) -> list[tuple[int, int, float]]:
    """Return (place, count, height in percent); heights grow with the logarithm."""
    most = max((np.log10(count + 1) for _, count in counted), default=1.0)
    return [
        (place, count, float(_TALLEST * np.log10(count + 1) / most))
        for place, count in counted
    ]
