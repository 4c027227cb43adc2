"""The state of the rule builder: a document, what was done to it, what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlencode

from dmp.core.errors import Fault, RuleInvalid
from dmp.core.types import Evaluation
from dmp.flows.catalog import Catalog
from dmp.flows.estimates import Estimate
from dmp.segments.source import load, written
from dmp.ui import rule_changes as changes
from dmp.ui import rule_edits as edits
from dmp.ui import rule_words as words
from dmp.ui.drafts import duplicate, id_of, packed, unchosen, unpacked
from dmp.ui.explorer import Loaded, loaded
from dmp.ui.guard import Problem
from dmp.ui.rule_edits import ABSENT, Document, Place
from dmp.ui.rule_source import RuleSource

MOST_UNDONE = 200
ABOUT = (
    "segment",
    "name",
    "description",
    "purpose",
    "owner",
    "tags",
    "timezone",
    "folder",
)
UNCHOSEN = ("event", "attribute", "property", "entity", "in", "not_in", "purpose", "by")
NEW: Document = {"segment": "", "name": "", "rule": {"all": []}}


@dataclass(frozen=True)
class Tally:
    """The size of the rule, as far as it is known.

    Attributes:
        exact: the exact funnel, or the wait or the problem in its place.
        about: the estimate that stands while the exact count runs.
    """

    exact: Loaded[Evaluation]
    about: Estimate | None = None


class BuilderState:
    """The rule that is being built, and every action on it.

    Listeners are called with what changed: `document`, `tally`, `yaml`, `saved`,
    `problem`, `news` or `catalog`.
    """

    def __init__(self, source: RuleSource, query: str = "") -> None:
        """Read nothing yet; `query` is the query string to open with."""
        self.source = source
        self.asked = query
        self.catalog = Catalog()
        self.saved: Mapping[str, str] = {}
        self.document: Document = NEW
        self.before: Document | None = None
        self.undone: list[Document] = []
        self.done: list[Document] = []
        self.faults: list[Fault] = []
        self.sentence = ""
        self.focus: Place | None = None
        self.yaml_draft: str | None = None
        self.yaml_faults: list[Fault] = []
        self.tally = Tally(Loaded())
        self.saved_at = ""
        self.built: Evaluation | None = None
        self.problem: Problem | None = None
        self.news = ""
        self.ask: Callable[[Document], None] = self.count
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call the listener after every change, with what changed."""
        self._listeners.append(listener)

    @property
    def query(self) -> str:
        """Return the query string that opens this very rule, saved or not."""
        parts: dict[str, str] = {}
        if self.before is not None:
            parts["segment"] = str(self.before["segment"])
        if self.is_changed:
            parts["draft"] = packed(self.document)
        return urlencode(parts)

    @property
    def is_changed(self) -> bool:
        """Whether the rule differs from what is saved."""
        return self.document != (self.before or NEW)

    @property
    def yaml(self) -> str:
        """Return the document as YAML, or what is being written in its place."""
        return self.yaml_draft if self.yaml_draft is not None else self._yaml()

    def _yaml(self) -> str:
        return written(self.document)

    def start(self) -> None:
        """Read what rules can name, and open the rule that the query names."""
        self.saved = loaded(self.source.saved).value or {}
        self.visit(self.asked)

    def visit(self, query: str) -> None:
        """Open the rule of a query string: a segment, a draft, or a new rule."""
        named = {key: values[0] for key, values in parse_qs(query.lstrip("?")).items()}
        wanted = named.get("segment", "")
        found = loaded(lambda: self.source.document(wanted)) if wanted else None
        if found and found.problem:
            self.tell(found.problem)
        self.before = found.value if found else None
        self.catalog = self._read_catalog(wanted)
        self._tell("catalog")
        draft = unpacked(named["draft"]) if "draft" in named else None
        if "draft" in named and draft is None:
            self.tell(Problem("missing", "The draft of this link cannot be read."))
        if "copy" in named and found and found.value:
            self.before, draft = None, duplicate(found.value, self.saved)
        self.done, self.undone = [], []
        self._show(draft or self.before or NEW)

    @property
    def is_blank(self) -> bool:
        """Whether this is a new segment whose rule says nothing yet."""
        return self.before is None and self.document["rule"] == NEW["rule"]

    @cached_property
    def templates(self) -> list[Document]:
        """The segments to start from; read when a blank rule is first shown."""
        return loaded(self.source.templates).value or []

    def begin_from(self, template: str) -> None:
        """Take the rule of a template, and its words where none were written."""
        for one in self.templates:
            if one["segment"] == template and self.is_blank:
                given = {key: said for key, said in self.document.items() if said}
                named = {"segment": id_of(str(one["name"]))}
                self._do({**one, **named, **given, "rule": one["rule"]})

    def _read_catalog(self, segment: str) -> Catalog:
        found = loaded(lambda: self.source.catalog(segment))
        if found.problem:
            self.tell(found.problem)
        return found.value or Catalog()

    def change(self, what: str, place: Place, word: Any) -> None:
        """Change the form of a node: one of `rule_changes.CHANGES`."""
        self._do(changes.CHANGES[what](self.document, place, word))

    def set(self, place: Place, value: Any) -> None:
        """Put a value at a place; None takes it away.

        A subject of another type takes an operator of that type with it.
        """
        made = edits.put(self.document, place, ABSENT if value is None else value)
        node = edits.at(made, place[:-1])
        if place[-1] in ("attribute", "property") and "op" in node:
            op = words.fitting(self._kind(str(place[-1]), value), node["op"])
            if op != node["op"] and made != self.document:
                made = changes.operator(made, place[:-1], op)
        self._do(made)

    def _kind(self, subject: str, name: Any) -> str:
        known = self.catalog.attributes
        if subject == "property":
            known = {**self.catalog.properties}
            for columns in self.catalog.entities.values():
                known = {**columns, **known}
        return known.get(name, "json") if isinstance(name, str) else "json"

    def add(self, place: Place, kind: str, index: int = -1) -> None:
        """Add a new node to a list."""
        made = edits.add(self.document, place, kind, index)
        items = edits.at(made, place)
        self.focus = (*place, len(items) - 1 if index < 0 else index)
        self._do(made)

    def remove(self, place: Place) -> None:
        """Take a node away."""
        self._do(edits.remove(self.document, place))

    def copy(self, place: Place) -> None:
        """Put a node there a second time."""
        self._do(edits.copy(self.document, place))

    def negate(self, place: Place) -> None:
        """Turn a node into its complement, or back."""
        self._do(edits.negate(self.document, place))

    def step(self, place: Place, by: int) -> None:
        """Move a node one place up or down, into and out of groups."""
        made, self.focus = edits.followed(self.document, place, by)
        self._do(made)

    def move(self, place: Place, to: Place, index: int) -> None:
        """Move a node into another list."""
        self._do(edits.move(self.document, place, to, index))

    def describe(self, key: str, value: str) -> None:
        """Change what the segment says of itself: name, purpose, tags and so on.

        The id of a new segment follows its name until it is given.
        """
        if key not in ABOUT or (key == "segment" and self.before is not None):
            return
        made = dict(self.document)
        shown: Any = value.split() if key == "tags" else value.strip()
        if key == "name" and self.before is None:
            if made.get("segment", "") in ("", id_of(str(made.get("name", "")))):
                made["segment"] = id_of(value)
        made[key] = shown
        optional = key not in ("segment", "name") and not shown
        self._do({k: v for k, v in made.items() if not (optional and k == key)})

    def undo(self) -> None:
        """Go back one step."""
        if self.done:
            self.undone.append(self.document)
            self._show(self.done.pop())

    def redo(self) -> None:
        """Go forward again."""
        if self.undone:
            self.done.append(self.document)
            self._show(self.undone.pop())

    def write(self, text: str) -> None:
        """Take the rule from YAML; with faults the form stays as it was."""
        try:
            document = load(text, "rule")
        except RuleInvalid as error:
            return self._hold(text, list(error.faults))
        if not isinstance(document, dict) or not isinstance(document.get("rule"), dict):
            fault = Fault("rule", "is absent", "a mapping with segment and rule")
            return self._hold(text, [fault])
        changed = document.get("segment") != self.document.get("segment")
        if self.before is not None and changed:
            fault = Fault("segment", "is another id", str(self.before["segment"]))
            return self._hold(text, [fault])
        if document == self.document:
            self.yaml_draft, self.yaml_faults = None, []
            return self._tell("yaml")
        self._do(document)

    def _hold(self, text: str, faults: list[Fault]) -> None:
        self.yaml_draft, self.yaml_faults = text, faults
        self._tell("yaml")

    def suggest(self, place: Place) -> list[Any]:
        """Return the values that the data has for the comparison at a place."""
        node = edits.at(self.document, place)
        if not isinstance(node, dict):
            return []
        subject = "attribute" if "attribute" in node else "property"
        name = node.get(subject)
        event = "" if subject == "attribute" else self._event_of(place)
        return (
            self.source.suggest(subject, name, event) if isinstance(name, str) else []
        )

    def _event_of(self, place: Place) -> str:
        for end in range(len(place) - 1, 0, -1):
            node = edits.at(self.document, place[:end])
            if isinstance(node, dict) and isinstance(node.get("event"), str):
                return str(node["event"])
        return ""

    def save(self) -> None:
        """Save the rule; what is wrong is told, and nothing is lost."""
        found = loaded(lambda: self.source.save(self.document, self.before))
        if found.problem:
            return self.tell(found.problem)
        self.before, self.saved_at, self.built = self.document, found.value or "", None
        self.saved = loaded(self.source.saved).value or {}
        self.problem = None
        self._tell("problem", "saved")

    def build(self) -> None:
        """Evaluate and store the saved segment."""
        found = loaded(lambda: self.source.build(str(self.document["segment"])))
        if found.problem:
            return self.tell(found.problem)
        self.built = found.value
        self._tell("saved")

    def count(self, document: Document) -> None:
        """Count a rule here and now; a page counts beside itself instead."""
        sizes = getattr(self.source, "sizes", None)
        if sizes is not None:
            self.counted(document, loaded(lambda: sizes.count(document)))

    def counted(self, document: Document, exact: Loaded[Evaluation]) -> None:
        """Show the count of a document, unless another one is shown by now."""
        if document is self.document:
            self.tally = Tally(exact, self.tally.about)
            self._tell("tally")

    def estimated(self, document: Document, about: Estimate | None) -> None:
        """Show an estimate while the exact count runs."""
        if document is self.document and self.tally.exact.state == "loading":
            self.tally = Tally(self.tally.exact, about)
            self._tell("tally")

    def tell(self, problem: Problem | None) -> None:
        """Show a problem to the viewer; None takes it away."""
        self.problem = problem
        self._tell("problem")

    def _do(self, document: Document) -> None:
        if document == self.document:
            self.focus = None
            return
        self.done = [*self.done, self.document][-MOST_UNDONE:]
        self.undone = []
        self._show(document)

    def _show(self, document: Document) -> None:
        self.document, self.saved_at = document, ""
        self.yaml_draft, self.yaml_faults = None, []
        self.faults = [*self.source.faults(document), *unchosen(document)]
        about_rule = [f for f in self.faults if f.path.startswith("rule")]
        self.sentence = (
            ""
            if about_rule
            else self.source.sentence(
                {**document, "segment": document.get("segment") or "draft"}
            )
        )
        self.tally = Tally(Loaded())
        self._tell("document", "yaml", "saved", "tally")
        self.focus = None
        if not about_rule:
            self.ask(document)

    def _tell(self, *parts: str) -> None:
        for part in parts:
            for listener in self._listeners:
                listener(part)
