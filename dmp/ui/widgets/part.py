"""The base of the page's own widgets: content in, messages out."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

Message = dict[str, Any]


@cache
def _text(name: str) -> str:
    return (files("dmp.ui.widgets") / name).read_text(encoding="utf-8")


def script(name: str) -> str:
    """Return the widget's ES module: the shared part and `<name>.js`."""
    return _text("base.js") + _text(f"{name}.js")


def style(name: str = "") -> str:
    """Return the tokens, the shared rules and `<name>.css`."""
    own = _text(f"{name}.css") if name else ""
    return _text("tokens.css") + _text("base.css") + own


class Part(anywidget.AnyWidget):
    """A widget that draws `content` and reports what the viewer did.

    `content` is a mapping with a `state`: loading, ready, empty, refused or failed.
    """

    content = traitlets.Dict({"state": "loading"}).tag(sync=True)

    def on_message(self, kind: str, act: Callable[[Message], None]) -> None:
        """Call `act` with every message of this kind that the browser sends."""

        def receive(_: Any, message: Message, __: Any) -> None:
            if message.get("kind") == kind:
                act(message)

        self.on_msg(receive)


class Card(Part):
    """A part in a card, with a heading and a line under it."""

    title = traitlets.Unicode("").tag(sync=True)
    caption = traitlets.Unicode("").tag(sync=True)
