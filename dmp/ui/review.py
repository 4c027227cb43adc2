"""The state of the page Match review: plain values and the actions on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import parse_qs, urlencode

from dmp.ui.explorer import Loaded, loaded
from dmp.ui.guard import Problem, problem_of
from dmp.ui.review_source import (
    Asked,
    Bar,
    Cluster,
    Decided,
    Pair,
    PairView,
    Progress,
    Reviewer,
    ReviewSource,
    Verdict,
)

QUEUE, AHEAD, RECENT = 60, 8, 12
Part = Literal[
    "pair",
    "waterfall",
    "cluster",
    "progress",
    "decisions",
    "chosen",
    "busy",
    "problem",
    "news",
]
_SAID: dict[Verdict, str] = {
    "match": "a match",
    "no_match": "no match",
    "unsure": "unsure",
}


class ReviewState:
    """Which pair is looked at, and what was said of those before.

    Listeners are called with the name of the `Part` that changed. `chosen` holds the
    subjects picked for a split.
    """

    def __init__(
        self, source: ReviewSource, query: str = "", *, clear: bool = False
    ) -> None:
        """Read nothing yet.

        Args:
            query: the query string to open with.
            clear: begin with clear values where the role may see them. A notebook
                begins without: what its widgets show is kept in its executed copy.
        """
        self.source = source
        self.asked = query
        self.queue: Loaded[list[Asked]] = Loaded()
        self.at = 0
        self.view: Loaded[PairView] = Loaded()
        self.waterfall: Loaded[tuple[Bar, ...]] = Loaded()
        self.cluster: Loaded[Cluster] = Loaded()
        self.progress: Loaded[Progress] = Loaded()
        self.decisions: Loaded[list[Decided]] = Loaded()
        self.reviewer = Reviewer("", may_read=False, may_label=False, may_resolve=False)
        self.shows_values = clear
        self.chosen: frozenset[int] = frozenset()
        self.given: dict[Pair, tuple[str, Verdict]] = {}
        self.order: list[Pair] = []
        self.busy = ""
        self.problem: Problem | None = None
        self.news = ""
        self.later: Callable[[Callable[[], None]], None] = lambda act: act()
        self._waterfalls: dict[Pair, tuple[Bar, ...]] = {}
        self._listeners: list[Callable[[Part], None]] = []

    def listen(self, listener: Callable[[Part], None]) -> None:
        """Call the listener after every change, with what changed."""
        self._listeners.append(listener)

    @property
    def question(self) -> Asked | None:
        """The pair looked at; None at the end of the queue."""
        queue = self.queue.value or []
        return queue[self.at] if self.at < len(queue) else None

    @property
    def query(self) -> str:
        """The query string that opens this very pair."""
        question = self.question
        if question is None:
            return ""
        return urlencode({"pair": f"{question.subject_id_l}-{question.subject_id_r}"})

    @property
    def verdict(self) -> Verdict | None:
        """What the viewer said of this pair in this session."""
        question = self.question
        said = self.given.get(question.pair) if question else None
        return said[1] if said else None

    def start(self) -> None:
        """Read the queue and open the pair that the address names, or the first."""
        who = loaded(lambda: self.source.reviewer)
        if who.value:
            self.reviewer = who.value
            self.shows_values = self.shows_values and who.value.may_read
        self.queue = loaded(lambda: self.source.queue(QUEUE))
        named = _pair(self.asked)
        if named and self.queue.value is not None:
            self.visit(self.asked)
        else:
            self._open(0)
        self._read_progress()

    def visit(self, query: str) -> None:
        """Open the pair of a query string; without one, the first."""
        pair, queue = _pair(query), self.queue.value or []
        places = {each.pair: place for place, each in enumerate(queue)}
        if pair is None:
            return self._open(0)
        if pair not in places:
            try:
                queue.insert(0, self.source.asked(pair))
            except Exception as error:
                self.tell(problem_of(error))
                return self._open(0)
        self._open(places.get(pair, 0))
        return None

    def judge(self, verdict: Verdict) -> None:
        """Say what the pair is, and go on to the next; a new word replaces the old."""
        question = self.question
        if question is None:
            return
        label = self.source.judge(question.pair, verdict)
        self.given[question.pair] = label, verdict
        self.order = [p for p in self.order if p != question.pair] + [question.pair]
        self.news = f"Kept as {_SAID[verdict]}. Z takes it back."
        self._tell("news")
        self.next()
        self.later(self._read_progress)

    def undo(self) -> None:
        """Take the last label of this session back, and show its pair again."""
        if not self.order:
            self.news = "There is nothing to take back in this session."
            return self._tell("news")
        pair = self.order[-1]
        self.source.take_back(self.given[pair][0])
        self.order.pop()
        del self.given[pair]
        self.news = "Taken back."
        self._tell("news")
        places = [each.pair for each in self.queue.value or []]
        self._open(places.index(pair) if pair in places else self.at)
        return self._read_progress()

    def next(self) -> None:
        """Go to the next pair; past the last, ask for more."""
        queue = self.queue.value or []
        if self.at + 1 >= len(queue):
            known = {each.pair for each in queue}
            more = loaded(lambda: self.source.queue(QUEUE))
            queue += [each for each in more.value or [] if each.pair not in known]
        self._open(min(self.at + 1, len(queue)))

    def back(self) -> None:
        """Go to the pair before."""
        self._open(max(self.at - 1, 0))

    def show_values(self, shown: bool) -> None:
        """Show clear values, or mask them; whoever may not is told."""
        self.shows_values = shown
        self._read_pair()

    def choose(self, subject_id: int) -> None:
        """Pick a subject for a split, or let it go."""
        self.chosen = self.chosen ^ {subject_id}
        self._tell("chosen")

    def merge(self, reason: str) -> None:
        """Decide that the pair's two profiles are one person."""
        question = self.question
        if question:
            self.source.merge(question.pair, reason)
            self._decided("The two profiles are one person")

    def split(self, reason: str) -> None:
        """Decide that the subjects picked are another person."""
        cluster = self.cluster.value
        if cluster is None:
            return
        homes = {n.profile_id for n in cluster.nodes if n.subject_id in self.chosen}
        if len(homes) != 1:
            wrong = "Pick subjects of one profile in the picture, then split them off."
            return self.tell(Problem("missing", wrong))
        self.source.split(homes.pop(), sorted(self.chosen), reason)
        self.chosen = frozenset()
        return self._decided("The picked subjects are another person")

    def undo_decision(self, decision_id: str) -> None:
        """Take a merge or split back."""
        self.source.undo(decision_id)
        self._decided("The decision is taken back")

    def resolve(self) -> None:
        """Apply the decisions now; the pictures follow."""
        self.busy = "Resolving…"
        self._tell("busy")
        try:
            self.news = self.source.resolve()
        finally:
            self.busy = ""
            self._tell("busy")
        self._tell("news")
        self._read_cluster()
        self._read_decisions()
        self._read_progress()

    def tell(self, problem: Problem | None) -> None:
        """Show a problem to the viewer; None takes it away."""
        self.problem = problem
        self._tell("problem")

    def _decided(self, what: str) -> None:
        self.news = f"{what}: on record. It shows after the next resolve run."
        self._tell("news")
        self._read_decisions()

    def _open(self, place: int) -> None:
        self.at, self.chosen = place, frozenset()
        self.view, self.waterfall, self.cluster = Loaded(), Loaded(), Loaded()
        question = self.question
        known = self._waterfalls.get(question.pair) if question else None
        if known is not None:
            self.waterfall = Loaded("ready", known)
        self._read_pair()
        self._tell("waterfall", "chosen")
        if self.decisions.state == "loading":
            self._read_decisions()
        self.later(self._read_rest)

    def _read_pair(self) -> None:
        question, clear = self.question, self.shows_values
        if question:
            self.view = loaded(lambda: self.source.view(question.pair, clear=clear))
        self._tell("pair")

    def _read_rest(self) -> None:
        """Read what takes longer than a key press: the graph, and the score's parts."""
        self._read_cluster()
        question = self.question
        if question is None or self.waterfall.state == "ready":
            return None
        if question.pair not in self._waterfalls:
            ahead = (self.queue.value or [])[self.at : self.at + AHEAD]
            found = loaded(
                lambda: self.source.waterfalls([each.pair for each in ahead])
            )
            if found.problem:
                self.waterfall = Loaded("problem", problem=found.problem)
                return self._tell("waterfall")
            none = dict.fromkeys((each.pair for each in ahead), ())
            self._waterfalls |= none | (found.value or {})
        self.waterfall = Loaded("ready", self._waterfalls.get(question.pair, ()))
        return self._tell("waterfall", "pair")

    def _read_cluster(self) -> None:
        question = self.question
        if question:
            self.cluster = loaded(lambda: self.source.cluster(question.pair))
        self._tell("cluster")

    def _read_progress(self) -> None:
        self.progress = loaded(self.source.progress)
        self._tell("progress")

    def _read_decisions(self) -> None:
        self.decisions = loaded(self.source.decisions)
        self._tell("decisions")

    def _tell(self, *changes: Part) -> None:
        for change in changes:
            for listener in self._listeners:
                listener(change)


def _pair(query: str) -> Pair | None:
    """Return the pair that a query string names; None where it names none."""
    named: dict[str, Any] = parse_qs(query.lstrip("?"))
    left, _, right = named.get("pair", [""])[0].partition("-")
    if not (left.isdecimal() and right.isdecimal()) or left == right:
        return None
    one, other = sorted((int(left), int(right)))
    return one, other
