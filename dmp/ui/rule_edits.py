"""Changes of a segment's document by place; every one gives a new document.

A place is the keys and indexes that lead to a value: `("rule", "all", 0, "op")`. What
a change does not touch stays as it was, keys that no page knows among it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, TypeAlias

Place: TypeAlias = tuple[str | int, ...]
Document: TypeAlias = dict[str, Any]

ABSENT = object()
GROUPS = ("all", "any")
ONCE: Document = {"op": "gte", "value": 1}

NEW_NODES: Mapping[str, Document] = {
    "attribute": {"attribute": "", "op": "eq"},
    "did": {"did": {"event": "", "times": ONCE}},
    "last": {"last": {"event": "", "has": []}},
    "first": {"first": {"event": "", "has": []}},
    "sequence": {"sequence": {"steps": [{"event": ""}, {"event": ""}]}},
    "lifecycle": {
        "lifecycle": {
            "event": "",
            "state": "stopped",
            "active": {"last": 90, "unit": "day"},
            "silent": {"last": 30, "unit": "day"},
        }
    },
    "related": {"related": {"entity": "", "quantifier": "any"}},
    "segment": {"segment": {"in": ""}},
    "consent": {"consent": {"purpose": "", "status": "granted"}},
    "list": {"list": {"in": ""}},
    "sample": {"sample": {"percent": 10, "salt": "half"}},
    "top": {"top": {"n": 100, "by": ""}},
    "sql": {"sql": {"select": "select profile_id from profile"}},
    "all": {"all": []},
    "any": {"any": []},
    "property": {"property": "", "op": "eq"},
    "step": {"event": "", "gap": {"lte": 7, "unit": "day"}},
}


def path_text(place: Place) -> str:
    """Return a place as faults write it.

    >>> path_text(("rule", "all", 0, "did", "times"))
    'rule.all[0].did.times'
    """
    parts = [f"[{key}]" if isinstance(key, int) else f".{key}" for key in place]
    return "".join(parts).removeprefix(".")


def at(document: Any, place: Place) -> Any:
    """Return what stands at a place, or `ABSENT`."""
    for key in place:
        if isinstance(document, Mapping) and key in document:
            document = document[key]
        elif (
            isinstance(document, list)
            and isinstance(key, int)
            and 0 <= key < len(document)
        ):
            document = document[key]
        else:
            return ABSENT
    return document


def put(document: Document, place: Place, value: Any) -> Document:
    """Return the document with a value at a place; `ABSENT` or None takes it away.

    Raises:
        KeyError: nothing stands where the place leads through.
    """
    made = deepcopy(document)
    parent = _parent(made, place)
    key: Any = place[-1]
    if value is not ABSENT and value is not None:
        parent[key] = deepcopy(value)
    elif isinstance(parent, list) or key in parent:
        del parent[key]
    return made


def _parent(made: Document, place: Place) -> Any:
    parent: Any = made
    for key in place[:-1]:
        if isinstance(parent, dict) and key not in parent:
            parent[key] = deepcopy(ONCE) if key == "times" else {}
        try:
            parent = parent[key]
        except (IndexError, KeyError, TypeError) as error:
            raise KeyError(f"nothing stands at {path_text(place)}") from error
    if not isinstance(parent, dict | list):
        raise KeyError(f"nothing stands at {path_text(place)}")
    return parent


def add(document: Document, place: Place, kind: str, index: int = -1) -> Document:
    """Return the document with a new node in the list at a place; -1 is its end.

    A list that is absent begins with the node.
    """
    made = deepcopy(document)
    items = _parent(made, (*place, 0)) if at(made, place) is not ABSENT else None
    if items is None:
        return put(made, place, [NEW_NODES[kind]])
    where = len(items) if index < 0 else index
    items.insert(where, deepcopy(dict(NEW_NODES[kind])))
    return made


def remove(document: Document, place: Place) -> Document:
    """Return the document without the node at a place; the whole rule becomes empty.

    A `not` around the node goes with it, and an optional list that this empties.
    """
    if place == ("rule",):
        return put(document, place, {"all": []})
    if place[-1] == "not":
        return remove(document, place[:-1])
    made = put(document, place, ABSENT)
    emptied = at(made, place[:-1]) == [] and place[-2] == "where"
    return put(made, place[:-1], ABSENT) if emptied else made


def copy(document: Document, place: Place) -> Document:
    """Return the document with the node at a place standing there twice."""
    made = deepcopy(document)
    *head, index = place
    items = _parent(made, place)
    assert isinstance(items, list) and isinstance(index, int), head
    items.insert(index + 1, deepcopy(items[index]))
    return made


def move(document: Document, place: Place, to: Place, index: int) -> Document:
    """Return the document with a node moved into the list at `to`, before `index`.

    A move of a node into itself changes nothing.
    """
    if to[: len(place)] == place:
        return document
    node = at(document, place)
    if node is ABSENT or not isinstance(at(document, to), list):
        return document
    made = deepcopy(document)
    target: Any = at(made, to)
    source: Any = _parent(made, place)
    hole = object()
    source[place[-1]] = hole
    target.insert(index, deepcopy(node))
    position = next(i for i, item in enumerate(source) if item is hole)
    del source[position]
    return made


def step(document: Document, place: Place, by: int) -> Document:
    """Return the document with a node one place up (-1) or down (1).

    At the end of a list it goes out of its group, beside it; towards a neighbouring
    group it goes in. At the end of the outermost list nothing changes.
    """
    parent, index = place[:-1], place[-1]
    siblings = at(document, parent)
    if not isinstance(siblings, list) or not isinstance(index, int):
        return document
    target = index + by
    if not 0 <= target < len(siblings):
        return _out(document, place, by)
    inner = _group_list(siblings[target])
    if inner and parent[-1] in GROUPS:
        to = (*parent, target, *inner)
        end = len(at(document, to)) if by < 0 else 0
        return move(document, place, to, end)
    return move(document, place, parent, target if by < 0 else target + 1)


def _group_list(node: Any) -> Place:
    """Return the way from a node to its list of parts, through `not`; else nothing."""
    found = [
        key for key in ("all", "any", "not") if isinstance(node, dict) and key in node
    ]
    if not found:
        return ()
    if found[0] == "not":
        inner = _group_list(node["not"])
        return ("not", *inner) if inner else ()
    return (found[0],)


def _out(document: Document, place: Place, by: int) -> Document:
    group = place[:-2]
    while group and group[-1] == "not":
        group = group[:-1]
    if not group or not isinstance(group[-1], int):
        return document
    return move(document, place, group[:-1], group[-1] + (1 if by > 0 else 0))


def negate(document: Document, place: Place) -> Document:
    """Return the document with `not` put around the node at a place, or taken off."""
    node = at(document, place)
    if isinstance(node, dict) and set(node) == {"not"}:
        return put(document, place, node["not"])
    return put(document, place, {"not": node})


_MARK = "\0here"


def followed(document: Document, place: Place, by: int) -> tuple[Document, Place]:
    """Return the document after `step`, and where the node stands then."""
    node = at(document, place)
    if not isinstance(node, dict):
        return document, place
    made = step(put(document, place, {**node, _MARK: True}), place, by)
    found = next(_marked(made["rule"], ("rule",)))
    return put(made, (*found, _MARK), ABSENT), found


def _marked(value: Any, place: Place) -> Iterator[Place]:
    if isinstance(value, dict) and _MARK in value:
        yield place
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in items:
        if isinstance(part, dict | list):
            yield from _marked(part, (*place, key))


def place_of(given: Sequence[Any]) -> Place:
    """Return the place that a browser names.

    Raises:
        KeyError: it is no list of texts and numbers that begins at the rule.
    """
    sound = all(isinstance(key, str | int) and key is not True for key in given)
    if not given or given[0] not in ("rule",) or not sound:
        raise KeyError("no place of a rule")
    return tuple(given)
