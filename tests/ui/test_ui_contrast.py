from __future__ import annotations

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).parents[2] / "dmp" / "ui" / "widgets" / "tokens.css"
TEXT, SHAPE = 4.5, 3.0

PAIRS = [
    ("ink", "canvas", TEXT),
    ("ink-soft", "canvas", TEXT),
    ("ink-faint", "canvas", TEXT),
    ("ink-faint", "surface", TEXT),
    ("ink-faint", "sunken", TEXT),
    ("accent-strong", "accent-soft", TEXT),
    ("ink-soft", "accent-soft", TEXT),
    ("on-accent", "accent", TEXT),
    ("loss", "surface", TEXT),
    ("surface", "loss", TEXT),
    ("ink", "loss-soft", TEXT),
    ("warn", "warn-soft", TEXT),
    ("ink-soft", "warn-soft", TEXT),
    ("accent", "surface", SHAPE),
    ("reference", "surface", SHAPE),
    ("control", "surface", SHAPE),
    ("focus", "surface", SHAPE),
    ("focus", "canvas", SHAPE),
]


def colours(scheme: str) -> dict[str, str]:
    light, dark = TOKENS.read_text().split("@media", 1)
    text = light if scheme == "light" else dark
    return dict(re.findall(r"--dmp-([a-z-]+):\s*(#[0-9a-f]{6});", text))


def luminance(colour: str) -> float:
    """Return the relative luminance; source: WCAG 2.2, section 1.4.3."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_contrast(scheme: str, front: str, back: str, least: float) -> None:
    token = colours(scheme)
    low, high = sorted((luminance(token[front]), luminance(token[back])))
    assert (high + 0.05) / (low + 0.05) >= least
