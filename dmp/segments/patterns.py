"""Regular expressions as RE2 takes them: what it lacks, and where its letters are."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from itertools import groupby

_TOKEN = re.compile(
    r"\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\[pP].|\\x..|\\."
    r"|\(\?P?<\w+>|\(\?P?[^:)]*[:)]?|\[\[?:?\^?\]?|.",
    re.DOTALL,
)
_LACKING = {
    r"\\[1-9]": "back references do not exist in RE2",
    r"\(\?<?[=!]": "look-around does not exist in RE2",
    r"\(\?>": "atomic groups do not exist in RE2",
    r"\(\?P=": "back references do not exist in RE2",
    r"\(\?#": "comments do not exist in RE2",
}
_MINE = (
    (r"\\[pP](\{\^?\w+\}|\w)", "a"),
    (r"\\x\{[0-9a-fA-F]+\}", "a"),
    (r"\[:\^?\w+:\]", "a"),
    (r"\\Q.*?(\\E|$)", "a"),
    (r"\\[zCa]", "a"),
    (r"\(\?<(\w+)>", r"(?P<\1>"),
    (r"\(\?([imsU]*)(-[imsU]+)?\)", ""),
    (r"\(\?([imsU]*)(-[imsU]+)?:", "(?:"),
)


def pattern_fault(pattern: str) -> str:
    """Return what is wrong with a pattern, or nothing.

    RE2 itself has the last word: `dmp.segments.files.validate` asks DuckDB too.
    """
    bare = re.sub(r"\\\\", "", pattern)
    for lacking, wrong in _LACKING.items():
        if re.search(lacking, bare):
            return wrong
    for theirs, mine in _MINE:
        pattern = re.sub(rf"(?<!\\)((?:\\\\)*){theirs}", _kept(mine), pattern)
    try:
        with warnings.catch_warnings(action="ignore"):
            re.compile(pattern)
    except re.error as error:
        return f"is no regular expression ({error.msg})"
    except (RecursionError, OverflowError):
        return "is nested or repeated past what can be read"
    return ""


def _kept(mine: str) -> Callable[[re.Match[str]], str]:
    def replace(found: re.Match[str]) -> str:
        name = found[2] if r"\1" in mine else ""
        return str(found[1]) + mine.replace(r"\1", name or "")

    return replace


def pieces(pattern: str) -> Iterator[tuple[str, bool]]:
    r"""Yield the parts of a pattern and whether each holds letters to compare.

    Escapes, classes and flags hold none: lower case would change what they mean.

    >>> list(pieces(r"AB\D"))
    [('AB', True), ('\\D', False)]
    """
    tokens = _TOKEN.findall(pattern)
    for fixed, group in groupby(tokens, lambda t: t.startswith(("\\", "(?"))):
        yield "".join(group), not fixed
