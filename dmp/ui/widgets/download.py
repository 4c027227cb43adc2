"""Buttons that fetch a file: its bytes go to the browser, to no disk and no URL."""

from __future__ import annotations

from dmp.ui.widgets.part import Part, script, style


class Download(Part):
    """Draws a button a format; the message `fetch` carries the format wanted."""

    _esm = script("download")
    _css = style("download")

    def deliver(self, name: str, content: bytes) -> None:
        """Let the browser save the bytes under this name."""
        self.send({"kind": "file", "name": name}, buffers=[content])
