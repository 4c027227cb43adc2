"""How long a page takes from its address to the first thing that can be done on it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.pages.counts import Wait

READY = {
    "home": ".dmp-home .dmp-figures",
    "segment_explorer": "[data-members]",
    "segment_builder": ".dmp-rule .dmp-add",
    "match_review": ".dmp-review, .dmp-message",
    "jobs": ".dmp-jobs .dmp-hello",
}
COLD_S, PREHEATED_S = 4.0, 2.5
SETTLE_S = 8.0
_SERVE = """
import sys
from pathlib import Path
from dmp.ui.serve import serve
serve(Path(sys.argv[1]), open_browser=False, preheat=int(sys.argv[2]),
      ready=lambda address: print(address, flush=True))
"""


def waits(home: Path, chromium: Path) -> list[Wait]:
    """Open each page twice without a pool, and twice with one; keep the shorter."""
    from playwright.sync_api import sync_playwright

    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium), args=["--headless", "--no-sandbox"]
        )
        for preheat, limit in ((0, COLD_S), (1, PREHEATED_S)):
            kind = "preheated" if preheat else "cold"
            with served(home, preheat) as address:
                time.sleep(SETTLE_S * preheat)
                for page in READY:
                    each = [opened(browser, address, page, preheat) for _ in range(2)]
                    found.append(Wait(f"{page}, {kind}", min(each), limit))
    return found


def opened(browser: Any, address: str, page: str, preheat: int) -> float:
    """Return the seconds to the first interaction, in a browser without a cache."""
    context = browser.new_context()
    tab = context.new_page()
    begun = time.perf_counter()
    tab.goto(address.replace("/?", f"/pages/{page}?"), wait_until="commit")
    tab.wait_for_selector(READY[page], timeout=60_000)
    seconds = time.perf_counter() - begun
    tab.close(run_before_unload=True)
    context.close()
    time.sleep(SETTLE_S * preheat)
    return seconds


@contextmanager
def served(home: Path, preheat: int) -> Iterator[str]:
    """Serve the pages, and yield the address with its token."""
    command = [sys.executable, "-c", _SERVE, str(home), str(preheat)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    try:
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait(60)
