"""A rule that is not saved yet: its id, its copy, its place in an address."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

from dmp.core.errors import Fault
from dmp.ui import rule_edits as edits
from dmp.ui.rule_edits import Document, Place

MOST_PACKED, MOST_UNPACKED = 20_000, 200_000


def unchosen(document: Document) -> list[Fault]:
    """Return a fault for each name that is still empty, where the language allows it.

    An event may have an empty name in a file; on a page it is one not chosen yet.
    """
    return list(_unchosen(document.get("rule"), ("rule",)))


def _unchosen(value: Any, place: Place) -> Any:
    if isinstance(value, dict):
        if value.get("event") == "":
            yield Fault(edits.path_text((*place, "event")), "is empty", "an event")
        for key, part in value.items():
            yield from _unchosen(part, (*place, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _unchosen(part, (*place, index))


def id_of(name: str) -> str:
    """Return the id that a name suggests.

    >>> id_of("Looked at pricing, 2026!")
    'looked_at_pricing_2026'
    """
    text = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return re.sub(r"^[0-9_]+", "", text)[:60]


def duplicate(document: Document, taken: Mapping[str, str]) -> Document:
    """Return a copy under a free id, with a name that says so."""
    number = 2
    while f"{document['segment']}_{number}" in taken:
        number += 1
    name = f"{document.get('name') or document['segment']} ({number})"
    return {**document, "segment": f"{document['segment']}_{number}", "name": name}


def packed(document: Document) -> str:
    """Return a document as text for an address."""
    plain = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(zlib.compress(plain.encode(), 9)).decode()


def unpacked(text: str) -> Document | None:
    """Return the document of an address; None where it holds none."""
    if len(text) > MOST_PACKED:
        return None
    try:
        machine = zlib.decompressobj()
        plain = machine.decompress(base64.urlsafe_b64decode(text), MOST_UNPACKED)
        document = json.loads(plain)
    except (ValueError, zlib.error, RecursionError):
        return None
    sound = isinstance(document, dict) and isinstance(document.get("rule"), dict)
    return document if sound else None
