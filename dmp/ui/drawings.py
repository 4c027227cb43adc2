"""What each chart is given to draw, from the source's values; pure functions.

Numbers become text here, so the browser never holds one that the viewer may not see.
A drawing is a mapping with `state` ready; nothing to draw gives an empty one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dmp.core.cells import Cells
from dmp.ui.numbers import (
    amount,
    counted,
    drawn_count,
    percent,
    shown_count,
    shown_share,
)
from dmp.ui.source import (
    ConditionCount,
    Funnel,
    FunnelStep,
    Intersection,
    Reach,
    Share,
    Table,
    TrendPoint,
)

Content = dict[str, Any]

PAGE_ROWS = 10
NOTABLE_RATIO = 1.15
MOST_COMBINATIONS = 15
DASH = "\N{EN DASH}"


def funnel(steps: Funnel, *, cells: Cells) -> Content:
    """Return the funnel's bars with the losses between them."""
    known = [s.people for s in steps.steps if s.people is not None]
    if not known:
        return {}
    top = max(drawn_count(known[0], cells=cells), 1)
    rows = [_step(step, known[0], top, cells=cells) for step in steps.steps]
    return {"state": "ready", "steps": rows}


def conditions(
    found: Sequence[ConditionCount], *, everyone: int, cells: Cells
) -> Content:
    """Return one bar a condition, against everyone."""
    top = max([drawn_count(everyone, cells=cells), 1])
    if not found:
        return {}
    return {
        "state": "ready",
        "columns": ["Condition", "People"],
        "rows": [
            {
                "label": item.sentence,
                "hint": item.path,
                "bar": min(drawn_count(item.people, cells=cells) / top, 1.0),
                "text": shown_count(item.people, cells=cells),
                "cells": [item.sentence, shown_count(item.people, cells=cells)],
            }
            for item in found
        ],
    }


def makeup(found: Sequence[Share], *, attribute: str, cells: Cells) -> Content:
    """Return one pair of bars a value: the segment's share beside everyone's."""
    columns = [words(attribute), "People", "In the segment", "Everyone", "Ratio"]
    rows = [_share_row(item, cells=cells) for item in found]
    if not rows:
        return {}
    top = max(max(row["bar"], row["reference"]) for row in rows) or 1.0
    for row in rows:
        row["bar"], row["reference"] = row["bar"] / top, row["reference"] / top
    return {"state": "ready", "columns": columns, "rows": rows, "compared": True}


def trend(points: Sequence[TrendPoint], *, cells: Cells) -> Content:
    """Return the sizes over time; fewer than two points are no trend."""
    if len(points) < 2:
        return {}
    return {
        "state": "ready",
        "points": [
            {
                "at": point.at.isoformat(),
                "people": drawn_count(point.people, cells=cells),
                "text": shown_count(point.people, cells=cells),
            }
            for point in points
        ],
    }


def overlap(
    found: Sequence[Intersection], names: Sequence[str], *, cells: Cells
) -> Content:
    """Return one bar for each combination of segments, the largest first."""
    if not found:
        return {}
    top = max(drawn_count(one.people, cells=cells) for one in found)
    return {
        "state": "ready",
        "rows": [
            {
                "inside": list(one.inside),
                "bar": drawn_count(one.people, cells=cells) / max(top, 1),
                "text": shown_count(one.people, cells=cells),
                "label": " and ".join(
                    name for name, is_in in zip(names, one.inside, strict=True) if is_in
                ),
            }
            for one in found[:MOST_COMBINATIONS]
        ],
        "more": max(0, len(found) - MOST_COMBINATIONS),
    }


def reach(found: Sequence[Reach], *, members: int, cells: Cells) -> Content:
    """Return one bar a destination, against all members."""
    if not found:
        return {}
    top = max(drawn_count(members, cells=cells), 1)
    rows = []
    for one in found:
        people = one.people or 0
        text = one.note if one.people is None else shown_count(people, cells=cells)
        length = 0.0 if one.people is None else drawn_count(people, cells=cells) / top
        rows.append(
            {
                "label": words(one.destination),
                "hint": one.note,
                "bar": min(length, 1.0),
                "text": DASH if one.people is None else text,
                "cells": [words(one.destination), text],
            }
        )
    return {"state": "ready", "columns": ["Destination", "People"], "rows": rows}


def examples(table: Table, *, page: int) -> Content:
    """Return one page of the example rows."""
    if not table.rows and not table.note:
        return {}
    first = page * PAGE_ROWS
    rows = table.rows[first : first + PAGE_ROWS]
    return {
        "state": "ready",
        "columns": [words(column) for column in table.columns],
        "rows": [[shown_cell(cell) for cell in row] for row in rows],
        "numeric": [_numeric(table, index) for index in range(len(table.columns))],
        "note": table.note,
        "page": page,
        "pages": max(1, -(-len(table.rows) // PAGE_ROWS)),
        "first": first + 1,
        "total": len(table.rows),
    }


def words(name: str) -> str:
    """Return a column or attribute name as people write it.

    >>> words("last_order_value")
    'Last order value'
    """
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def shown_cell(value: Any) -> str:
    """Return a cell of a table as text."""
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return counted(value) if isinstance(value, int) else amount(value)
    return shown_instant(value) if isinstance(value, datetime) else str(value)


def shown_instant(at: datetime) -> str:
    """Return an instant as text that the browser shows in its own locale and zone."""
    return at.isoformat()


def _step(step: FunnelStep, members: int, top: int, *, cells: Cells) -> Content:
    if step.people is None:
        return {"label": step.label, "people": None}
    return {
        "label": step.label,
        "people": shown_count(step.people, cells=cells),
        "share": shown_share(step.people / max(members, 1), step.people, cells=cells),
        "bar": _length(step.people, top, cells=cells),
        "lost": shown_count(sum(n for _, n in step.losses), cells=cells),
        "losses": [
            [reason, shown_count(people, cells=cells)]
            for reason, people in step.losses
            if people
        ],
    }


def _length(people: int, top: int, *, cells: Cells) -> float | None:
    if cells.shown(people) is None:
        return None
    return min(drawn_count(people, cells=cells) / top, 1.0)


def _share_row(item: Share, *, cells: Cells) -> Content:
    digits = 3 if cells.exact else 2
    mine, all_of_them = round(item.share, digits), round(item.share_of_everyone, digits)
    share = shown_share(item.share, item.people, cells=cells)
    everyone = percent(all_of_them, tenths=cells.exact)
    ratio = mine / all_of_them if share and all_of_them else None
    return {
        "label": item.value,
        "bar": mine if share else 0.0,
        "reference": all_of_them,
        "text": share or "hidden",
        "against": everyone,
        "ratio": f"{ratio:.1f}\N{MULTIPLICATION SIGN}" if ratio is not None else DASH,
        "over": ratio is not None and ratio >= NOTABLE_RATIO,
        "cells": [
            item.value,
            shown_count(item.people, cells=cells),
            share or "hidden",
            everyone,
            f"{ratio:.2f}" if ratio is not None else DASH,
        ],
    }


def _numeric(table: Table, index: int) -> bool:
    cells = [row[index] for row in table.rows if row[index] is not None]
    return bool(cells) and all(
        isinstance(cell, int | float) and not isinstance(cell, bool) for cell in cells
    )
