"""The people of a workspace with the traits that its operator defines."""

from __future__ import annotations

from datetime import datetime

from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.segments.computed import read_traits, with_traits_of
from dmp.segments.population import population_of, workspace_population
from dmp.segments.rule import Computed
from dmp.segments.sources import Population


def saved_traits(workspace: Workspace) -> tuple[Computed, ...]:
    """Return the computed traits of `config/traits` by name.

    Raises:
        RuleInvalid: the faults of all files.
    """
    return read_traits(workspace.paths.config / "traits")


def population_at(workspace: Workspace, as_of: datetime) -> Population:
    """Stage the people of a workspace, and say where compiled rules find them.

    Raises:
        RuleInvalid: what is wrong with computed traits, all of it.
    """
    traits = saved_traits(workspace)
    return workspace_population(workspace.lake, as_of, traits=traits)


def list_traits(workspace: Workspace) -> list[tuple[Computed, str]]:
    """Return each computed trait with the type of its values; raises as above.

    Raises:
        RuleInvalid: what is wrong with computed traits, all of it.
        NotAllowed: the caller may not count.
    """
    workspace.allow(Permission.COUNT)
    plain = population_of(workspace.lake, workspace.clock())
    found = with_traits_of(workspace.paths.config / "traits", plain)
    return [(trait, found.attributes[trait.name]) for trait in found.traits]
