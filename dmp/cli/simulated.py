"""How a simulation of a resolve run is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmp.cli.context import OUT, show_table

if TYPE_CHECKING:
    from dmp.flows.simulate import Simulation
    from dmp.identity.judged import LabelScores


def show_simulation(found: Simulation) -> None:
    """Print what would change: people, ids, audiences, and the largest examples."""
    if found.is_same:
        OUT.print("nothing would change: every subject stays with its profile")
        return
    OUT.print(
        f"people {found.people_before:,} → [bold]{found.people_after:,}[/] · "
        f"{found.merged:,} ids merged · {found.split:,} split · "
        f"{found.moved_subjects:,} subjects move · model {found.model}"
    )
    OUT.print(
        f"largest profiles: {_sizes(found.largest_before)} → "
        f"{_sizes(found.largest_after)} subjects"
    )
    if found.labels_before and found.labels_after:
        OUT.print(
            f"by {found.labels_before.pairs:,} labelled pairs: "
            f"{_measures(found.labels_before)} → {_measures(found.labels_after)}"
        )
    OUT.print(
        f"[bold]{found.people_moved:,}[/] people enter or leave a segment, "
        "each counted once"
    )
    columns = ["segment", "now", "then", "enter", "leave", "become one"]
    audiences = [list(vars(audience).values()) for audience in found.audiences]
    show_table("", columns, audiences)
    examples = [list(vars(example).values()) for example in found.examples]
    if examples:
        show_table("", ["", "profile", "other profile", "subjects"], examples)


def _measures(scores: LabelScores) -> str:
    three = scores.measures
    return f"precision {three.precision}, recall {three.recall}"


def _sizes(sizes: tuple[int, ...]) -> str:
    return ", ".join(f"{size:,}" for size in sizes) or "none"
