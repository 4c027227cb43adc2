"""Rules with memory: what the builder reads and saves, without a lake."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from dmp.core.errors import Fault, NotAllowed, RuleInvalid, UnknownName, UsageError
from dmp.core.types import Evaluation
from dmp.flows.catalog import Catalog
from dmp.flows.shapes import Table, Viewer
from dmp.segments.checks import faults_of
from dmp.segments.parsing import parse
from dmp.segments.rule import leaves
from dmp.segments.sentence import sentence
from dmp.segments.sources import Population, RelatedTable

AS_OF = datetime(2026, 6, 30, tzinfo=UTC)
CATALOG = Catalog(
    attributes={
        "age": "number",
        "country": "text",
        "joined_on": "date",
        "last_order_at": "instant",
        "sources": "list",
        "subscribed": "boolean",
    },
    events={"page_viewed": 48_120, "order_placed": 5_031, "signed_up": 1_204},
    properties={"amount": "number", "page": "text"},
    entities={"transaction": {"amount": "number", "category": "text"}},
    segments={"lapsed_buyers": "Lapsed buyers", "loyal_locals": "Loyal locals"},
    purposes=("advertising", "email_marketing"),
    lists=("vip",),
)
TYPES = {
    "boolean": "BOOLEAN",
    "date": "DATE",
    "instant": "TIMESTAMP WITH TIME ZONE",
    "list": "VARCHAR[]",
    "number": "DOUBLE",
    "text": "VARCHAR",
}


def typed(kinds: Any) -> dict[str, str]:
    return {name: TYPES[kind] for name, kind in kinds.items()}


POPULATION = Population(
    profiles="person",
    attributes=typed(CATALOG.attributes),
    events="event",
    typed_properties=typed(CATALOG.properties),
    related={"transaction": RelatedTable("t", typed(CATALOG.entities["transaction"]))},
    consent="consent",
    lists={"vip": "vip"},
)
COUNTRIES = [("GB", 31_200), ("IE", 8_040), ("FR", 2_110), ("=1+1<b>x</b>", 61)]


class FakeSizes:
    """Sizes that follow from the text of a rule alone."""

    def __init__(self) -> None:
        self.counted: list[Any] = []
        self.cancelled = 0

    def count(self, document: Any) -> Evaluation:
        self.counted.append(document)
        rule = parse({**document, "segment": document["segment"] or "draft"}).rule
        conditions = tuple((path, 4_000) for path, _ in leaves(rule))
        members = 60_000 // (1 + len(conditions))
        return Evaluation(
            segment="draft", version="v", purpose=document.get("purpose", ""),
            as_of=AS_OF, snapshot=1, people=60_000, members=members,
            consented=members // 2, after_exclusions=members // 2,
            losses=(("consented", "no consent", members - members // 2),),
            conditions=conditions,
        )  # fmt: skip

    def estimate(self, document: Any) -> None:
        return None

    def people(self, document: Any, limit: int) -> Table:
        return Table(("country", "age"), (("GB", "20 to 49"),) * limit, "In bands.")

    def cancel(self) -> None:
        self.cancelled += 1


class FakeRules:
    """A rule source with memory; `wait_s` makes each change of a rule slow."""

    def __init__(self, *, refused: tuple[str, ...] = (), wait_s: float = 0) -> None:
        self.refused, self.wait_s = refused, wait_s
        self.sizes = FakeSizes()
        self.files: dict[str, Any] = {
            "lapsed_buyers": {
                "segment": "lapsed_buyers",
                "name": "Lapsed buyers",
                "purpose": "email_marketing",
                "rule": {
                    "all": [
                        {"did": {"event": "order_placed",
                                 "times": {"op": "gte", "value": 2}}},
                        {"attribute": "country", "op": "in", "value": ["GB", "IE"]},
                    ]
                },
            }
        }  # fmt: skip

    @property
    def viewer(self) -> Viewer:
        return Viewer("Ada", ("analyst",), exact_counts=True)

    @property
    def as_of(self) -> datetime:
        return AS_OF

    def catalog(self, segment: str) -> Catalog:
        return CATALOG

    def saved(self) -> dict[str, str]:
        return {id_: one.get("name", id_) for id_, one in self.files.items()}

    def document(self, segment: str) -> Any:
        if segment not in self.files:
            raise UnknownName("segment", segment, list(self.files))
        return self.files[segment]

    def templates(self) -> list[Any]:
        return [
            {
                "segment": "buyers",
                "name": "Recent buyers",
                "description": "Bought in the last 30 days.",
                "rule": {
                    "all": [{"attribute": "last_order_at", "op": "in_last",
                             "value": 30, "unit": "day"}]
                },
            }
        ]  # fmt: skip

    def faults(self, document: Any) -> list[Fault]:
        try:
            segment = parse(dict(document))
        except RuleInvalid as error:
            return list(error.faults)
        known = {name: parse({"segment": name, "rule": {"all": []}})
                 for name in CATALOG.segments}  # fmt: skip
        return faults_of(segment, POPULATION, known)

    def sentence(self, document: Any) -> str:
        time.sleep(self.wait_s)
        return sentence(parse(dict(document)).rule)

    def suggest(self, subject: str, name: str, event: str = "") -> list[Any]:
        return COUNTRIES if name == "country" else []

    def save(self, document: Any, before: Any) -> str:
        if "save" in self.refused:
            raise NotAllowed("define_segment needs the role marketer or analyst")
        if before is None and document["segment"] in self.files:
            raise UsageError(f"there is a segment {document['segment']} already")
        faults = self.faults(document)
        if faults:
            raise RuleInvalid("this segment", faults)
        self.files[document["segment"]] = document
        return f"config/segments/{document['segment']}.yaml"

    def build(self, segment: str) -> Evaluation:
        return self.sizes.count(self.files[segment])
