"""Give pages that `nav` of mkdocs.yml does not name a place, by their folder.

So a new guide or decision needs no line there; the named ones keep their order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

SECTIONS = {
    "tutorial": "Tutorial",
    "guides": "How-to guides",
    "adr": "Decisions",
    "explanation": "Explanation",
}
OTHERS = "Reference"


def on_config(config: Any) -> Any:
    """Add the pages that are written but not named, at the end of their section."""
    docs = Path(config.docs_dir)
    named = set(_pages(config.nav))
    sections = {name: pages for one in config.nav for name, pages in one.items()}
    for path in sorted(docs.rglob("*.md")):
        place = path.relative_to(docs)
        if place.as_posix() not in named:
            section = sections[SECTIONS.get(place.parts[0], OTHERS)]
            section.append({_title(path): place.as_posix()})
    return config


def _pages(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    parts = nav.values() if isinstance(nav, dict) else nav
    return [page for part in parts for page in _pages(part)]


def _title(path: Path) -> str:
    """Return the first heading, without the number of a decision."""
    lines = path.read_text("utf-8").splitlines()
    heading = next((line[2:] for line in lines if line.startswith("# ")), path.stem)
    return heading.partition(" · ")[2] or heading
