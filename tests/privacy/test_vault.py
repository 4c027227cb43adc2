from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dmp.core.errors import PrivacyError, UsageError
from dmp.privacy.keys import KeyStore
from dmp.privacy.vault import Vault

BLOB_START = 20


@pytest.fixture
def vault(tmp_path: Path, keys: KeyStore) -> Vault:
    return Vault(tmp_path / "vault" / "blobs", keys)


def people(*rows: tuple[int, str | None, str | None]) -> pa.Table:
    ids, names, emails = zip(*rows, strict=True)
    return pa.table(
        {
            "subject_id": pa.array(ids, pa.int64()),
            "name": pa.array(names, pa.string()),
            "email": pa.array(emails, pa.string()),
        }
    )


def versions(*pairs: tuple[int, str]) -> pa.Table:
    ids, loads = zip(*pairs, strict=True)
    return pa.table({"subject_id": pa.array(ids, pa.int64()), "load_id": list(loads)})


def rows(table: pa.Table) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


def rewrite(vault: Vault, load_id: str, change: Callable[[pa.Table], pa.Table]) -> None:
    path = vault.folder / f"{load_id}.parquet"
    table = pq.read_table(path)
    pq.write_table(change(table).replace_schema_metadata(table.schema.metadata), path)


def test_what_was_written_is_read_in_the_order_asked(vault: Vault) -> None:
    assert vault.write("a", people((9, "Zoë", None), (1, None, "x@example.com"))) == 2
    assert vault.write("b-2", people((1, "", "y@example.com"))) == 1
    asked = versions((9, "a"), (1, "b-2"), (1, "a"))
    assert rows(vault.read(asked, ["email", "name"])) == [
        (9, "a", None, "Zoë"),
        (1, "b-2", "y@example.com", ""),
        (1, "a", "x@example.com", None),
    ]


def test_columns_that_a_load_did_not_have_are_null(vault: Vault) -> None:
    vault.write("a", people((1, "Ann", None)))
    vault.write("bare", people((1, None, None)).select(["subject_id"]))
    asked = versions((1, "a"), (1, "bare"))
    table = vault.read(asked, ["phone", "name"])
    assert rows(table) == [(1, "a", None, "Ann"), (1, "bare", None, None)]
    assert table.schema.field("phone").type == pa.string()
    assert rows(vault.read(asked, [])) == [(1, "a"), (1, "bare")]


def test_nothing_asked_and_nothing_written(vault: Vault) -> None:
    empty = people((1, None, None)).slice(0, 0)
    assert vault.write("empty", empty) == 0
    vault.write("a", people((1, "Ann", None)))
    nobody = vault.read(versions((1, "a")).slice(0, 0), ["name"])
    assert nobody.num_rows == 0
    assert nobody.column_names == ["subject_id", "load_id", "name"]
    assert vault.read(versions((1, "empty"), (2, "a")), ["name"]).num_rows == 0


def test_many_batches(vault: Vault) -> None:
    ids = np.random.default_rng(3).permutation(70_000).astype(np.int64)
    table = pa.table({"subject_id": ids, "name": [f"n{i}" for i in ids.tolist()]})
    vault.write("big", table)
    some = ids[::7]
    loads = pa.repeat(pa.scalar("big"), len(some))
    found = vault.read(pa.table({"subject_id": some, "load_id": loads}), ["name"])
    assert found.column("subject_id").to_pylist() == some.tolist()
    assert found.column("name").to_pylist() == [f"n{i}" for i in some.tolist()]


def test_the_same_load_again_replaces_its_file(vault: Vault) -> None:
    vault.write("a", people((1, "Ann", None), (2, "Bob", None)))
    vault.write("a", people((1, "Anne", None)))
    table = vault.read(versions((1, "a"), (2, "a")), ["name"])
    assert rows(table) == [(1, "a", "Anne")]
    [file] = vault.folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(vault.folder.stat().st_mode) == 0o700


def test_a_failed_write_leaves_what_was_there(vault: Vault, keys: KeyStore) -> None:
    vault.write("a", people((1, "Ann", None)))
    keys.close()
    with pytest.raises(Exception, match="closed"):
        vault.write("a", people((1, "Bob", None)))
    assert [file.name for file in vault.folder.iterdir()] == ["a.parquet"]


def test_no_clear_value_reaches_a_file(vault: Vault, tmp_path: Path) -> None:
    vault.write("a", people((1, "Ann Needle", "needle@example.com")))
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) > 1
    assert not any(b"eedle" in file.read_bytes() for file in files)


def test_subjects_without_a_key_are_left_out(vault: Vault, keys: KeyStore) -> None:
    vault.write("a", people((1, "Ann", None), (2, "Bob", None)))
    keys.destroy_subject_keys(np.array([1], np.int64))
    asked = versions((1, "a"), (2, "a"))
    assert rows(vault.read(asked, ["name"])) == [(2, "a", "Bob")]
    keys.destroy_subject_keys(np.array([2], np.int64))
    assert vault.read(asked, ["name"]).num_rows == 0
    erased = np.array([1, 2], np.int64)
    assert keys.subject_keys(erased, create=False) == [None, None]


def test_a_subject_that_came_back_has_only_its_new_versions(
    vault: Vault, keys: KeyStore
) -> None:
    vault.write("before", people((1, "Ann", None)))
    keys.destroy_subject_keys(np.array([1], np.int64))
    vault.write("after", people((1, "Anna", None)))
    asked = versions((1, "before"), (1, "after"))
    assert rows(vault.read(asked, ["name"])) == [(1, "after", "Anna")]


@pytest.mark.parametrize("place", [0, 7, 8, 19, 20, -17, -1])
def test_a_changed_byte_is_told_without_a_value(vault: Vault, place: int) -> None:
    vault.write("a", people((5, "Ann", "ann@example.com")))

    def flip(table: pa.Table) -> pa.Table:
        blob = bytearray(table.column("blob")[0].as_py())
        blob[place] ^= 1
        return table.set_column(1, table.schema.field(1), [[bytes(blob)]])

    rewrite(vault, "a", flip)
    with pytest.raises(
        PrivacyError, match=r"subject 5 in the vault file a\.parquet"
    ) as e:
        vault.read(versions((5, "a")), ["name"])
    assert "Ann" not in str(e.value)


def swap_subjects(table: pa.Table) -> pa.Table:
    blobs = table.column("blob").to_pylist()[::-1]
    return table.set_column(1, table.schema.field(1), [blobs])


def test_a_blob_moved_to_another_subject_is_refused(vault: Vault) -> None:
    vault.write("a", people((1, "Ann", None), (2, "Bob", None)))
    rewrite(vault, "a", swap_subjects)
    with pytest.raises(PrivacyError, match="tampered"):
        vault.read(versions((1, "a")), ["name"])


def test_a_file_moved_to_another_load_is_refused(vault: Vault) -> None:
    vault.write("a", people((1, "Ann", None)))
    vault.write("b", people((1, "Anne", None)))
    (vault.folder / "a.parquet").replace(vault.folder / "b.parquet")
    with pytest.raises(PrivacyError, match="tampered"):
        vault.read(versions((1, "b")), ["name"])


def test_renamed_columns_are_refused(vault: Vault) -> None:
    vault.write("a", people((1, "Ann", None)))
    path = vault.folder / "a.parquet"
    table = pq.read_table(path)
    names = {b"dmp.columns": b'["email", "name"]'}
    pq.write_table(table.replace_schema_metadata(names), path)
    with pytest.raises(PrivacyError, match="tampered"):
        vault.read(versions((1, "a")), ["name"])


def test_a_lost_file_is_told(vault: Vault) -> None:
    vault.write("a", people((1, "Ann", None)))
    (vault.folder / "a.parquet").unlink()
    with pytest.raises(PrivacyError, match="restore it from a backup"):
        vault.read(versions((1, "a")), ["name"])


@pytest.mark.parametrize("load_id", ["../a", "a/b", "", ".a", "a b", "a\n", "é"])
def test_unsafe_load_ids_are_refused(vault: Vault, load_id: str) -> None:
    with pytest.raises(UsageError, match="load id"):
        vault.write(load_id, people((1, "Ann", None)))


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"name": ["Ann"]}),
        pa.table({"subject_id": pa.array([1], pa.int32())}),
        pa.table({"subject_id": pa.array([1, 1], pa.int64())}),
        pa.table({"subject_id": pa.array([None], pa.int64())}),
        pa.table({"subject_id": pa.array([1], pa.int64()), "age": [3]}),
    ],
    ids=["no-subject", "int32", "twice", "null", "number"],
)
def test_rows_of_another_shape_are_refused(vault: Vault, table: pa.Table) -> None:
    with pytest.raises(UsageError):
        vault.write("a", table)
    assert not vault.folder.exists()
