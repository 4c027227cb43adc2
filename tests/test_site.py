"""The documentation site: built strictly, complete, loading nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parent.parent
LOADED = re.compile(
    r"<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//[^>]*>"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make site` does; any warning fails it."""
    folder = tmp_path_factory.mktemp("site")
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=REPOSITORY,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return folder


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = [*site.rglob("*.html")]
    assert len(pages) > 25
    loading = {
        page.name: found
        for page in pages
        if (found := LOADED.findall(page.read_text("utf-8")))
    }
    assert loading == {}
    styles = "".join(path.read_text("utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"@import|url\([\"']?(?:https?:)?//", styles) == []


def test_every_page_is_in_the_navigation(site: Path) -> None:
    docs, start = REPOSITORY / "docs", (site / "index.html").read_text("utf-8")
    for path in docs.rglob("*.md"):
        page = path.relative_to(docs).with_suffix(".html")
        if path.name == "README.md":
            page = page.with_name("index.html")
        assert f'href="{page.as_posix()}"' in start, page
        assert (site / page).is_file()


def test_what_is_looked_up_can_be_searched_for(site: Path) -> None:
    index = (site / "search" / "search_index.json").read_text("utf-8")
    for word in ("ops.quality_result", "dmp schedule run", "must link", "withdrawal"):
        assert word in index, word


def test_the_site_has_its_four_kinds_of_page() -> None:
    document = yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text("utf-8"))
    kinds = {next(iter(part)) for part in document["nav"]}
    assert {"Tutorial", "How-to guides", "Reference", "Explanation"} <= kinds
