"""Binding values: right for any of them, and pandas stays away until it is wanted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dmp.storage.lake import Lake

SCRIPT = """
import sys
from pathlib import Path
from dmp.storage.lake import Lake

with Lake(Path(sys.argv[1])) as lake:
    assert lake.value("select $a || $b", a="x", b="y") == "xy"
    assert lake.sql("select $a as n", a=1).fetchall() == [(1,)]
    assert "pandas" not in sys.modules
    many = list(range(30_000))
    assert lake.value("select list_sum($many)", many=many) == sum(many)
    frame = lake.sql("select $a::timestamp as t", a=None).df()
    import pandas
    assert frame["t"][0] is pandas.NaT
    assert lake.value("select $a is null", a=pandas.NaT)
"""


def test_values_are_bound_without_pandas(lake: Lake, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(lake.root)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
