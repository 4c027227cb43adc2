from __future__ import annotations

import base64
import stat
import sys
from pathlib import Path

import pytest

from dmp.core.errors import KeyMissing, PrivacyError
from dmp.privacy.vault_key import create_key_file, load_vault_key

ONE = base64.b64encode(b"1" * 32).decode()
TWO = base64.b64encode(b"2" * 32).decode()
PRINTS_TWO = [sys.executable, "-c", f"print('{TWO}')"]


def test_the_environment_comes_before_the_command_and_the_file(tmp_path: Path) -> None:
    file = tmp_path / "secret" / "vault.key"
    made = create_key_file(file)
    environ = {"DMP_VAULT_KEY": ONE}
    first = load_vault_key(environ=environ, command=PRINTS_TWO, file=file)
    second = load_vault_key(environ={}, command=PRINTS_TWO, file=file)
    third = load_vault_key(environ={}, file=file)
    assert [first.secret, second.secret] == [b"1" * 32, b"2" * 32]
    assert (third.secret, third.id) == (made.secret, made.id)
    assert "secret" not in repr(first)


def test_a_key_file_is_for_its_owner_alone_and_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "secret" / "vault.key"
    create_key_file(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    with pytest.raises(PrivacyError, match="never replaced"):
        create_key_file(file)
    file.chmod(0o640)
    with pytest.raises(PrivacyError, match="chmod 600"):
        load_vault_key(environ={}, file=file)


def test_no_place_and_no_file_are_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KeyMissing, match="DMP_VAULT_KEY"):
        load_vault_key(environ={})
    with pytest.raises(KeyMissing, match=r"absent\.key"):
        load_vault_key(environ={}, file=tmp_path / "absent.key")


@pytest.mark.parametrize(
    ("environ", "command", "told"),
    [
        ({"DMP_VAULT_KEY": "&"}, [], "no base64"),
        ({"DMP_VAULT_KEY": base64.b64encode(b"short").decode()}, [], "5 bytes"),
        ({}, [sys.executable, "-c", "raise SystemExit(3)"], "ended with 3"),
        ({}, ["/nowhere/kms"], "did not run"),
    ],
    ids=["not-base64", "short", "failing-command", "absent-command"],
)
def test_a_faulty_place_is_not_passed_over(
    environ: dict[str, str], command: list[str], told: str, tmp_path: Path
) -> None:
    file = tmp_path / "vault.key"
    create_key_file(file)
    with pytest.raises(PrivacyError, match=told):
        load_vault_key(environ=environ, command=command, file=file)
