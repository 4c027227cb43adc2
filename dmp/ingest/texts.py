"""Text files made readable: UTF-8, one kind of line end, and really text."""

from __future__ import annotations

import codecs
from pathlib import Path

from dmp.core.errors import UsageError
from dmp.ingest.field_names import shown_file

_CHUNK_BYTES = 1 << 20
_USUAL_LINE_BYTES = 8 << 20
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


def readable(path: Path, encoding: str, scratch: Path) -> Path:
    """Return the file, or a copy of it in UTF-8 whose lines all end alike.

    `auto` takes each line as UTF-8 or else as Windows-1252.

    Raises:
        UsageError: the file is no text, or not in the encoding that is declared.
    """
    check_text(path)
    if encoding != "cp1252" and _is_plain(path):
        return path
    copy = scratch / "utf8"
    with path.open("rb") as source, copy.open("w", encoding="utf-8", newline="") as out:
        for number, line in enumerate(source, start=1):
            text = _decoded(line, encoding)
            if text is None:
                raise UsageError(
                    f"{shown_file(path)} line {number}: not UTF-8, which the contract "
                    "declares; mend the file, or write connector.encoding: auto"
                )
            out.write(text[:-2] + "\n" if text.endswith("\r\n") else text)
    return copy


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


def line_limit(file: Path, longest: int, *, quotes: bool) -> int:
    """Return how many bytes the reader has to be ready for in one line: few, mostly.

    Its buffers are as large as that, several a thread.

    Args:
        longest: what is returned where lines may be longer than 2 MiB.
        quotes: whether line breaks inside quotes end no line.
    """
    is_quoted = False
    with file.open("rb") as text:
        while chunk := text.read(_CHUNK_BYTES):
            if len(chunk) == _CHUNK_BYTES and not (
                _ends_a_line(chunk, is_quoted) if quotes else b"\n" in chunk
            ):
                return longest
            is_quoted ^= quotes and chunk.count(b'"') % 2 == 1
    return _USUAL_LINE_BYTES


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


def _is_plain(path: Path) -> bool:
    """Say whether a file is UTF-8 and its lines end in one way."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    breaks = returns = 0
    last = b""
    with path.open("rb") as file:
        try:
            while chunk := file.read(_CHUNK_BYTES):
                decoder.decode(chunk)
                breaks += chunk.count(b"\n")
                returns += (last + chunk).count(b"\r\n")
                last = chunk[-1:]
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return returns in (0, breaks)


def _decoded(line: bytes, encoding: str) -> str | None:
    """Return a line as text; None where it is not in the declared encoding."""
    if encoding != "cp1252":
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            if encoding == "utf-8":
                return None
    return codecs.charmap_decode(line, "strict", _WINDOWS_1252)[0]
