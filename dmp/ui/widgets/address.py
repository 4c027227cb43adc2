"""The browser's address: it names the view, and a link opens the same one."""

from __future__ import annotations

from dmp.ui.widgets.part import Part, script, style


class Address(Part):
    """Writes `query` into the address; `visit` carries another one to open.

    `shown` says that the browser has drawn it, and so the page.

    It also carries the styles of a whole page, so a page has exactly one.
    """

    _esm = script("address")
    _css = style("page")
