"""pyproject.toml says the ranges, requirements.lock the versions; they must agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

REPOSITORY = Path(__file__).parent.parent
LOCK = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
PYPROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
ENTRY = re.compile(
    r"^([\w.-]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}.*\n)+)", re.M
)
SERVER_LOCK = (REPOSITORY / "requirements-servers.lock").read_text(encoding="utf-8")
SERVER_EXTRAS = ("postgres", "spark")
UNPINNED_EXTRAS = ("bench",)
"""What is only ever compared with."""
PINNED = {canonicalize_name(m[1]): Version(m[2]) for m in ENTRY.finditer(LOCK)}
DECLARED = [
    Requirement(text)
    for group in (
        PYPROJECT["build-system"]["requires"],
        PROJECT["dependencies"],
        *(
            listed
            for extra, listed in PROJECT["optional-dependencies"].items()
            if extra not in (*SERVER_EXTRAS, *UNPINNED_EXTRAS)
        ),
    )
    for text in group
]


@pytest.mark.parametrize("wanted", DECLARED, ids=str)
def test_every_dependency_is_pinned_within_its_range(wanted: Requirement) -> None:
    name = canonicalize_name(wanted.name)
    assert name in PINNED, "run `make lock`"
    assert wanted.specifier.contains(PINNED[name]), "run `make lock`"


def test_the_servers_lock_pins_what_only_their_tests_need() -> None:
    pinned = {
        canonicalize_name(m[1]): Version(m[2]) for m in ENTRY.finditer(SERVER_LOCK)
    }
    for extra in SERVER_EXTRAS:
        for text in PROJECT["optional-dependencies"][extra]:
            wanted = Requirement(text)
            version = pinned[canonicalize_name(wanted.name)]
            assert wanted.specifier.contains(version), "run `make lock`"
    shared = pinned.keys() & PINNED.keys()
    assert {name: pinned[name] for name in shared} == {n: PINNED[n] for n in shared}
    assert not re.search(r"://|^-|@ |file:/|\s/\w", SERVER_LOCK, re.M)


def test_every_entry_of_the_lock_is_a_version_with_hashes() -> None:
    begun = re.findall(r"^(?![# ])(\S+)", LOCK, re.M)
    assert len(begun) == len(PINNED)


def test_the_lock_names_no_place() -> None:
    assert not re.search(r"://|^-|@ |file:/|\s/\w|\.(org|com|io|net)\b", LOCK, re.M)


def test_duckdb_and_its_extensions_are_one_version() -> None:
    family = {name: v for name, v in PINNED.items() if name.startswith("duckdb")}
    assert len(family) >= 4
    assert set(family.values()) == {PINNED[canonicalize_name("duckdb")]}


def test_conda_takes_python_in_range_and_everything_else_from_the_lock() -> None:
    environment = yaml.safe_load((REPOSITORY / "environment.yml").read_text())
    python, pip, rest = environment["dependencies"]
    version = Version(python.removeprefix("python="))
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)
    assert pip == "pip"
    assert rest == {"pip": ["-r requirements.lock"]}
