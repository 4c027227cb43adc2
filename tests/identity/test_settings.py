from __future__ import annotations

from typing import Any

import pytest

from dmp.core.config import parse
from dmp.core.errors import ConfigInvalid
from dmp.identity.settings import IdentitySettings

_LINKAGE: dict[str, Any] = {
    "comparisons": [
        {"fields": "first_name", "kind": "text"},
        {"fields": "last_name", "kind": "surname"},
    ],
    "blocking_rules": [["last_name[:3]"]],
    "training_rules": [["last_name"]],
    "prior_rules": [["first_name", "last_name"]],
}


def _read(**changed: Any) -> IdentitySettings:
    document = {"identifiers": {}, "linkage": {**_LINKAGE, **changed}}
    return parse(IdentitySettings, document, "config/identity.yaml")


def test_rules_may_cut_a_field() -> None:
    linkage = _read().linkage
    assert linkage and linkage.blocking_rules == (("last_name[:3]",),)


def test_rules_of_what_is_not_compared_are_refused_all_at_once() -> None:
    wrong = {
        "blocking_rules": [["first_name_root", "last_name"], ["town; drop table x"]],
        "prior_rules": [["email"]],
        "contradictions": {"birth_date": 30},
    }
    with pytest.raises(ConfigInvalid) as caught:
        _read(**wrong)
    said = str(caught.value)
    for fault in (
        "linkage",
        "blocking_rules: first_name_root is not compared",
        "blocking_rules: town; drop table x is not compared",
        "prior_rules: email is not compared",
        "contradictions: birth_date is not compared",
        "rules take first_name, last_name",
    ):
        assert fault in said
