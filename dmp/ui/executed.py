"""An executed notebook as plain values: text and pictures, never markup."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_TEXT = 20_000
PICTURE = "image/png"
MARKER = "papermill-error-cell-tag"


@dataclass(frozen=True)
class ExecutedCell:
    """One cell of an executed notebook.

    Attributes:
        kind: markdown or code.
        output: what it printed and returned, as text.
        error: the error it stopped at; empty otherwise.
        pictures: PNGs in base64.
    """

    kind: str
    source: str
    output: str = ""
    error: str = ""
    pictures: tuple[str, ...] = ()


def executed_cells(path: Path) -> list[ExecutedCell]:
    """Return the cells of an executed copy; HTML in it is left out for its text.

    Empty cells are left out, and the markers that papermill puts around a failed one.
    """
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [
        _cell(cell)
        for cell in notebook["cells"]
        if "".join(cell["source"]).strip()
        and MARKER not in cell.get("metadata", {}).get("tags", ())
    ]


def _cell(cell: dict[str, Any]) -> ExecutedCell:
    outputs = cell.get("outputs", [])
    texts = [_text_of(one) for one in outputs if one["output_type"] != "error"]
    errors = [
        f"{one.get('ename', 'Error')}: {one.get('evalue', '')}"
        for one in outputs
        if one["output_type"] == "error"
    ]
    data = [one.get("data", {}) for one in outputs]
    return ExecutedCell(
        cell["cell_type"],
        "".join(cell["source"]),
        "\n".join(text for text in texts if text)[:MOST_TEXT],
        "\n".join(errors)[:MOST_TEXT],
        tuple(str(one[PICTURE]) for one in data if PICTURE in one),
    )


def _text_of(output: dict[str, Any]) -> str:
    given = output.get("text") or output.get("data", {}).get("text/plain", "")
    return "".join(given).rstrip()
