from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dmp.ingest.synthetic import generate

SAMPLE = Path(__file__).parents[3] / "data" / "sample"
MOST_BYTES = 5_000_000


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """The sample anew: the command that made it."""
    out = tmp_path_factory.mktemp("sample")
    generate(out, people=1000, seed=1, events_per_person=6)
    return out


def paths(folder: Path) -> list[Path]:
    return sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())


def test_the_committed_sample_is_what_generate_gives(fresh):
    assert paths(SAMPLE) == paths(fresh)
    for path in paths(fresh):
        if path.suffix == ".parquet":
            ours, theirs = (pq.read_table(root / path) for root in (SAMPLE, fresh))
            assert ours.equals(theirs), path
        elif path.name != "manifest.json":
            assert (SAMPLE / path).read_bytes() == (fresh / path).read_bytes(), path


def test_the_sample_is_small(fresh):
    assert sum((SAMPLE / path).stat().st_size for path in paths(SAMPLE)) <= MOST_BYTES
