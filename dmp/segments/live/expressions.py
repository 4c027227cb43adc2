r"""Regular expressions of RE2 that Python's `re` takes and means the same by.

Python backtracks where RE2 does not, and differs in corners; so only a subset runs
live: literals, classes, `.`, `^`, `$`, groups and alternatives, and quantifiers on one
character. A group with a quantifier, whose search can take exponential time, is not in
it.
"""

from __future__ import annotations

import re

_CLASS = r"\[\^?\]?(?:[^\]\[\\]|\\[\\\]\[^.*+?(){}|/dDwWnrt-])*\]"
_ATOM = rf"[^\\()\[\]{{}}|*+?.^$]|\.|\\[\\.*+?()\[\]{{}}|^$/dDwW-]|\\[nrt]|{_CLASS}"
_COUNTED = r"\{\d{1,3}(?:,\d{0,3})?\}"
_TOKEN = re.compile(
    rf"(?P<atom>{_ATOM})(?:[*+?]\??|{_COUNTED}\??)?(?![*+?{{])"
    r"|(?P<edge>\^|\$|\\b|\\B)(?![*+?{])"
    r"|(?P<open>\((?:\?:)?)|(?P<close>\))(?![*+?{])|(?P<or>\|)",
    re.DOTALL,
)


def portable(pattern: str) -> re.Pattern[str] | None:
    """Return the same expression for Python, or None where it might not be the same."""
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None:
            return None
        parts.append(r"\Z" if token["edge"] == "$" else token[0])
        at = token.end()
    try:
        return re.compile("".join(parts), re.ASCII)
    except re.error:
        return None
