from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dmp.core.sql import row
from dmp.storage.instants import not_before
from dmp.storage.lake import Lake
from dmp.storage.write import append, commit

NOW = datetime(2026, 6, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
LOADED, REFUSED = "ops.load.loaded_at", "raw.refused.refused_at"


def test_an_instant_is_never_before_one_that_the_lake_holds(lake: Lake) -> None:
    assert not_before(lake, NOW, LOADED, REFUSED) == NOW
    writes = [
        append("ops.load", row(load_id="a", loaded_at=NOW)),
        append("raw.refused", row(load_id="a", refused_at=NOW + HOUR)),
    ]
    commit(lake, writes, message="a load")
    assert not_before(lake, NOW, LOADED) == NOW
    assert not_before(lake, NOW + HOUR, LOADED) == NOW + HOUR
    earlier = not_before(lake, NOW - HOUR, LOADED)
    assert NOW < earlier < NOW + HOUR
    assert not_before(lake, NOW, LOADED, REFUSED) > NOW + HOUR
