"""Pairs made up for the review page, with a memory of what was said of them."""

from __future__ import annotations

from collections.abc import Sequence

from dmp.core.errors import NotAllowed, UsageError
from dmp.ui.review_source import (
    MASK,
    AgreementRow,
    Asked,
    Bar,
    Cluster,
    Decided,
    FieldValues,
    Link,
    Node,
    Pair,
    PairView,
    Progress,
    Reviewer,
    Side,
    Verdict,
)

MARKUP = "<b onclick=alert(1)>Jo</b>"
PAIRS = ((101, 102), (103, 104), (105, 106))
PROFILES = {101: "pa", 102: "pb", 103: "pc", 104: "pc", 105: "pd", 106: "pe"}


class FakeReview:
    """Three pairs; labels and decisions are kept, calls are counted."""

    def __init__(
        self, *, roles: str = "matcher", pairs: Sequence[Pair] = PAIRS, broken: str = ""
    ) -> None:
        self.may = roles == "matcher"
        self.pairs = list(pairs)
        self.broken = broken
        self.calls: list[str] = []
        self.labels: dict[str, tuple[Pair, Verdict]] = {}
        self.decided: list[Decided] = []
        self.seen_clear: list[Pair] = []

    @property
    def reviewer(self) -> Reviewer:
        return Reviewer("u_1", self.may, self.may, self.may)

    def queue(self, limit: int) -> list[Asked]:
        self._called("queue")
        judged = {pair for pair, _ in self.labels.values()}
        open_ones = [pair for pair in self.pairs if pair not in judged]
        return [Asked(*pair, 0.5, pair == PAIRS[1], 4, "doubt") for pair in open_ones]

    def asked(self, pair: Pair) -> Asked:
        self._called("asked")
        if pair[0] > 900:
            raise UsageError("these two were not compared")
        return Asked(*pair, -12.0, False, 1, "asked")

    def view(self, pair: Pair, *, clear: bool) -> PairView:
        self._called("view")
        if clear and not self.may:
            raise NotAllowed("read_clear needs the role matcher")
        if clear:
            self.seen_clear.append(pair)
        sides = [Side(s, "crm", "record", PROFILES.get(s, f"p{s}")) for s in pair]

        def shown(text: str) -> str:
            return text if clear else MASK

        fields = (
            FieldValues("first_name", "first_name", shown(MARKUP), shown(MARKUP)),
            FieldValues("birth_date", "birth_date", shown("1990-01-02"), None),
            FieldValues("address", "place", shown("1 High St"), shown("2 Low Rd")),
            FieldValues("town", "place", shown("Leeds"), shown("Leeds")),
        )
        return PairView((sides[0], sides[1]), fields, clear)

    def waterfalls(self, pairs: Sequence[Pair]) -> dict[Pair, tuple[Bar, ...]]:
        self._called("waterfalls")
        steps = (
            Bar("prior", "two records at random", -10.0),
            Bar("first_name", "exact", 7.0),
            Bar("first_name", "rare value", 2.5),
            Bar("birth_date", "missing", 0.0),
            Bar("place", "1 of 2 agree", 1.0),
        )
        return dict.fromkeys(pairs, steps)

    def cluster(self, pair: Pair) -> Cluster:
        self._called("cluster")
        homes = list(dict.fromkeys(PROFILES.get(s, f"p{s}") for s in pair))
        subjects = [*pair, 900, 901]
        nodes = tuple(
            Node(s, "shop", "record", home, homes.index(home))
            for s in subjects
            for home in [PROFILES.get(s, homes[0])]
        )
        links = (
            Link(pair[0], pair[1], "probabilistic", "linkage", 0.5, True),
            Link(pair[0], 900, "deterministic", "email", 10.0, True),
            Link(900, 901, "decision", "cannot_link", float("-inf"), False),
        )
        return Cluster(nodes, links, 0)

    def judge(self, pair: Pair, verdict: Verdict) -> str:
        self._called("judge")
        label = f"l{len(self.calls)}"
        self.labels[label] = pair, verdict
        return label

    def take_back(self, label_id: str) -> None:
        self._called("take_back")
        del self.labels[label_id]

    def merge(self, pair: Pair, reason: str) -> str:
        return self._decide("merge", reason)

    def split(self, profile: str, part: Sequence[int], reason: str) -> str:
        return self._decide("split", f"{profile} {list(part)} {reason}".strip())

    def undo(self, decision_id: str) -> None:
        self._called("undo")
        self.decided = [d for d in self.decided if d.decision_id != decision_id]

    def resolve(self) -> str:
        self._called("resolve")
        self.decided = []
        return "9 people now."

    def decisions(self) -> list[Decided]:
        return list(self.decided)

    def progress(self) -> Progress:
        said = [verdict for _, verdict in self.labels.values()]
        mine = {
            verdict: said.count(verdict) for verdict in ("match", "no_match", "unsure")
        }
        row = AgreementRow("you and u_2", 12, 11, "0.83 (0.55 to 1.00)")
        return Progress(mine, len(said) + 12, 2, 7, (row,))

    def _decide(self, action: str, reason: str) -> str:
        self._called(action)
        name = f"d{len(self.decided)}"
        decided = Decided(name, action, 1, reason, True, False, False)
        self.decided.insert(0, decided)
        return name

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name == self.broken:
            raise RuntimeError("a value that nobody may see")
