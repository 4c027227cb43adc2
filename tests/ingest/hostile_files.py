"""Hostile and broken files, each with what becomes of it: one row a case.

A file is loaded right, or rows of it are refused (line, field, reason), or it is
refused as a whole (`error`, a pattern).
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Refused = tuple[int, str, str]


@dataclass(frozen=True)
class Case:
    """One file: its rows have `id`, `name` (text), `n` (number) and `day` (date).

    Attributes:
        names: the names of the rows accepted, sorted.
        unchanged: rows accepted that repeat another row of the file.
    """

    format: str
    what: str
    content: bytes | Callable[[], bytes]
    names: tuple[str | None, ...] = ()
    refused: tuple[Refused, ...] = ()
    error: str = ""
    unchanged: int = 0

    def bytes(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else self.content()


def csv(*rows: bytes, header: bytes = b"id,name,n,day", end: bytes = b"\n") -> bytes:
    return end.join((header, *rows)) + end


def row(
    id_: int, name: bytes = b"a", n: bytes = b"1", day: bytes = b"2020-01-01"
) -> Any:
    return b",".join((str(id_).encode(), name, n, day))


def obj(id_: int = 1, **more: Any) -> bytes:
    plain = {"id": id_, "name": "a", "n": 1, "day": "2020-01-01"}
    return json.dumps({**plain, **more}).encode() + b"\n"


def parquet(**columns: Any) -> bytes:
    plain = {"id": ["1"], "name": ["a"], "n": ["1"], "day": ["2020-01-01"]}
    file = io.BytesIO()
    pq.write_table(pa.table({**plain, **columns}), file)
    return file.getvalue()


A = row(1)
MANY = b",".join(b"c%d" % i for i in range(1000))
NOT_OBJECT = "not a JSON object"
TWICE = "a key stands twice in one object"
NUMBER, DATE = "not readable as number", "not readable as date"
LONG = b"x" * (65 << 20)

CSV = [
    ("empty", b"", {"error": "input is empty: not even a header line"}),
    ("only a mark", b"\xef\xbb\xbf", {"error": "is empty"}),
    ("blank lines alone", b"\n\n", {"error": "has a blank first line"}),
    ("header alone, torn", b"id,name,n,day", {}),
    ("mark", b"\xef\xbb\xbf" + csv(A), {"names": ("a",)}),
    ("UTF-16", csv(A).decode().encode("utf-16"), {"error": "UTF-16; save it as UTF-8"}),
    ("UTF-16, no mark", csv(A).decode().encode("utf-16-be"), {"error": "is no text"}),
    ("bytes of no letter", csv(row(1, b"a\x81b")), {"names": ("a\x81b",)}),
    ("half a surrogate", csv(row(1, b"\xed\xa0\x80")), {"names": ("í\xa0€",)}),
    (
        "encodings mixed",
        csv(row(1, "Zoë".encode()), row(2, "Noël".encode("cp1252"))),
        {"names": ("Noël", "Zoë")},
    ),
    (
        "torn last line",
        csv(A) + b"2,b",
        {"names": ("a",), "refused": ((3, "", "missing columns"),)},
    ),
    (
        "torn in quotes",
        csv(A) + b'2,"b',
        {"names": ("a",), "refused": ((3, "", "unquoted value"),)},
    ),
    (
        "torn in the last cell",
        csv(A) + row(2, day=b"2020-"),
        {"names": ("a",), "refused": ((3, "day", DATE),)},
    ),
    (
        "quote never closed",
        csv(b'1,"a,1,2020-01-01', row(2)),
        {"refused": ((2, "", "unquoted value"),)},
    ),
    (
        "bad last row",
        csv(A, row(2, n=b"x"))[:-1],
        {"names": ("a",), "refused": ((3, "n", NUMBER),)},
    ),
    ("line break in quotes", csv(row(1, b'"a\nb"')), {"names": ("a\nb",)}),
    (
        "line break in a name",
        csv(
            b"1,a,x,1,2020-01-01", b"2,b,x,q,2020-01-01", header=b'id,name,"x\ny",n,day'
        ),
        {"names": ("a",), "refused": ((4, "n", NUMBER),)},
    ),
    ("a million characters", csv(row(1, b"x" * 10**6)), {"names": ("x" * 10**6,)}),
    (
        "65 MiB",
        lambda: csv(row(1, LONG), A),
        {"names": ("a",), "refused": ((2, "", "line size over maximum"),)},
    ),
    (
        "a name without end",
        b'id,name,n,day,"' + b"x" * 200_000 + b"\n",
        {"error": "has a header that cannot be read .* is a quote left open"},
    ),
    (
        "a thousand columns",
        csv(A + b",v" * 1000, header=b"id,name,n,day," + MANY),
        {"names": ("a",)},
    ),
    (
        "a thousand cells too many",
        csv(A, row(2) + b",v" * 1000),
        {"names": ("a",), "refused": ((3, "", "too many columns"),)},
    ),
    (
        "a column twice",
        csv(A + b",b", header=b"id,name,n,day,name"),
        {"names": ("a",)},
    ),
    (
        "columns called as ours",
        csv(
            A + b",1,2,3,4,5,6,7",
            header=b"id,name,n,day,line,ordinal,breaks,body,v,faults,subject_key",
        ),
        {"names": ("a",)},
    ),
    ("zero bytes alone", b"\0" * 999, {"error": "is no text"}),
    ("zero byte in a cell", csv(row(1, b"a\0b")), {"names": ("a\0b",)}),
    (
        "zero byte in a name",
        csv(A, header=b"id,na\0me,n,day"),
        {"error": "has a header with a zero byte"},
    ),
    (
        "numbers that are none",
        csv(*(row(i, n=n) for i, n in enumerate((b"nan", b"inf", b"1e999", b"0x1")))),
        {"refused": tuple((line, "n", NUMBER) for line in (2, 3, 4, 5))},
    ),
    (
        "dates that are none",
        csv(
            *(
                row(i, day=day)
                for i, day in enumerate(
                    (b"2020-02-30", b"9999-12-31", b"0000-00-00", b"epoch", b"infinity")
                )
            )
        ),
        {"refused": tuple((line, "day", DATE) for line in (2, 3, 4, 5, 6))},
    ),
    ("formula", csv(row(1, b"=cmd|' /C calc'!A0")), {"names": ("=cmd|' /C calc'!A0",)}),
    ("carriage returns", csv(A, row(2, b"b"), end=b"\r"), {"names": ("a", "b")}),
    (
        "a carriage return inside",
        csv(row(1, b"a\rb"), A),
        {"error": "line 2 holds a carriage return that ends no line"},
    ),
    ("tabs", csv(A).replace(b",", b"\t"), {"error": "is not separated by"}),
    ("gzip", gzip.compress(csv(A)), {"error": "compressed by gzip; unpack it first"}),
    ("zip", b"PK\x03\x04rest", {"error": "a zip archive or a workbook"}),
    ("Parquet", parquet(), {"error": "write format: parquet in the contract"}),
    ("JSON", obj(), {"error": "no such column"}),
]

JSON = [
    ("empty", b"", {}),
    ("mark", b"\xef\xbb\xbf" + obj(), {"names": ("a",)}),
    ("UTF-16", obj().decode().encode("utf-16"), {"error": "UTF-16; save it as UTF-8"}),
    ("Windows-1252", '{"id": 1, "name": "Zoë"}'.encode("cp1252"), {"names": ("Zoë",)}),
    ("line ends mixed", obj() + obj(2, name="b")[:-1] + b"\r\n", {"names": ("a", "b")}),
    (
        "torn last line",
        obj() + b'{"id":2,"na',
        {"names": ("a",), "refused": ((2, "", NOT_OBJECT),)},
    ),
    (
        "bad last row",
        obj() + obj(2, n="x")[:-1],
        {"names": ("a",), "refused": ((2, "n", NUMBER),)},
    ),
    (
        "100,000 lists in one another",
        b'{"id":1,"x":' + b"[" * 10**5 + b"]" * 10**5 + b"}\n" + obj(2),
        {"names": ("a",), "refused": ((1, "", "nested too deeply"),)},
    ),
    (
        "objects in one another",
        b'{"id":1,"name":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}\n" + obj(2),
        {"names": ("a",), "refused": ((1, "", "nested too deeply"),)},
    ),
    ("wide, not deep", obj(x=[[1]] * 2000), {"names": ("a",)}),
    ("brackets in a text", obj(name="[" * 2000), {"names": ("[" * 2000,)}),
    (
        "a key twice",
        b'{"id":1,"id":2,"name":"a"}\n' + obj(3),
        {"names": ("a",), "refused": ((1, "", TWICE),)},
    ),
    (
        "zero byte",
        b'{"id":1,"name":"a\0"}\n' + obj(2),
        {"names": ("a",), "refused": ((1, "", NOT_OBJECT),)},
    ),
    ("zero byte, escaped", b'{"id":1,"name":"a\\u0000b"}', {"names": ("a\0b",)}),
    (
        "half a surrogate",
        b'{"id":1,"name":"\\ud800"}',
        {"refused": ((1, "", NOT_OBJECT),)},
    ),
    (
        "numbers that are none",
        b'{"id":1,"n":NaN}\n{"id":2,"n":-Infinity}\n{"id":3,"n":"NaN"}\n{"id":4,"n":1e999}',
        {"refused": tuple((line, "n", NUMBER) for line in (1, 2, 3, 4))},
    ),
    (
        "10,000 digits",
        b'{"id":1,"n":' + b"9" * 10_000 + b"}",
        {"refused": ((1, "n", NUMBER),)},
    ),
    (
        "dates that are none",
        obj(day="2020-02-30") + obj(day="9999-01-01") + obj(day=20200101),
        {"refused": tuple((line, "day", DATE) for line in (1, 2, 3))},
    ),
    ("a million characters", obj(name="x" * 10**6), {"names": ("x" * 10**6,)}),
    (
        "65 MiB",
        lambda: b'{"id":1,"x":"' + LONG + b'"}\n',
        {"error": "line 1 is longer than 64 MiB"},
    ),
    ("a thousand keys", obj(**{f"k{i}": i for i in range(1000)}), {"names": ("a",)}),
    (
        "a key with quotes",
        b'{"id":1,"name":"a","na\\"me":1,"a.b[0]":{"$":1}}',
        {"names": ("a",)},
    ),
    ("one list", b"[" + obj()[:-1] + b"]", {"refused": ((1, "", NOT_OBJECT),)}),
    (
        "written over lines",
        json.dumps({"id": 1}, indent=1).encode(),
        {"refused": tuple((line, "", NOT_OBJECT) for line in (1, 2, 3))},
    ),
    ("two in a line", obj()[:-1] + obj(2), {"refused": ((1, "", NOT_OBJECT),)}),
    (
        "values alone",
        b'null\n1\n"x"\ntrue\n' + obj(),
        {
            "names": ("a",),
            "refused": tuple((line, "", NOT_OBJECT) for line in (1, 2, 3, 4)),
        },
    ),
    (
        "no subject",
        b'{"id":null}\n{"id":" "}\n{}',
        {"refused": tuple((line, "subject", "missing") for line in (1, 2, 3))},
    ),
    ("CSV", csv(A), {"refused": ((1, "", NOT_OBJECT), (2, "", NOT_OBJECT))}),
    ("gzip", gzip.compress(obj()), {"error": "compressed by gzip; unpack it first"}),
    ("Parquet", parquet(), {"error": "write format: parquet in the contract"}),
]

BROKEN = {"error": "cannot be read as parquet: is it a whole Parquet file"}
PARQUET = [
    ("empty", b"", BROKEN),
    ("marks alone", b"PAR1PAR1", BROKEN),
    ("torn", parquet()[:-20], BROKEN),
    ("without its beginning", parquet()[20:], BROKEN),
    ("a footer of rubbish", parquet()[:-60] + b"\xff" * 52 + parquet()[-8:], BROKEN),
    ("CSV", csv(A), BROKEN),
    ("no rows", parquet(**dict.fromkeys(("id", "name", "n", "day"), pa.nulls(0))), {}),
    ("not a number", parquet(n=[float("nan")]), {"refused": ((1, "n", NUMBER),)}),
    ("infinite", parquet(n=[float("inf")]), {"refused": ((1, "n", NUMBER),)}),
    (
        "a day out of range",
        parquet(day=pa.array([2**31 - 2], pa.date32())),
        {"refused": ((1, "day", DATE),)},
    ),
    ("typed", parquet(n=[Decimal("1.5")], day=[date(2020, 1, 1)]), {"names": ("a",)}),
    ("nulls", parquet(n=pa.nulls(1)), {"names": ("a",)}),
    ("bytes", parquet(name=[b"\xff"]), {"names": ("\\xFF",)}),
    ("zero byte", parquet(name=["a\0b"]), {"names": ("a\0b",)}),
    ("nested", parquet(name=[{"a": [1]}]), {"names": ("{'a': [1]}",)}),
    (
        "columns called as ours",
        parquet(line=["5"], file_row_number=[9], body=[1]),
        {"names": ("a",)},
    ),
    ("names that differ by case", parquet(NAME=["b"]), {"names": ("a",)}),
    ("a million characters", parquet(name=["x" * 10**6]), {"names": ("x" * 10**6,)}),
    (
        "a thousand columns",
        parquet(**{f"c{i}": [i] for i in range(1000)}),
        {"names": ("a",)},
    ),
]

CASES = [
    Case(format_, what, content, **outcome)
    for format_, table in (("csv", CSV), ("jsonl", JSON), ("parquet", PARQUET))
    for what, content, outcome in table
]
