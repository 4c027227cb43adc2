"""Text files made readable: UTF-8, one kind of line end, and really text."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from dmp.core.errors import UsageError
from dmp.ingest.field_names import shown_file

MAX_LINE_BYTES = 64 << 20
_USUAL_LINE_BYTES = 8 << 20
_CHUNK_BYTES = 1 << 20
_BINARY = {
    b"\x1f\x8b": "compressed by gzip; unpack it first",
    b"BZh": "compressed by bzip2; unpack it first",
    b"\xfd7zXZ": "compressed by xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; unpack it first",
    b"PK\x03\x04": "a zip archive or a workbook; unpack it, or save the sheet as CSV",
    b"PAR1": "a Parquet file; write format: parquet in the contract",
    b"SQLite format 3": "a SQLite database; export its rows as CSV",
    codecs.BOM_UTF16_LE: "in UTF-16; save it as UTF-8",
    codecs.BOM_UTF16_BE: "in UTF-16; save it as UTF-8",
}
"""How files begin that are not text in an encoding that is read here."""

_WINDOWS_1252 = "".join(
    bytes([byte]).decode("cp1252", errors="ignore") or chr(byte) for byte in range(256)
)
"""A character for every byte, so that none is lost.

Source: WHATWG Encoding, index windows-1252: five bytes stand for control characters.
"""


@dataclass(frozen=True)
class Text:
    """A file of text, looked at from begin to end.

    Attributes:
        is_plain: whether it is UTF-8 and its lines end in one way.
        n_lines: a last one without a break is one too.
        longest: how many bytes the reader has to be ready for in one line: few, mostly.
            Its buffers are as large as that, several a thread.
    """

    path: Path
    is_plain: bool
    n_lines: int
    longest: int


def readable(path: Path, encoding: str, scratch: Path, *, quotes: bool) -> Text:
    """Return the file, or a copy of it in UTF-8 whose lines all end alike.

    `auto` takes each line as UTF-8 or else as Windows-1252.

    Args:
        quotes: whether line breaks inside quotes end no line.

    Raises:
        UsageError: the file is no text, or not in the encoding that is declared.
    """
    check_text(path)
    if encoding != "cp1252":
        text = look_at(path, quotes=quotes)
        if text.is_plain:
            return text
    copy = scratch / "utf8"
    with path.open("rb") as source, copy.open("w", encoding="utf-8", newline="") as out:
        for number, line in enumerate(source, start=1):
            decoded = _decoded(line, encoding)
            if decoded is None:
                raise UsageError(
                    f"{shown_file(path)} line {number}: not UTF-8, which the contract "
                    "declares; mend the file, or write connector.encoding: auto"
                )
            out.write(decoded[:-2] + "\n" if decoded.endswith("\r\n") else decoded)
    return look_at(copy, quotes=quotes)


def look_at(path: Path, *, quotes: bool) -> Text:
    """Read a file through, once for all that its reader has to know.

    Args:
        quotes: whether line breaks inside quotes end no line.
    """
    utf8 = _Utf8()
    longest, is_quoted, last = _USUAL_LINE_BYTES, False, b""
    breaks = returns = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            utf8.take(chunk)
            breaks += chunk.count(b"\n")
            returns += _returns(last, chunk)
            if len(chunk) == _CHUNK_BYTES and not (
                _ends_a_line(chunk, is_quoted) if quotes else b"\n" in chunk
            ):
                longest = MAX_LINE_BYTES
            is_quoted ^= quotes and chunk.count(b'"') % 2 == 1
            last = chunk[-1:]
    is_plain = utf8.is_whole() and returns in (0, breaks)
    return Text(path, is_plain, breaks + (last not in (b"", b"\n")), longest)


class _Utf8:
    """Tells whether bytes are UTF-8, chunk by chunk."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._is_valid = True

    def take(self, chunk: bytes) -> None:
        """Look at the next chunk; one of ASCII need not be decoded."""
        if self._is_valid and (self._decoder.getstate()[0] or not chunk.isascii()):
            self._decode(chunk)

    def is_whole(self) -> bool:
        """Say whether all was UTF-8, and nothing of a character is missing."""
        self._decode(b"", final=True)
        return self._is_valid

    def _decode(self, chunk: bytes, *, final: bool = False) -> None:
        try:
            self._decoder.decode(chunk, final=final)
        except UnicodeDecodeError:
            self._is_valid = False


def _returns(last: bytes, chunk: bytes) -> int:
    """Return how many breaks of a chunk have a carriage return before them."""
    across = last == b"\r" and chunk.startswith(b"\n")
    return across + (chunk.count(b"\r\n") if b"\r" in chunk else 0)


def why_unreadable(path: Path, longest: int) -> str:
    """Return where a text file breaks what its reader can take, or what to look at."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if len(line) > longest:
                return f"line {number} is longer than {longest >> 20} MiB"
            if b"\r" in line.rstrip(b"\r\n") and b'"' not in line:
                return (
                    f"line {number} holds a carriage return that ends no line; take "
                    "it out, or put its cell into quotes"
                )
    return "is it whole, and are format and delimiter of the contract right?"


def _ends_a_line(chunk: bytes, is_quoted: bool) -> bool:
    """Say whether a line ends in a chunk that begins inside quotes or outside."""
    begin = 0
    while (end := chunk.find(b"\n", begin)) >= 0:
        is_quoted ^= chunk.count(b'"', begin, end) % 2 == 1
        if not is_quoted:
            return True
        begin = end + 1
    return False


def check_text(path: Path) -> None:
    """Refuse a file that is no text in an encoding that is read here.

    Raises:
        UsageError: says what it is, and what to do with it.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    found = next((what for sign, what in _BINARY.items() if head.startswith(sign)), "")
    if not found and head.count(0) * 10 > len(head):
        found = "no text: a tenth of its first bytes are zero; save it as UTF-8"
    if found:
        raise UsageError(f"{shown_file(path)} is {found}")


def _decoded(line: bytes, encoding: str) -> str | None:
    """Return a line as text; None where it is not in the declared encoding."""
    if encoding != "cp1252":
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            if encoding == "utf-8":
                return None
    return codecs.charmap_decode(line, "strict", _WINDOWS_1252)[0]
