"""How an explanation of who is who is shown: members, reasons, waterfalls."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dmp.cli.context import OUT, local, show_table

if TYPE_CHECKING:
    from dmp.identity.explanation import Explanation, Reason
    from dmp.identity.waterfall import Waterfall


def show_explanation(found: Explanation, zone: str) -> None:
    """Print who was asked about, what joins or parts them, and how scores come about.

    Args:
        zone: the time zone in which instants are shown.
    """
    members = [
        [
            m.profile_id,
            str(m.subject_id),
            m.source,
            m.kind,
            local(m.first_seen_at, zone),
        ]
        for m in found.members
    ]
    show_table("", ["profile", "subject", "source", "kind", "first seen"], members)
    OUT.print(f"\n{_verdict(found)}")
    if found.path:
        show_table("", _REASON_COLUMNS, [_reason_row(r) for r in found.path])
    if found.against:
        OUT.print("\nAgainst it, outweighed:")
        show_table("", _REASON_COLUMNS, [_reason_row(r) for r in found.against])
    if found.replaced:
        OUT.print("\nShared too, but told by the scores of the same pairs:")
        show_table("", _REASON_COLUMNS, [_reason_row(r) for r in found.replaced])
    for waterfall in found.waterfalls:
        _show_waterfall(waterfall)


def _show_waterfall(found: Waterfall) -> None:
    OUT.print(
        f"\nThe linkage model's score of {found.subject_id_l} and "
        f"{found.subject_id_r}, as their records are now:"
    )
    reached, rows = 0.0, []
    for step in found.steps:
        reached += step.match_weight
        rows.append(
            [step.what, step.level, f"{step.match_weight:+.1f}", f"{reached:+.1f}"]
        )
    show_table("", ["comparison", "level", "bits", "in all"], rows)
    OUT.print(f"match probability {found.match_probability:.4f}")


def _verdict(found: Explanation) -> str:
    if found.is_one:
        if len(found.members) == 1:
            return "One subject on its own; nothing had to join it."
        return "One person. What joins them, the strongest first:"
    if not found.path:
        return "Different people: nothing was ever found that they share."
    weight = sum(reason.counted_bits for reason in found.path)
    if weight == -math.inf:
        return "Different people, because somebody decided so."
    return f"Different people. What is known between them ({weight:+.1f} bits in all):"


_REASON_COLUMNS = ["subject", "subject", "because of", "bits", "probability"]


def _reason_row(reason: Reason) -> list[str]:
    said = {
        "must_link": "somebody decided: one",
        "cannot_link": "somebody decided: two",
    }
    what = said.get(reason.type, f"shared {reason.type}")
    if reason.kind == "probabilistic":
        what = "the linkage model's score"
    if reason.dropped_by:
        what += f", dropped: too many {reason.dropped_by} in one profile"
    if reason.is_replaced:
        what += f", of which {reason.counted_bits:.1f} bits count beside the score"
    elif reason.counted_bits != reason.match_weight:
        side = "above" if reason.counted_bits > 0 else "below"
        what += f", {abs(reason.counted_bits):.1f} {side} the threshold"
    if reason.held_alone:
        what += f"; alone holds {reason.held_alone:,} to the others"
    return [
        str(reason.subject_id_l),
        str(reason.subject_id_r),
        what,
        f"{reason.match_weight:+.1f}",
        f"{reason.match_probability:.4f}",
    ]
