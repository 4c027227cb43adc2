"""Compiles `sequence`: events chosen in order, any choice counts."""

from __future__ import annotations

from dmp.core.errors import Fault, RuleInvalid
from dmp.segments.plan import Scope
from dmp.segments.rule import Sequence
from dmp.segments.trees import Tree


def sequence(node: Sequence, scope: Scope) -> Tree:
    """Return whether events can be chosen, one a step."""
    raise RuleInvalid("rule", [Fault("rule.sequence", "not supported yet")])
