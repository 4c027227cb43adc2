"""One small set, made once for all tests of the generator."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from dmp.ingest.synthetic import GenerationReport, generate

ENCODINGS = {"a.csv": "utf-8-sig", "b.csv": "cp1252"}


@dataclass(frozen=True)
class Made:
    """A generated set and how to read it."""

    out: Path
    report: GenerationReport

    def files(self, source: str) -> list[Path]:
        return sorted((self.out / source).iterdir())

    def truth(self, name: str) -> list[dict[str, Any]]:
        return pq.read_table(self.out / f"truth/{name}.parquet").to_pylist()

    def rows(self, source: str) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
        """Yield file, line as the truth counts it, and row."""
        for path in self.files(source):
            first = 2 if path.suffix == ".csv" else 1
            for line, row in enumerate(read_rows(path), start=first):
                yield f"{source}/{path.name}", line, row


def read_rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    encoding = ENCODINGS.get(path.name[-5:], "utf-8")
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    out = tmp_path_factory.mktemp("synthetic")
    return Made(out, generate(out, people=900, seed=3, chunk_people=300))
