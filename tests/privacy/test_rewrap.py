from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from rotating import (
    KNOWN,
    key_bytes,
    open_store,
    place_of,
    rotate,
    rotate_and_die,
    write_keys,
)

from dmp.core.errors import KeyMissing, PrivacyError
from dmp.privacy.keys import KeyStore
from dmp.privacy.vault_key import (
    VaultKey,
    create_key_file,
    former_file,
    new_vault_key,
    replace_key_file,
)

pytestmark = pytest.mark.slow

SPAWN = get_context("spawn")
MOMENTS = int(os.environ.get("DMP_FAULT_MOMENTS", "4"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A key store with its key file beside it."""
    create_key_file(tmp_path / "vault.key")
    with open_store(tmp_path) as store:
        store.subject_keys(KNOWN, create=True)
        store.rotate_pseudonyms()
    return tmp_path


def everything(folder: Path) -> list[object]:
    with open_store(folder) as store:
        roots = [store.pseudonym_key("analytics", version) for version in (1, 2)]
        return [*roots, *store.subject_keys(KNOWN, create=False)]


def wrapped(folder: Path) -> dict[int, bytes]:
    with sqlite3.connect(folder / "keys.sqlite") as raw:
        rows = raw.execute("select subject_id, wrapped from subject_key").fetchall()
    raw.close()
    return dict(rows)


def test_every_key_stays_and_every_wrapping_changes(folder: Path) -> None:
    before, wraps = everything(folder), wrapped(folder)
    former = VaultKey(key_bytes(folder), "")
    newest = rotate(folder)
    assert everything(folder) == before
    after = wrapped(folder)
    assert after.keys() == wraps.keys()
    assert not [i for i in wraps if wraps[i] == after[i]]
    assert VaultKey(key_bytes(folder), "").id == newest != former.id
    kept = former_file(folder / "vault.key", former.id)
    assert place_of(kept).load() == VaultKey(former.secret, f"the key file {kept}")
    with pytest.raises(KeyMissing, match="rotated meanwhile"):
        KeyStore(folder / "keys.sqlite", former)
    stored = b"".join(f.read_bytes() for f in folder.glob("keys.sqlite*"))
    assert wraps[0] not in stored


def test_a_second_rotation_follows_the_first(folder: Path) -> None:
    before = everything(folder)
    assert rotate(folder) != rotate(folder)
    assert everything(folder) == before
    assert len([*folder.glob("vault.key.*")]) == 2


def test_processes_go_on_under_a_rotation(folder: Path) -> None:
    before = everything(folder)
    with ProcessPoolExecutor(3, mp_context=SPAWN) as pool:
        until = time.time() + 5
        writers = [pool.submit(write_keys, folder, n, until) for n in (1, 2)]
        rotated = [pool.submit(rotate, folder).result() for _ in range(2)]
        made = [subject for writer in writers for subject in writer.result()]
    assert len(set(rotated)) == 2
    assert everything(folder) == before
    with open_store(folder) as store:
        assert store.rewrapping().succession is None
        assert None not in store.subject_keys(np.array(made), create=False)


def test_an_idle_process_finds_the_new_key(folder: Path) -> None:
    with open_store(folder) as idle:
        before = idle.subject_keys(KNOWN[:10], create=False)
        rotate(folder)
        assert idle.subject_keys(KNOWN[:10], create=False) == before
    with open_store(folder) as idle:
        rotate(folder)
        idle.subject_keys(np.array([99_999_999]), create=True)
    with open_store(folder) as store:
        assert None not in store.subject_keys(np.array([99_999_999]), create=False)


def test_who_has_but_the_former_key_writes_nothing(folder: Path) -> None:
    former = VaultKey(key_bytes(folder), "$DMP_VAULT_KEY")
    with KeyStore(folder / "keys.sqlite", former) as left_behind:
        rotate(folder)
        with pytest.raises(KeyMissing, match=r"\$DMP_VAULT_KEY gives .*rotated"):
            left_behind.subject_keys(np.array([5_000_000]), create=True)
    with open_store(folder) as store:
        assert store.subject_keys(np.array([5_000_000]), create=False) == [None]


def test_a_key_destroyed_while_it_is_rewrapped_stays_destroyed(folder: Path) -> None:
    with open_store(folder) as rotating, open_store(folder) as eraser:
        rewrapping = rotating.rewrapping()
        rewrapping.begin(new_vault_key())
        erased: list[int] = []

        def erase(done: int, total: int) -> None:
            erased.append(eraser.destroy_subject_keys(KNOWN[[5, -5]]))

        rewrapping.run(erase)
        assert erased[0] == 2
        left = rotating.subject_keys(KNOWN[[5, -5]], create=False)
        assert left == [None, None]


def test_keys_made_after_the_last_batch_are_no_obstacle(folder: Path) -> None:
    late = np.array([2**62 - 1])
    with open_store(folder) as rotating, open_store(folder) as writer:
        rewrapping = rotating.rewrapping()
        new = new_vault_key()
        rewrapping.begin(new)
        rewrapping.run()
        made = writer.subject_keys(late, create=True)
        former = rewrapping.former_key()
        replace_key_file(folder / "vault.key", former, new)
        assert rewrapping.finish()
    with open_store(folder) as store:
        assert store.subject_keys(late, create=False) == made


def test_both_keys_open_the_store_until_the_place_gives_the_new_one(
    folder: Path,
) -> None:
    former, new = VaultKey(key_bytes(folder), "$DMP_VAULT_KEY"), new_vault_key()
    path = folder / "keys.sqlite"
    before = everything(folder)[2:]
    with KeyStore(path, former) as store:
        rewrapping = store.rewrapping()
        rewrapping.begin(new)
        rewrapping.run()
        with pytest.raises(PrivacyError, match="still gives"):
            rewrapping.finish()
        with pytest.raises(PrivacyError, match="has to end first"):
            rewrapping.begin(new_vault_key())
    for key in (former, new):
        with KeyStore(path, key) as store:
            assert store.subject_keys(KNOWN, create=False) == before
    with KeyStore(path, new) as store:
        assert store.rewrapping().finish()
        assert not store.rewrapping().finish()
    with pytest.raises(KeyMissing):
        KeyStore(path, former)


def test_a_rotation_killed_at_any_moment_is_taken_up_again(folder: Path) -> None:
    before = everything(folder)
    begun = time.monotonic()
    rotate(folder)
    duration = time.monotonic() - begun
    chance = random.Random(11)
    for _ in range(MOMENTS):
        kill_rotation(folder, after=chance.uniform(0, duration))
        assert everything(folder) == before
    rotate(folder)
    assert everything(folder) == before
    with open_store(folder) as store:
        assert store.rewrapping().succession is None


def kill_rotation(folder: Path, *, after: float) -> None:
    (folder / "began").unlink(missing_ok=True)
    process = SPAWN.Process(target=rotate_and_die, args=(folder,))
    process.start()
    while not (folder / "began").exists():
        time.sleep(0.002)
    time.sleep(after)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    process.close()
