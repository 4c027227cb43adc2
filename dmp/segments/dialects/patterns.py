"""Regular expressions that mean the same in RE2, Java, ICU and Postgres.

Only the part that all of them read alike is taken: letters, classes, `. ^ $`, groups,
alternatives, and repetitions. Where a pattern matches is never asked, only whether, so
greed and the order of alternatives do not matter.
"""

from __future__ import annotations

import re

from dmp.segments.dialects.rewriting import NotPortable

_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": "\\t\\n\\f\\r "}
_CONTROLS = {"t": "\\t", "n": "\\n", "f": "\\f", "r": "\\r"}
_SPECIAL = set(".^$|()[]{}*+?\\")
_TOKEN = re.compile(
    r"\\(?P<escape>.)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<group>\(\?:|\(\?|[()])"
    r"|(?P<times>\{\d+(?:,\d*)?\}|[*+?]\??)|(?P<one>.)",
    re.DOTALL,
)


def portable_pattern(pattern: str, *, end: str) -> str:
    r"""Return the pattern in the words that engines share.

    Args:
        end: how the engine says the very end of a text: `\z` in Java, `$` in Postgres.

    Raises:
        NotPortable: it uses more.

    >>> portable_pattern(r"^a.\d+$", end=r"\z")
    '^a[^\\n][0-9]+\\z'
    """
    return "".join(_said(found, end) for found in _TOKEN.finditer(pattern))


def _said(found: re.Match[str], end: str) -> str:
    if found["escape"]:
        return _escaped(found["escape"])
    if found["set"]:
        return _set(found["set"])
    if found["group"]:
        if found["group"] == "(?":
            raise NotPortable("the pattern uses flags or names of groups")
        return "(?:" if found["group"] == "(" else found["group"]
    if found["times"]:
        return _times(found["times"])
    one = found["one"]
    if one in "{}[]":
        raise NotPortable(f"the pattern has a bare {one}; write \\{one}")
    return {".": r"[^\n]", "$": end}.get(one, one)


def _times(written: str) -> str:
    numbers = [int(n) for n in re.findall(r"\d+", written)]
    if any(n > 255 for n in numbers):
        raise NotPortable("the pattern repeats more than 255 times")
    return written if written.startswith("{") else written[0]


def _escaped(letter: str) -> str:
    if letter in _CLASSES:
        return f"[{_CLASSES[letter]}]"
    if letter in ("D", "W", "S"):
        return f"[^{_CLASSES[letter.lower()]}]"
    if letter in _CONTROLS:
        return _CONTROLS[letter]
    if letter.isalnum():
        raise NotPortable(f"the pattern uses \\{letter}")
    return f"\\{letter}" if letter in _SPECIAL else letter


def _set(written: str) -> str:
    negated = written.startswith("[^")
    inner = written[2 if negated else 1 : -1]
    if not inner or inner.startswith("]") or "[" in inner or "&&" in inner:
        raise NotPortable("the pattern has a set that engines read differently")
    return f"[{'^' * negated}{''.join(_members(inner))}]"


def _members(inner: str) -> list[str]:
    found = []
    for part in re.finditer(r"\\(.)|(.)", inner, re.DOTALL):
        letter = part[1]
        if letter is None:
            found.append(r"\^" if part[2] == "^" else part[2])
        elif letter in _CLASSES:
            found.append(_CLASSES[letter])
        elif letter in _CONTROLS:
            found.append(_CONTROLS[letter])
        elif letter.isalnum():
            raise NotPortable(f"the pattern uses \\{letter} in a set")
        else:
            found.append(f"\\{letter}")
    return found
