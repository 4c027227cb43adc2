from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from dmp.ingest.infer import Inferred, infer
from dmp.storage.lake import Lake

Infer = Callable[..., Inferred]


@pytest.fixture(scope="module")
def look_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake for looking at files; nothing is ever written to it."""
    with Lake(tmp_path_factory.mktemp("look") / "lake") as lake:
        yield lake


@pytest.fixture
def infer_text(look_lake: Lake, tmp_path: Path) -> Infer:
    """Infer the contract of contents: `infer_text(b"...", name="orders.csv")`."""

    def call(*contents: str | bytes, name: str = "people.csv") -> Inferred:
        files = []
        for number, content in enumerate(contents):
            path = tmp_path / f"{number}-{name}"
            data = content if isinstance(content, bytes) else content.encode()
            path.write_bytes(data)
            files.append(path)
        scratch = Path(mkdtemp(dir=tmp_path))
        return infer(
            look_lake,
            files,
            name="things",
            landing="",
            scratch=scratch,
            taken={},
            rows=None,
        )

    return call
