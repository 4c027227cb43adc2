"""Trying a rule in a notebook: size, sentence and people, and nothing is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from dmp.core.errors import RuleInvalid
from dmp.core.types import Evaluation
from dmp.flows.rule_building import WorkspaceRules, rule_source
from dmp.flows.shapes import Table
from dmp.flows.workspace import open_workspace
from dmp.segments.sentence import conditions_said
from dmp.segments.source import load, read, written
from dmp.ui.drawings import Content, shown_cell, words
from dmp.ui.guard import Problem, guarded
from dmp.ui.numbers import shown_count, shown_share
from dmp.ui.rule_fields import told
from dmp.ui.views import problem_content
from dmp.ui.widgets.part import Message
from dmp.ui.widgets.rule_trial import RuleTrial

if TYPE_CHECKING:
    from dmp.flows.workspace import Workspace

DRAFT = "draft"
EXAMPLES = 5
EMPTY = "A rule such as {attribute: country, op: eq, value: GB}, or a whole segment."


class TrialPanel:
    """The widget of one rule; each press of its button counts anew."""

    def __init__(self, rules: WorkspaceRules, text: str = "") -> None:
        """Show the text; it is tried when the viewer asks."""
        self.rules, self.text = rules, text
        self.trial = RuleTrial(
            content={"state": "empty", "message": EMPTY, "text": text}
        )
        self.trial.on_message("try", lambda m: self.on_try(m))

    def tell(self, problem: Problem) -> None:
        """Show a problem that a callback met."""
        self.trial.content = {**problem_content(problem), "text": self.text}

    @guarded
    def on_try(self, message: Message) -> None:
        """Count the rule that was written."""
        self.text = str(message["text"])
        self.trial.content = {**self._found(), "text": self.text}

    def _found(self) -> Content:
        if not self.text.strip():
            return {"state": "empty", "message": EMPTY}
        try:
            document = document_of(self.text)
        except RuleInvalid as error:
            return _faulty(error)
        if faults := self.rules.faults(document):
            return _faulty(RuleInvalid("rule", faults))
        found = self.rules.sizes.count(document)
        people = self.rules.sizes.people(document, EXAMPLES)
        return shown(document, found, people, self.rules)


def document_of(text: str) -> dict[str, Any]:
    """Return YAML text of a rule, or of a whole segment, as a segment's document.

    Raises:
        RuleInvalid: it is no YAML of a mapping.
    """
    document = load(text, "rule")
    if not isinstance(document, dict):
        read(text)
        raise AssertionError("a rule that is no mapping was read")
    if "rule" in document:
        return {"segment": DRAFT, **document}
    return {"segment": DRAFT, "rule": document}


def shown(
    document: Mapping[str, Any], found: Evaluation, people: Table, rules: WorkspaceRules
) -> Content:
    """Return what the widget draws of a count."""
    cells, rule = rules.viewer.cells, read(written(document)).rule
    said = conditions_said(rule)
    part = shown_share(found.members / max(found.people, 1), found.members, cells=cells)
    everyone = shown_count(found.people, cells=cells)
    hidden = cells.shown(found.members) is None
    return {
        "state": "ready",
        "members": shown_count(found.members, cells=cells),
        "of": f"{part} of {everyone} people" if part else f"of {everyone} people",
        "sentence": rules.sentence(document),
        "conditions": [
            [said.get(path, path), shown_count(n, cells=cells)]
            for path, n in found.conditions
        ],
        "columns": [words(name) for name in people.columns],
        "rows": []
        if hidden
        else [[shown_cell(cell) for cell in row] for row in people.rows],
        "note": people.note,
    }


def _faulty(error: RuleInvalid) -> Content:
    return {
        "state": "faults",
        "faults": [f"{fault.path}: {told(fault)}" for fault in error.faults],
    }


def show_rule(workspace: Workspace, rule: str | Mapping[str, Any] = "") -> w.Widget:
    """Return a field in which a rule can be tried; nothing is saved.

    It reads the workspace over a connection of its own, and does so when asked.

    Args:
        rule: to begin with: YAML, a document, or the id of a saved segment.
    """
    own = open_workspace(workspace.paths.home)
    rules = rule_source(own, own)
    if isinstance(rule, Mapping):
        text = written(rule)
    elif rule in rules.saved():
        text = written({"rule": rules.document(rule)["rule"]})
    else:
        text = rule
    return TrialPanel(rules, text).trial
