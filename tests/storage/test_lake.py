from __future__ import annotations

import shutil
import stat
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dmp.core.errors import QueryFailed, StorageError
from dmp.core.sql import Name, Query, sql
from dmp.storage.extensions import connect_with_extensions, extension_file
from dmp.storage.lake import Lake
from dmp.storage.write import append, change, commit

SECRET = "ada.lovelace@example.org"


@pytest.mark.parametrize(
    "name",
    ["plain", "two words", 'say "x"', "select", 'a"; drop table core.thing; --', "ö.é"],
)
def test_any_name_is_one_name(things: Lake, name: str) -> None:
    table = Name("core", name)
    create = sql("create table {t} ({c} varchar)", t=table, c=Name(name))
    insert = sql("insert into {t} values ($v)", t=table, v=name)
    commit(things, [change("core", create), change("core", insert)], message="named")
    assert things.rows(sql("select {c} from {t}", t=table, c=Name(name))) == [(name,)]
    assert things.exists(f"core.{name}")
    assert things.exists("core.thing")


FAILING: dict[str, tuple[str, Any]] = {
    "conversion": ("select $value::bigint", SECRET),
    "format": ("select strptime($value, '%Y')", SECRET),
    "json": ("select json_extract($value, '$.a')", "{" + SECRET),
    "pattern": ("select regexp_matches('a', $value)", "(" + SECRET),
    "raised": ("select error($value)", SECRET),
    "date": ("select $value::date", SECRET),
    "enum": ("select $value::enum('a')", SECRET),
}


@pytest.mark.parametrize(("text", "value"), FAILING.values(), ids=FAILING.keys())
def test_errors_keep_the_statement_and_never_a_value(
    things: Lake, text: str, value: Any
) -> None:
    with pytest.raises(QueryFailed) as failed:
        things.rows(text, value=value)
    assert failed.value.statement == text and text not in str(failed.value)
    shown = "".join(traceback.format_exception(failed.value))
    assert SECRET not in shown


def test_errors_say_what_is_wrong_with_a_statement(things: Lake) -> None:
    with pytest.raises(QueryFailed, match="Table with name absent does not exist"):
        things.sql("select * from core.absent")
    with pytest.raises(QueryFailed, match=r"parameters: since"):
        things.rows("select $since")


def test_scratch_tables_are_not_in_the_lake(things: Lake, tmp_path: Path) -> None:
    before = things.snapshot()
    name = things.stage("scratch", "select $n as n", n=1)
    assert things.rows(sql("select n from {t}", t=name)) == [(1,)]
    with things.scratch_catalog() as connection:
        connection.execute("create table made_by_a_library as select 1 as one")
    assert things.snapshot() == before
    with Lake(tmp_path / "lake") as other:
        assert not other.exists("main.scratch")
        assert not other.exists("main.made_by_a_library")
        with pytest.raises(QueryFailed):
            other.rows("select * from scratch")


def test_staging_again_replaces(things: Lake) -> None:
    things.stage("scratch", "select 1 as n")
    things.stage("scratch", Query("select $n as n", {"n": 2}))
    assert things.value("select n from scratch") == 2


def test_a_reader_sees_what_is_committed_and_cannot_write(
    things: Lake, tmp_path: Path
) -> None:
    commit(things, [append("core.thing", Query("select 1 as id"))], message="one")
    with Lake(tmp_path / "lake", read_only=True) as reader:
        assert reader.value("select count(*) from core.thing") == 1
        commit(things, [append("core.thing", Query("select 2 as id"))], message="two")
        assert reader.value("select count(*) from core.thing") == 2
        with pytest.raises(QueryFailed, match="read-only"):
            reader.execute("insert into core.thing by name select 3 as id")


def test_reading_an_absent_lake_makes_none(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        Lake(tmp_path / "absent", read_only=True)
    assert not (tmp_path / "absent").exists()


def test_folders_are_for_their_owner_alone(things: Lake) -> None:
    for folder in (things.root, things.root / "files"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_half_made_catalog_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "new-catalog.sqlite").write_bytes(b"left by a process that died")
    with Lake(tmp_path) as lake:
        assert lake.snapshot() == 0
    assert [file.name for file in tmp_path.glob("*catalog*")] == ["catalog.sqlite"]


def test_defined_functions_are_pure_columns(things: Lake) -> None:
    for _ in range(2):
        things.define("shout", str.upper, ["varchar"], "varchar")
    assert things.rows("select shout(w) from (values ('a'), (null)) v (w)") == [
        ("A",),
        (None,),
    ]


def test_the_lake_opens_again_after_closing(things: Lake) -> None:
    things.close()
    assert things.value("select count(*) from core.thing") == 0


def test_times_are_utc(things: Lake) -> None:
    assert things.value("select timestamptz '2026-06-30 12:00:00+02' :: varchar") == (
        "2026-06-30 10:00:00+00"
    )


def test_extensions_load_without_network_or_home(tmp_path: Path) -> None:
    """In a process whose home is empty and whose network is dead."""
    program = (
        "import pathlib, sys\n"
        "from dmp.storage.lake import Lake\n"
        "print(Lake(pathlib.Path(sys.argv[1])).snapshot())\n"
    )
    closed = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "lake")],
        env={"HOME": str(tmp_path / "home"), "PATH": "", **closed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout.strip()) == (0, "0"), run.stderr
    assert not (tmp_path / "home").exists()


def test_an_altered_extension_is_refused_once_its_forerunner_was_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        name: shutil.copy(str(extension_file(name)), tmp_path)
        for name in ("sqlite_scanner", "ducklake")
    }
    monkeypatch.setattr(
        "dmp.storage.extensions.extension_file", lambda name: Path(files[name])
    )
    connect_with_extensions().close()
    altered = Path(files["ducklake"])
    altered.unlink()
    shutil.copy(str(extension_file("ducklake")), altered)
    with altered.open("r+b") as file:
        file.seek(4096)
        file.write(b"altered")
    with pytest.raises(duckdb.IOException, match="signature"):
        connect_with_extensions()


def test_nothing_unsigned_is_loaded_into_an_open_database() -> None:
    with connect_with_extensions() as connection:
        assert connection.execute(
            "select current_setting('allow_unsigned_extensions')"
        ).fetchone() == (False,)
        with pytest.raises(duckdb.Error, match="Cannot change"):
            connection.execute("set allow_unsigned_extensions = true")
