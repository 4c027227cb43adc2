"""What fuzzing begins with: right inputs of each parser, and the words of them."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_CONFIG = Path(__file__).parent.parent / "config"
_TEXTS = (
    "Jo, jo@mail.example, +44 20 7946 0018, 4111 1111 1111 1111 on 2026-05-01",
    "call 07700900123 07700900124, or 07700900125",
    "GB82 WEST 1234 5698 7654 32 from 10.0.0.1 or 2001:db8::1; jo%40mail.example",
)
_CELLS = (
    "2026-05-01T09:30:00+02:00",
    "31.12.2026 23:59",
    "-12.5e3",
    "jo@mail.example",
    "+44 20 7946 0018",
    "https://shop.example/a/b?c=1#d",
    "SW1A 1AA",
    "yes",
    "1767260379459",
    "a" * 64,
)
_HEAD = '{"size":1,"root":"00","at":"2026-01-01","signature":"AAAA"}'
_RECORD = '{"seq":0,"previous":"' + "0" * 64 + '","action":"x"}'


def seeds(parser: str) -> list[bytes]:
    """Return right inputs of a parser."""
    by_parser = {
        "contract": _files("sources"),
        "rule": _files("segments"),
        "detected": [text.encode() for text in _TEXTS],
        "readings": [cell.encode() for cell in _CELLS],
        "phones": [b"+44 20 7946 0018", b"(212) 555-0123 ext. 4", b"030/1234567"],
        "csv_rows": [
            b'cell,"two\nlines"\r\n1,"a ""b"""\r\n\r\n2,c\r\n',
            "cell,name\n1,Zo\u00eb\n2,a,b\n3\n".encode("cp1252"),
        ],
        "json_rows": [
            b'{"cell": "a", "b": {"c": [1, null, "\\u00e9"]}}\n{"cell": NaN}\n\n[1]\n',
            b'{"cell": 1, "cell": 2}\r\n{"torn": tr',
        ],
        "parquet_rows": [_parquet()],
        "keys": [b"A" * 43 + b"=\n"],
        "audit_lines": [f"{_RECORD}\n".encode() + b"\xff" + f"{_HEAD}\n".encode()],
    }
    return by_parser[parser]


def dictionary() -> str:
    """Return words in the form that libFuzzer reads."""
    words = {
        word for text in (*_TEXTS, *_CELLS, _HEAD, _RECORD) for word in text.split()
    }
    for folder in ("sources", "segments"):
        words |= {w for text in _files(folder) for w in text.decode().split()}
    plain = sorted(word for word in words if word.isascii() and len(word) < 40)
    escaped = (w.replace("\\", "\\\\").replace('"', '\\"') for w in plain)
    return "".join(f'"{word}"\n' for word in escaped)


def _files(folder: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((_CONFIG / folder).glob("*.yaml"))]


def _parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"cell": ["a", None], "n": [1.5, 2.0]}), file)
    return file.getvalue()
