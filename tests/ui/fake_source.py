"""A source with memory and plausible numbers; what a viewer may do is a parameter."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dmp.core.errors import NotAllowed
from dmp.ui.source import (
    ConditionCount,
    DestinationSummary,
    Discussion,
    ExportOutcome,
    FileFormat,
    Funnel,
    FunnelStep,
    Intersection,
    Reach,
    Remark,
    SegmentSummary,
    Share,
    Table,
    TrendPoint,
    Version,
    Viewer,
    Why,
)

AS_OF = datetime(2026, 6, 30, tzinfo=UTC)
EVERYONE = 61_840
PRICING, LAPSED, LOYAL = "pricing_intent", "lapsed_buyers", "loyal_locals"
TINY, NEWCOMERS = "beta_testers", "newcomers"


def summary(segment: str, name: str, members: int, **more: str) -> SegmentSummary:
    return SegmentSummary(
        segment=segment,
        name=name,
        description=more.get("description", ""),
        purpose=more.get("purpose", "advertising"),
        sentence=more["sentence"],
        members=members,
        people=EVERYONE,
        as_of=AS_OF,
        computed_at=AS_OF + timedelta(hours=2, minutes=14),
        owner=more.get("owner", "growth"),
        tags=tuple(more.get("tags", "").split()),
        folder=more.get("folder", ""),
    )


SEGMENTS = [
    summary(
        PRICING,
        "Looked at pricing, has not signed up",
        8_412,
        description="Warm visitors for the June campaign.",
        sentence="Viewed the page /pricing at least 3 times in the last 7 days, "
        "and never signed up.",
        tags="campaign web",
    ),
    summary(
        LAPSED,
        "Lapsed buyers",
        12_077,
        description="Bought twice or more, then fell silent.",
        purpose="email_marketing",
        sentence="Placed at least 2 orders, the last one more than 180 days ago, "
        "and lives in the United Kingdom or Ireland.",
        owner="crm",
        tags="winback email",
    ),
    summary(
        LOYAL,
        "Loyal customers near a shop",
        3_956,
        purpose="email_marketing",
        sentence="Ordered in each of the last 3 quarters and lives within 20 km of a "
        "shop.",
        owner="retail",
        tags="retail",
    ),
    summary(
        NEWCOMERS,
        "Signed up this month",
        1_204,
        purpose="product_updates",
        sentence="Signed up for the first time since 1 June 2026.",
        owner="product",
        folder="product",
    ),
    summary(
        TINY,
        "Beta testers <b>2026</b>",
        37,
        purpose="product_updates",
        sentence="Holds an identifier on the list beta_2026.",
        owner="product",
        tags="list",
        folder="product",
    ),
]

MAKEUPS = {
    "country": (
        ("United Kingdom", 0.58, 0.41),
        ("Ireland", 0.17, 0.09),
        ("Germany", 0.11, 0.22),
        ("France", 0.08, 0.16),
        ("Netherlands", 0.04, 0.07),
        ("Elsewhere", 0.02, 0.05),
    ),
    "age_band": (
        ("18 to 24", 0.09, 0.14),
        ("25 to 34", 0.31, 0.24),
        ("35 to 44", 0.28, 0.21),
        ("45 to 54", 0.18, 0.19),
        ("55 and over", 0.14, 0.22),
    ),
    "orders_last_year": (
        ("None", 0.62, 0.55),
        ("1 to 3", 0.29, 0.33),
        ("4+", 0.09, 0.12),
    ),
}


class FakeSource:
    """Answers from memory; keeps what was exported in `sent`."""

    def __init__(
        self,
        *,
        viewer: Viewer | None = None,
        refused: tuple[str, ...] = (),
        broken: tuple[str, ...] = (),
        segments: list[SegmentSummary] | None = None,
    ) -> None:
        self.viewer = viewer or Viewer("Ada Byron", ("analyst", "marketer"), True)
        self.refused, self.broken = refused, broken
        self.known = SEGMENTS if segments is None else segments
        self.said: dict[str, tuple[Remark, ...]] = {}
        self.sent: list[tuple[str, str]] = []
        self.calls: list[str] = []

    def _enter(self, action: str) -> None:
        self.calls.append(action)
        if action in self.refused:
            raise NotAllowed(
                f"The role marketer may not use {action}; "
                "ask somebody with the role analyst."
            )
        if action in self.broken:
            raise RuntimeError("person@example.com broke it")

    def discussion(self, segment: str) -> Discussion:
        self._enter("discussion")
        return Discussion(self.said.get(segment, ()), required=segment == LAPSED)

    def comment(self, segment: str, text: str) -> None:
        self._enter("comment")
        self._say(segment, "comment", text)

    def approve(self, segment: str) -> None:
        self._enter("approve")
        self._say(segment, "approval", "")

    def _say(self, segment: str, kind: str, text: str) -> None:
        one = Remark(kind, text, self.viewer.name, AS_OF, stands=True)
        self.said[segment] = (one, *self.said.get(segment, ()))

    def archive(self, segment: str, *, archived: bool) -> None:
        self._enter("archive")
        self.known = [
            replace(one, archived=archived) if one.segment == segment else one
            for one in self.known
        ]

    def _members(self, segment: str) -> int:
        return next(s.members for s in self.known if s.segment == segment)

    def segments(self) -> list[SegmentSummary]:
        self._enter("segments")
        return list(self.known)

    def funnel(self, segment: str) -> Funnel:
        self._enter("funnel")
        members = self._members(segment)
        refused, silent = int(members * 0.07), int(members * 0.19)
        other, holdout = int(members * 0.06), int(members * 0.05)
        address = int(members * 0.11)
        consented = members - refused - silent
        kept = consented - other - holdout
        reach = kept - address
        sent = reach if any(s == segment for s, _ in self.sent) else None
        excluded = (("in a higher priority segment", other), ("holdout", holdout))
        unsaid = (("no decision", silent), ("said no", refused))
        steps = (
            FunnelStep("Members", members),
            FunnelStep("Consented", consented, unsaid),
            FunnelStep("After exclusions", kept, excluded),
            FunnelStep("Addressable", reach, (("no e-mail address", address),)),
            FunnelStep("Sent", sent),
            FunnelStep("Accepted", None),
        )
        return Funnel(steps)

    def conditions(self, segment: str) -> list[ConditionCount]:
        self._enter("conditions")
        members = self._members(segment)
        sentence = next(s.sentence for s in self.known if s.segment == segment)
        parts = [part.strip(" .") for part in sentence.split(", ")]
        return [
            ConditionCount(
                f"rule.all[{i}]",
                part.removeprefix("and ").capitalize(),
                min(EVERYONE, int(members * (1.4 + 2.3 * i))),
            )
            for i, part in enumerate(parts)
        ]

    def attributes(self) -> list[str]:
        self._enter("attributes")
        return list(MAKEUPS)

    def telling(self, segment: str) -> tuple[str, list[Share]]:
        return "country", self.makeup(segment, "country")

    def makeup(self, segment: str, attribute: str) -> list[Share]:
        self._enter("makeup")
        members = self._members(segment)
        tilt = (sum(map(ord, segment)) % 7) / 40
        found = [
            (value, max(0.005, share + (tilt if i % 2 else -tilt) * share), everyone)
            for i, (value, share, everyone) in enumerate(MAKEUPS[attribute])
        ]
        total = sum(share for _, share, _ in found)
        return [
            Share(value, int(members * share / total), share / total, everyone)
            for value, share, everyone in found
        ]

    def trend(self, segment: str) -> list[TrendPoint]:
        self._enter("trend")
        members = self._members(segment)
        seed = sum(map(ord, segment))
        return [
            TrendPoint(
                AS_OF - timedelta(days=7 * (26 - i)),
                int(
                    members * (0.62 + 0.38 * i / 26 + 0.05 * ((seed * i) % 11 - 5) / 8)
                ),
            )
            for i in range(26)
        ] + [TrendPoint(AS_OF, members)]

    def examples(self, segment: str, limit: int) -> Table:
        self._enter("examples")
        rows = min(limit, self._members(segment), 43)
        countries = [value for value, _, _ in MAKEUPS["country"]]
        ages = [value for value, _, _ in MAKEUPS["age_band"]]
        return Table(
            ("country", "age_band", "orders", "last_seen", "newsletter"),
            tuple(
                (
                    countries[(i * 7) % 6],
                    ages[(i * 3) % 5],
                    (i * 5) % 9,
                    f"{(i * 11) % 28 + 1} Jun 2026",
                    i % 3 > 0,
                )
                for i in range(rows)
            ),
            "Names, addresses and ids are hidden from your role; bands stand for "
            "exact values.",
        )

    def overlap(self, segments: Sequence[str]) -> list[Intersection]:
        self._enter("overlap")
        sizes = [self._members(one) for one in segments]
        alone = [
            Intersection(tuple(i == j for j in range(len(sizes))), size // 2)
            for i, size in enumerate(sizes)
        ]
        both = Intersection(tuple(True for _ in sizes), min(sizes) // 3)
        return sorted([*alone, both], key=lambda one: -one.people)

    def versions(self, segment: str) -> list[Version]:
        self._enter("versions")
        members = self._members(segment)
        return [
            Version(AS_OF, members, ("added: country is GB",)),
            Version(AS_OF - timedelta(days=9), None, ("first stored version",)),
        ]

    def why(self, segment: str, profile_id: str) -> Why:
        self._enter("why")
        return Why(profile_id, False, (("country is GB", True), ("is new", False)))

    def reach(self, segment: str) -> list[Reach]:
        self._enter("reach")
        members = self._members(segment)
        return [
            Reach("email_tool", members // 2),
            Reach("ad_platform", None, "needs consent for advertising"),
        ]

    def destinations(self) -> list[DestinationSummary]:
        self._enter("destinations")
        return [
            DestinationSummary("mail_team", "file", "email_marketing", "email"),
            DestinationSummary("ads", "ad platform", "advertising", "email_sha256"),
            DestinationSummary("news", "e-mail tool", "product_updates", "email"),
        ]

    def export(self, segment: str, destination: str, *, dry_run: bool) -> ExportOutcome:
        self._enter("export")
        people = int(self._members(segment) * 0.52)
        if dry_run:
            return ExportOutcome(
                (f"{people:,} people would be sent.", "Nothing was written."),
                message=f"A send to {destination} would work.",
            )
        self.sent.append((segment, destination))
        digest = hashlib.sha256(segment.encode()).hexdigest()
        return ExportOutcome(
            (f"{people:,} people were added, 0 removed.",),
            ((f"{segment}.csv", people, digest),),
            f"Sent to {destination}.",
        )

    def download(self, segment: str, file_format: FileFormat) -> tuple[str, bytes]:
        self._enter("download")
        body = b"country,orders\nUnited Kingdom,2\nIreland,4\n"
        return f"{segment}.{file_format}", body
