from __future__ import annotations

import json
import shutil
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from audit_attacks import (
    HEAD_ATTACKS,
    LOG_ATTACKS,
    AuditFiles,
    chained,
    keep_copies,
    lines,
    put,
    rehash_and_sign,
)

from dmp.core.errors import KeyMissing, PrivacyError
from dmp.privacy.audit import AuditLog
from dmp.privacy.audit_check import record_hash, verify_log
from dmp.privacy.audit_faults import NO_RECORD
from dmp.privacy.audit_heads import create_signing_key, load_signing_key


def opened(root: Path) -> AuditLog:
    return AuditLog(
        root / "data" / "audit",
        root / "elsewhere" / "heads.jsonl",
        root / "secret" / "audit.key",
        clock=lambda: datetime(2026, 6, 30, 12, tzinfo=UTC),
    )


def add(log: AuditLog, number: int) -> int:
    detail = {"rows": number, "subject": "1:0123456789abcdef0123456789abcdef"}
    return log.append("export", actor="u_0123456789ab", role="marketer", detail=detail)


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    create_signing_key(tmp_path / "secret" / "audit.key")
    return opened(tmp_path)


@pytest.fixture
def seven(log: AuditLog) -> AuditLog:
    for number in range(7):
        add(log, number)
    return log


def test_an_untouched_log_is_ok(log: AuditLog, tmp_path: Path) -> None:
    assert log.verify().ok
    assert [add(log, number) for number in range(5)] == [0, 1, 2, 3, 4]
    assert add(opened(tmp_path), 5) == 5
    report = log.verify()
    assert (report.records, report.heads, report.ok, report.faults) == (6, 6, True, ())
    first, second = map(json.loads, lines(log.path)[:2])
    assert first["previous"] == NO_RECORD
    assert second["previous"] == record_hash(lines(log.path)[0])
    assert first["at"] == "2026-06-30T12:00:00+00:00"


def test_without_a_signing_key_nothing_is_logged(tmp_path: Path) -> None:
    with pytest.raises(KeyMissing, match=r"audit\.key"):
        opened(tmp_path)


def files(log: AuditLog) -> AuditFiles:
    return AuditFiles(log.path, log.heads_path, log.path.parent / "state.json")


@pytest.mark.parametrize("attack", LOG_ATTACKS)
def test_every_attack_on_the_log_is_found_by_kind_and_place(
    seven: AuditLog, attack: str
) -> None:
    change, kind, place = LOG_ATTACKS[attack]
    put(seven.path, change(lines(seven.path)))
    report = seven.verify()
    assert not report.ok
    assert (kind, place) in {(fault.kind, fault.place) for fault in report.faults}


@pytest.mark.parametrize("attack", LOG_ATTACKS)
def test_a_changed_end_is_not_built_upon(seven: AuditLog, attack: str) -> None:
    """A change further back may go unseen by an append; it stays found by verify."""
    change, _, _ = LOG_ATTACKS[attack]
    before = lines(seven.path)
    put(seven.path, change(before))
    try:
        add(seven, 8)
    except PrivacyError as error:
        assert "was changed" in str(error)
        assert lines(seven.path) == change(before)
    else:
        assert seven.verify().ok == (change(before) == before[:-1])


@pytest.mark.parametrize("attack", HEAD_ATTACKS)
def test_every_attack_on_the_heads_is_found_by_kind_and_place(
    seven: AuditLog, attack: str
) -> None:
    change, kind, place = HEAD_ATTACKS[attack]
    put(seven.heads_path, change(lines(seven.heads_path)))
    report = seven.verify()
    assert not report.ok
    assert (kind, place) in {(fault.kind, fault.place) for fault in report.faults}


def test_older_heads_without_a_state_still_lack_the_newest_records(
    seven: AuditLog,
) -> None:
    put(seven.heads_path, lines(seven.heads_path)[:4])
    files(seven).state.unlink()
    [fault] = seven.verify().faults
    assert (fault.kind, fault.place) == ("added", "records 4 to 6")
    assert "older copy" in fault.what


def test_a_log_rehashed_and_signed_by_another_key_is_found(
    seven: AuditLog, tmp_path: Path
) -> None:
    rehash_and_sign(files(seven), tmp_path)
    report = seven.verify()
    assert not report.ok
    found = {(fault.kind, fault.place) for fault in report.faults}
    assert {("forged head", f"tree head {n}") for n in range(1, 8)} <= found
    assert ("cut heads", "after tree head 0") in found


def test_a_log_whose_heads_are_brought_back_is_rehashed(
    seven: AuditLog, tmp_path: Path
) -> None:
    before = keep_copies(files(seven), tmp_path / "before")
    rehash_and_sign(files(seven), tmp_path)
    shutil.copy(before.heads, seven.heads_path)
    [fault] = seven.verify().faults
    assert (fault.kind, fault.place) == ("rehashed", "from record 3")


def test_another_log_with_all_its_files_is_found(
    seven: AuditLog, tmp_path: Path
) -> None:
    forger = tmp_path / "forger"
    create_signing_key(forger / "secret" / "audit.key")
    forged = opened(forger)
    for number in range(7):
        add(forged, number)
    for mine, other in zip(
        (seven.path, seven.heads_path, files(seven).state),
        (forged.path, forged.heads_path, files(forged).state),
        strict=True,
    ):
        shutil.copy(other, mine)
    kinds = {fault.kind for fault in seven.verify().faults}
    assert {"forged head", "forged state"} <= kinds
    with pytest.raises(PrivacyError, match="not signed by the audit key"):
        add(seven, 7)


def test_a_forged_state_is_found(seven: AuditLog) -> None:
    state = files(seven).state
    state.write_bytes(state.read_bytes().replace(b'"size":7', b'"size":8'))
    [fault] = seven.verify().faults
    assert (fault.kind, fault.place) == ("forged state", "state.json")


def test_verifying_changes_nothing(seven: AuditLog, tmp_path: Path) -> None:
    def state() -> dict[Path, tuple[bytes, int]]:
        return {
            path: (path.read_bytes(), path.stat().st_mtime_ns)
            for path in tmp_path.rglob("*")
            if path.is_file()
        }

    before = state()
    assert seven.verify().ok
    assert state() == before


def test_verifying_needs_the_public_key_alone(seven: AuditLog, tmp_path: Path) -> None:
    public_key = load_signing_key(tmp_path / "secret" / "audit.key").public_key()
    assert verify_log(seven.path, seven.heads_path, public_key).ok


def parts(log: AuditLog) -> tuple[Path, Path, Path]:
    return log.path, log.heads_path, log.path.parent / "state.json"


@pytest.mark.parametrize(
    ("log_lost", "heads_lost"), [(9, 0), (10_000, 0), (10_000, 9), (10_000, 10_000)]
)
def test_a_crash_after_the_state_is_completed(
    seven: AuditLog, log_lost: int, heads_lost: int
) -> None:
    before = [path.read_bytes() for path in parts(seven)[:2]]
    for path, lost in zip(parts(seven)[:2], (log_lost, heads_lost), strict=True):
        content = path.read_bytes()
        last = len(content.splitlines(keepends=True)[-1])
        path.write_bytes(content[: len(content) - min(lost, last)])
    assert add(seven, 7) == 7
    assert seven.verify().ok
    after = [path.read_bytes() for path in parts(seven)[:2]]
    assert all(new.startswith(old) for new, old in zip(after, before, strict=True))


def test_what_a_crash_kept_is_completed_without_another_record(
    seven: AuditLog,
) -> None:
    whole = [path.read_bytes() for path in parts(seven)]
    for path, content in zip(parts(seven)[:2], whole, strict=False):
        path.write_bytes(b"".join(content.splitlines(keepends=True)[:-1]))
    assert not seven.verify().ok
    seven.complete()
    assert [path.read_bytes() for path in parts(seven)] == whole
    seven.complete()
    assert [path.read_bytes() for path in parts(seven)] == whole


def test_a_lost_state_is_rebuilt_only_from_what_was_signed(seven: AuditLog) -> None:
    path, _, state = parts(seven)
    state.unlink()
    assert add(seven, 7) == 7
    assert seven.verify().ok
    state.unlink()
    put(path, chained([*lines(path), lines(path)[-1]]))
    with pytest.raises(PrivacyError, match="not signed"):
        add(seven, 8)


def test_a_forged_state_is_refused(seven: AuditLog) -> None:
    state = parts(seven)[2]
    fields = json.loads(state.read_bytes())
    state.write_text(json.dumps(fields | {"frontier": fields["frontier"][::-1]}))
    with pytest.raises(PrivacyError, match="state"):
        add(seven, 7)
    state.write_text("{}")
    with pytest.raises(PrivacyError, match="state cannot be read"):
        add(seven, 7)


@pytest.mark.parametrize(
    "detail",
    [
        {"member": "jane@example.com"},
        {"jane@example.com": 1},
        {"nested": [{"phone": "+44 7700 900123"}]},
        {"card": "4111 1111 1111 1111"},
    ],
    ids=["email", "key", "phone", "card"],
)
def test_direct_identifiers_never_reach_the_log(
    log: AuditLog, detail: dict[str, Any]
) -> None:
    with pytest.raises(PrivacyError, match="looks like") as caught:
        log.append("export", actor="u_0", role="marketer", detail=detail)
    assert "example" not in str(caught.value).replace("detail", "") or "key" in detail
    with pytest.raises(PrivacyError, match="actor"):
        log.append("export", actor="jane@example.com", role="x", detail={})
    assert not log.path.exists()


def append_some(root: Path) -> None:
    log = opened(root)
    for number in range(8):
        add(log, number)


def test_processes_append_in_turn(log: AuditLog, tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        list(pool.map(append_some, [tmp_path] * 3))
    report = log.verify()
    assert report.ok, report.faults
    assert report.records == 24
