from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from dmp.core.errors import KeyMissing, PrivacyError
from dmp.privacy.audit import AuditLog
from dmp.privacy.audit_check import NO_RECORD, record_hash, verify_log
from dmp.privacy.audit_heads import create_signing_key, load_signing_key

Lines = list[bytes]


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


def lines(path: Path) -> Lines:
    return path.read_bytes().splitlines()


def put(path: Path, content: Lines) -> None:
    path.write_bytes(b"".join(line + b"\n" for line in content))


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


def edited(content: Lines) -> Lines:
    return [*content[:3], content[3].replace(b'"rows":3', b'"rows":4'), *content[4:]]


def last_edited(content: Lines) -> Lines:
    return [*content[:-1], content[-1].replace(b'"rows":6', b'"rows":5')]


def inserted(content: Lines) -> Lines:
    return [*content[:3], content[2], *content[3:]]


def chained(content: Lines) -> Lines:
    """Give each record its number and the hash of the one before it."""
    result: Lines = []
    previous = NO_RECORD
    for seq, line in enumerate(content):
        record = json.loads(line) | {"seq": seq, "previous": previous}
        result.append(json.dumps(record, separators=(",", ":")).encode())
        previous = record_hash(result[-1])
    return result


ATTACKS: dict[str, Callable[[Lines], Lines]] = {
    "edit": edited,
    "edit-of-the-last": last_edited,
    "insertion": inserted,
    "insertion-at-the-end": lambda c: chained([*c, c[-1]]),
    "deletion": lambda c: [*c[:3], *c[4:]],
    "reordering": lambda c: [*c[:2], c[3], c[2], *c[4:]],
    "truncation-by-one": lambda c: c[:-1],
    "truncation": lambda c: c[:3],
    "emptied": lambda c: [],
    "garbage": lambda c: [*c[:2], b"\xff{", *c[3:]],
    "rehashed": lambda c: chained(edited(c)),
    "rehashed-deletion": lambda c: chained([*c[:3], *c[4:]]),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_every_attack_on_the_log_is_found(
    seven: AuditLog, attack: Callable[[Lines], Lines]
) -> None:
    put(seven.path, attack(lines(seven.path)))
    report = seven.verify()
    assert not report.ok
    assert report.faults


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_changed_end_is_not_built_upon(
    seven: AuditLog, attack: Callable[[Lines], Lines]
) -> None:
    """A change further back may go unseen by an append; it stays found by verify."""
    before = lines(seven.path)
    put(seven.path, attack(before))
    try:
        add(seven, 8)
    except PrivacyError as error:
        assert "was changed" in str(error)
        assert lines(seven.path) == attack(before)
    else:
        assert seven.verify().ok == (attack(before) == before[:-1])


HEAD_ATTACKS: dict[str, Callable[[Lines], Lines]] = {
    "cut": lambda c: c[:-1],
    "emptied": lambda c: [],
    "deleted": lambda c: [*c[:2], *c[3:]],
    "reordered": lambda c: [c[1], c[0], *c[2:]],
    "repeated": lambda c: [*c, c[-1]],
    "garbage": lambda c: [*c[:2], b"{}", *c[3:]],
    "forged": lambda c: [*c[:2], c[2].replace(b'"root":"', b'"root":"0'), *c[3:]],
}


@pytest.mark.parametrize("attack", HEAD_ATTACKS.values(), ids=HEAD_ATTACKS.keys())
def test_every_attack_on_the_heads_is_found(
    seven: AuditLog, attack: Callable[[Lines], Lines]
) -> None:
    put(seven.heads_path, attack(lines(seven.heads_path)))
    assert not seven.verify().ok


def test_log_and_heads_rewritten_with_another_key_are_found(
    seven: AuditLog, tmp_path: Path
) -> None:
    forger = tmp_path / "forger"
    create_signing_key(forger / "secret" / "audit.key")
    forged = opened(forger)
    for number in range(7):
        add(forged, number)
    shutil.copy(forged.path, seven.path)
    shutil.copy(forged.heads_path, seven.heads_path)
    shutil.copy(forged.path.parent / "state.json", seven.path.parent / "state.json")
    assert not seven.verify().ok
    with pytest.raises(PrivacyError, match="not signed by the audit key"):
        add(seven, 7)


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
