"""The parameters of a notebook: read from its tagged cell, checked before it runs."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import nbformat

from dmp.core.clock import instant
from dmp.core.errors import ConfigInvalid, Fault
from dmp.privacy.detect import kinds

AS_OF = "as_of"
"""The parameter that is an instant in every notebook that has it."""
_TYPES: Mapping[str, type] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "list": list,
    "dict": dict,
}
_SECRET = re.compile(
    r"(^|_)(secret|password|passwd|token|api_?key|credential|email|phone|address)s?($|_)"
)


@dataclass(frozen=True)
class Parameter:
    """One line of the tagged cell: `name: type = default  # help`."""

    name: str
    type: str
    default: Any
    help: str


def read_parameters(path: Path) -> list[Parameter]:
    """Return the parameters of a notebook, in order.

    Raises:
        ConfigInvalid: no cell is tagged `parameters`, or a line of it is not of the
            form `name: type = default  # help` with a JSON value.
    """
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    cells = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    if len(cells) != 1:
        right = "tag exactly one code cell, the second of the notebook"
        raise ConfigInvalid(path.name, [Fault("parameters", "no such cell", right)])
    faults: list[Fault] = []
    found = [*_parameters(cells[0].source, faults)]
    if faults:
        raise ConfigInvalid(path.name, faults)
    return found


def checked(
    parameters: Sequence[Parameter], given: Mapping[str, str], where: str
) -> dict[str, Any]:
    """Return the values for a run: those given, read by their types, else defaults.

    Raises:
        ConfigInvalid: unknown names, values of another type, an `as_of` that is no
            instant, names or values that would put a secret or personal data into the
            executed notebook; all at once.
    """
    known = {parameter.name: parameter for parameter in parameters}
    faults: list[Fault] = []
    values = {name: parameter.default for name, parameter in known.items()}
    for name, text in given.items():
        if name in known:
            values[name] = _value(known[name], text, faults)
        else:
            faults.append(_unknown(name, known))
    faults += [fault for name in given for fault in _unsafe(name, given[name])]
    if faults:
        raise ConfigInvalid(f"parameters of {where}", faults)
    return values


def _parameters(source: str, faults: list[Fault]) -> Iterator[Parameter]:
    comments = _comments(source)
    for node in ast.parse(source).body:
        place = f"line {node.lineno}"
        try:
            assert isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
            type_ = ast.unparse(node.annotation)
            default = ast.literal_eval(node.value) if node.value else None
            assert type_ in _TYPES
            json.dumps(default)
        except (AssertionError, ValueError, TypeError):
            right = f"name: type = default  # help; types are {', '.join(_TYPES)}"
            faults.append(Fault(place, "not a parameter", right))
            continue
        yield Parameter(node.target.id, type_, default, comments.get(node.lineno, ""))


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: token.string.lstrip("# ")
        for token in tokens
        if token.type == tokenize.COMMENT
    }


def _value(parameter: Parameter, text: str, faults: list[Fault]) -> Any:
    """Read a value: text for `str` as it is, everything else as JSON."""
    if parameter.name == AS_OF and text:
        faults += _no_instant(text)
    if parameter.type == "str":
        return text
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None
    wanted = _TYPES[parameter.type]
    if isinstance(value, int) and not isinstance(value, bool) and wanted is float:
        value = float(value)
    if type(value) is not wanted:
        right = f"{parameter.type}, such as {json.dumps(parameter.default)}"
        faults.append(Fault(parameter.name, f"not a value of {parameter.type}", right))
    return value


def _no_instant(text: str) -> Iterator[Fault]:
    try:
        instant(text)
    except ValueError:
        yield Fault(AS_OF, "is no instant", "2026-06-30T00:00:00Z or 2026-06-30")


def _unknown(name: str, known: Mapping[str, Parameter]) -> Fault:
    near = get_close_matches(name, known, n=2)
    hint = (
        f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
    )
    return Fault(name, "no such parameter", hint)


def _unsafe(name: str, text: str) -> Iterator[Fault]:
    right = (
        "parameters are saved in the executed notebook: use the environment or a file"
    )
    if _SECRET.search(name.lower()):
        yield Fault(name, "a name that promises a secret or personal data", right)
    if found := kinds(text):
        yield Fault(name, f"the value looks like {', '.join(sorted(found))}", right)
