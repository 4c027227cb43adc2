from __future__ import annotations

import sqlite3
import stat
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from dmp.core.errors import KeyMissing, PrivacyError, UnknownName
from dmp.privacy.keys import KeyStore
from dmp.privacy.root_keys import DOMAINS
from dmp.privacy.sealing import key_id
from dmp.privacy.vault_key import VaultKey

IDS = np.array([5, 3, 5, 2**62 - 1], np.int64)


def stored_bytes(keys: KeyStore) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(keys.path.parent.iterdir()))


def test_another_vault_key_is_told_plainly(keys: KeyStore) -> None:
    other = VaultKey(b"x" * 32, "$DMP_VAULT_KEY")
    with pytest.raises(KeyMissing) as caught:
        KeyStore(keys.path, other)
    own = VaultKey(bytes(range(32)), "").id
    for told in (own, other.id, "$DMP_VAULT_KEY", "bring back the former key"):
        assert told in str(caught.value)


def test_the_store_is_private(keys: KeyStore) -> None:
    keys.subject_keys(IDS, create=True)
    for file in keys.path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    assert stat.S_IMODE(keys.path.parent.stat().st_mode) == 0o700


def test_keys_differ_by_domain_and_version_and_last(
    keys: KeyStore, vault_key: VaultKey
) -> None:
    first = {domain: keys.pseudonym_key(domain) for domain in DOMAINS}
    assert len({key.key for key in first.values()}) == len(DOMAINS)
    assert keys.rotate_pseudonyms() == 2
    second = keys.pseudonym_key("subject")
    assert second.version == 2
    assert second.key != first["subject"].key
    with KeyStore(keys.path, vault_key) as again:
        assert again.pseudonym_key("subject", 1) == first["subject"]
        assert again.pseudonym_key("subject") == second


def test_unknown_domains_and_versions_are_refused(keys: KeyStore) -> None:
    with pytest.raises(UnknownName):
        keys.pseudonym_key("analitics")  # type: ignore[arg-type]
    with pytest.raises(KeyMissing, match="version 9"):
        keys.pseudonym_key("subject", 9)


def test_subject_keys_come_in_the_order_asked_and_last(keys: KeyStore) -> None:
    assert keys.subject_keys(IDS, create=False) == [None] * 4
    made = keys.subject_keys(IDS, create=True)
    assert made[0] == made[2]
    assert len({key for key in made if key}) == 3
    assert keys.subject_keys(IDS, create=True) == made
    assert keys.subject_keys(IDS[::-1], create=False) == made[::-1]
    assert keys.subject_keys(IDS[:0], create=True) == []


def test_new_subjects_among_known_ones_get_keys_and_the_known_keep_theirs(
    keys: KeyStore,
) -> None:
    (known,) = keys.subject_keys(np.array([1], np.int64), create=True)
    both = keys.subject_keys(np.array([1, 2], np.int64), create=True)
    assert both[0] == known and both[1] not in (None, known)


def test_more_subjects_than_one_statement_takes(keys: KeyStore) -> None:
    ids = np.arange(60_000, dtype=np.int64)
    made = keys.subject_keys(ids, create=True)
    assert keys.subject_keys(ids[::-1], create=False) == made[::-1]


@pytest.mark.parametrize("step", [1, 2, 7, 500])
def test_few_and_most_of_the_subjects_are_found_alike(
    keys: KeyStore, step: int
) -> None:
    every = keys.subject_keys(np.arange(0, 2000, 2, dtype=np.int64), create=True)
    asked = np.arange(0, 2000, step, dtype=np.int64)
    expected = [every[i // 2] if i % 2 == 0 else None for i in asked.tolist()]
    assert keys.subject_keys(asked, create=False) == expected


def test_destroyed_keys_leave_no_bytes_behind(keys: KeyStore) -> None:
    ids = np.arange(500, dtype=np.int64)
    made = keys.subject_keys(ids, create=True)
    with sqlite3.connect(keys.path) as raw:
        wrapped = [row[0] for row in raw.execute("select wrapped from subject_key")]
    raw.close()
    assert keys.destroy_subject_keys(np.array([7, 8, 9999], np.int64)) == 2
    assert keys.destroy_subject_keys(np.array([7, 8], np.int64)) == 0
    left = keys.subject_keys(ids[6:10], create=False)
    assert left == [made[6], None, None, made[9]]
    assert wrapped[6] in stored_bytes(keys)
    assert wrapped[7] not in stored_bytes(keys)
    assert wrapped[8] not in stored_bytes(keys)


def test_a_destroyed_key_is_remembered_by_its_id_alone(keys: KeyStore) -> None:
    [kept, lost] = keys.subject_keys(np.array([1, 2], np.int64), create=True)
    assert kept
    assert lost
    keys.destroy_subject_keys(np.array([2], np.int64))
    assert keys.was_destroyed(key_id(lost))
    assert not keys.was_destroyed(key_id(kept))
    assert keys.subject_keys(np.array([2], np.int64), create=True) != [lost]


def test_an_open_reader_is_told_and_the_second_run_wipes(
    keys: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.subject_keys(IDS, create=True)
    keys._connection.execute("pragma busy_timeout = 50")
    reader = sqlite3.connect(keys.path, isolation_level=None)
    reader.execute("begin")
    reader.execute("select count(*) from subject_key").fetchall()
    with pytest.raises(PrivacyError, match="run this again"):
        keys.destroy_subject_keys(IDS)
    assert keys.subject_keys(IDS, create=False) == [None] * 4
    reader.close()
    assert keys.destroy_subject_keys(IDS) == 0


def test_a_key_moved_to_another_subject_is_not_taken(keys: KeyStore) -> None:
    keys.subject_keys(np.array([1, 2], np.int64), create=True)
    with sqlite3.connect(keys.path) as raw:
        raw.execute(
            "update subject_key set wrapped = (select wrapped from subject_key "
            "where subject_id = 1) where subject_id = 2"
        )
    raw.close()
    with pytest.raises(PrivacyError, match="tampered with or moved"):
        keys.subject_keys(np.array([2], np.int64), create=False)


def test_day_keys(keys: KeyStore) -> None:
    monday, tuesday = date(2026, 6, 1), date(2026, 6, 2)
    assert keys.day_key("shop", monday, create=False) is None
    made = keys.day_key("shop", monday, create=True)
    assert keys.day_key("shop", monday, create=True) == made
    assert keys.day_key("app", monday, create=True) != made
    later = keys.day_key("shop", tuesday, create=True)
    assert keys.destroy_day_keys(tuesday, source="app") == 1
    assert keys.destroy_day_keys(tuesday) == 1
    assert keys.day_key("shop", monday, create=False) is None
    assert keys.day_key("shop", tuesday, create=False) == later


def made_elsewhere(path: Path) -> list[bytes | None]:
    with KeyStore(path, VaultKey(bytes(range(32)), "the test")) as keys:
        return keys.subject_keys(np.arange(2000, dtype=np.int64), create=True)


def test_processes_make_one_key_a_subject(tmp_path: Path) -> None:
    path = tmp_path / "keys.sqlite"
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        first, *others = pool.map(made_elsewhere, [path] * 3)
    assert all(other == first for other in others)
