from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from keyed_workspace import at, part
from sample_workspace import NOW

from dmp.core.errors import NotAllowed
from dmp.core.sql import sql
from dmp.flows.ingest import contracts, ingest
from dmp.flows.resolve import resolve_people
from dmp.flows.rotate import rotate_pseudonyms
from dmp.flows.workspace import Workspace
from dmp.ingest.connectors import stage_file
from dmp.ingest.identifiers import rekeyed_identifiers
from dmp.ingest.load import Input, stage
from dmp.privacy.pseudonyms import token
from dmp.privacy.root_keys import FOUNDING

pytestmark = pytest.mark.slow

SPAWN = get_context("spawn")
MOMENTS = int(os.environ.get("DMP_FAULT_MOMENTS", "2"))


@pytest.fixture
def loaded(base: Path, tmp_path: Path) -> Iterator[Workspace]:
    """The workspace, to write to."""
    with at(shutil.copytree(base, tmp_path / "mine")) as workspace:
        yield workspace


def tokens(workspace: Workspace) -> dict[tuple[Any, ...], str]:
    rows = workspace.lake.rows(
        "select subject_id, namespace, type, encoding, load_id, token "
        "from identity.identifier order by all"
    )
    found: dict[tuple[Any, ...], list[str]] = {}
    for *key, value in rows:
        found.setdefault(tuple(key), []).append(value)
    return {key: ",".join(sorted(values)) for key, values in found.items()}


def versions(workspace: Workspace) -> set[str]:
    return {
        version
        for (version,) in workspace.lake.rows(
            "select distinct split_part(token, ':', 1) from identity.identifier"
        )
    }


def people(workspace: Workspace) -> list[tuple[Any, ...]]:
    return workspace.lake.rows(
        "select subject_id, component_id, profile_key from identity.assignment "
        "where valid_to is null order by all"
    )


def shared(workspace: Workspace) -> list[tuple[Any, ...]]:
    """Return how many subjects share how many values, by type."""
    return workspace.lake.rows(
        "select type, encoding, n, count(*) from (select type, encoding, token, "
        "count(distinct subject_id) as n from identity.identifier group by all) "
        "group by all order by all"
    )


def test_every_token_changes_and_joins_what_it_joined(loaded: Workspace) -> None:
    before, joined, who = tokens(loaded), shared(loaded), people(loaded)
    rotated = rotate_pseudonyms(loaded)
    after = tokens(loaded)
    assert (rotated.former, rotated.newest) == (1, 2)
    assert rotated.tokens == loaded.lake.value(
        "select count(*) from identity.identifier"
    )
    assert versions(loaded) == {"2"}
    assert before.keys() == after.keys()
    assert not [key for key in before if before[key] == after[key]]
    assert shared(loaded) == joined
    resolve_people(loaded)
    assert people(loaded) == who


def test_a_later_load_finds_who_is_there(
    loaded: Workspace, base: Path, tmp_path: Path
) -> None:
    rotate_pseudonyms(loaded)
    rotate_pseudonyms(loaded)
    with at(shutil.copytree(base, tmp_path / "other")) as unrotated:
        for workspace in (loaded, unrotated):
            ingest(workspace, "shop")
            ingest(workspace, "crm", [part(tmp_path, 1)])
            resolve_people(workspace)
        assert versions(loaded) == {"3"}
        assert versions(unrotated) == {"1"}
        assert shared(unrotated) == shared(loaded)
        assert grouped(unrotated) == grouped(loaded)


def grouped(workspace: Workspace) -> list[tuple[Any, ...]]:
    """Return who is together: the smallest subject of each subject's profile."""
    return workspace.lake.rows(
        "select subject_id, component_id, min(subject_id) over (partition by "
        "profile_key) from identity.assignment where valid_to is null order by all"
    )


def test_a_value_of_the_vault_gives_the_rotated_token(loaded: Workspace) -> None:
    rotate_pseudonyms(loaded)
    subject, load = loaded.lake.row(
        "select subject_id, load_id from identity.identifier "
        "where type = 'email' and encoding = 'plain' order by all limit 1"
    )
    version = loaded.lake.sql(
        "select $s::bigint as subject_id, $l as load_id", s=subject, l=load
    ).to_arrow_table()
    email = loaded.vault.read(version, ["email"]).column("email")[0].as_py()
    first, second = (loaded.keys.pseudonym_key("analytics", v) for v in (1, 2))
    expected = token(
        second, "token", token(first, "identifier", f"email:plain:{email}")
    )
    assert loaded.lake.value(
        "select count(*) from identity.identifier where token = $t and subject_id = $s",
        t=expected,
        s=subject,
    )


def test_a_dry_run_and_a_stranger_change_nothing(loaded: Workspace) -> None:
    snapshot, before = loaded.lake.snapshot(), loaded.keys.pseudonym_version
    found = rotate_pseudonyms(loaded, dry_run=True)
    assert found.tokens == sum(len(v.split(",")) for v in tokens(loaded).values())
    narrowed = Workspace(
        loaded.paths.home, environ={**os.environ, "DMP_ROLE": "analyst"}
    )
    with narrowed, pytest.raises(NotAllowed):
        rotate_pseudonyms(narrowed)
    assert loaded.lake.snapshot() == snapshot
    assert loaded.keys.pseudonym_version == before


def test_a_key_made_by_a_run_that_was_cut_short_is_used(loaded: Workspace) -> None:
    assert loaded.keys.rotate_pseudonyms() == 2
    assert rotate_pseudonyms(loaded).newest == 2
    assert versions(loaded) == {"2"}


def rotate_at(folder: Path) -> int:
    with at(folder) as workspace:
        return rotate_pseudonyms(workspace).newest


def load_slowly(folder: Path, files: list[Path]) -> int:
    with at(folder) as workspace:
        for file in files:
            ingest(workspace, "crm", [file])
    return len(files)


def test_loads_and_readers_go_on_under_a_rotation(
    loaded: Workspace, tmp_path: Path
) -> None:
    files = [part(tmp_path, number) for number in range(1, 6)]
    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
        loading = pool.submit(load_slowly, tmp_path / "mine", files)
        rotating = pool.submit(rotate_at, tmp_path / "mine")
        while not (loading.done() and rotating.done()):
            assert len(versions(loaded)) == 1
        assert (loading.result(), rotating.result()) == (5, 2)
    assert versions(loaded) == {"2"}
    assert loaded.lake.value("select count(*) from ops.load where source = 'crm'") == 6


def test_a_load_staged_under_the_former_key_is_committed_under_the_new(
    loaded: Workspace, tmp_path: Path
) -> None:
    contract = contracts(loaded)["crm"]
    file, stores = part(tmp_path, 1), loaded.stores
    rows = stage_file(stores.lake, contract, file, tmp_path)
    source = Input(rows, "crm-late", file.name, digest="late")
    landing = stage(stores, contract, source, NOW, tmp_path)
    assert loaded.lake.value("select min(left(token, 2)) from new_identifier") == "1:"
    with at(tmp_path / "mine") as other:
        rotate_pseudonyms(other)
    current = rekeyed_identifiers(landing)
    assert current
    assert loaded.lake.rows(
        sql("select distinct left(token, 2) from ({q})", q=current)
    ) == [("2:",)]


def rotate_when_told(folder: Path) -> None:
    """Rotate once the workspace is open, which `ready` says."""
    with at(folder) as workspace:
        assert workspace.lake and workspace.keys
        (folder / "ready").touch()
        rotate_pseudonyms(workspace)


def test_a_rotation_killed_at_any_moment_leaves_one_version(
    loaded: Workspace, tmp_path: Path
) -> None:
    joined = shared(loaded)
    begun = time.monotonic()
    version = rotate_pseudonyms(loaded).newest
    duration = time.monotonic() - begun
    chance = random.Random(3)
    for _ in range(MOMENTS):
        kill_rotation(tmp_path / "mine", after=chance.uniform(0, duration))
        assert len(versions(loaded)) == 1
        assert shared(loaded) == joined
    used = int(versions(loaded).pop())
    after = rotate_pseudonyms(loaded)
    assert after.former == used >= version
    assert versions(loaded) == {str(after.newest)}
    assert shared(loaded) == joined


def kill_rotation(folder: Path, *, after: float) -> None:
    ready = folder / "ready"
    ready.unlink(missing_ok=True)
    process = SPAWN.Process(target=rotate_when_told, args=(folder,))
    process.start()
    while not ready.exists():
        time.sleep(0.002)
    time.sleep(after)
    process.kill()
    process.join()
    process.close()


def test_names_last(loaded: Workspace, tmp_path: Path) -> None:
    keys = loaded.stores.keys
    rotate_pseudonyms(loaded)
    with at(tmp_path / "mine") as again:
        names = again.stores.keys
    assert (names.subject, names.content) == (keys.subject, keys.content)
    assert names.subject.version == FOUNDING
