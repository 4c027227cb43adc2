"""The rule language as a page: every node with its example, every operator."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from dmp.segments.operators import OPERATORS
from dmp.segments.parsing import parse
from dmp.segments.schema import EXAMPLES
from dmp.segments.sentence import sentence

_HEAD = """\
# Segment rules

Written by `make docs` from `dmp/segments`; edit that, not this page. The JSON Schema of
the language is `segment-rules.schema.json`.

A rule is one node; a node is a mapping with exactly one of the keys below. The same
compiled rule and the same `as_of` instant serve preview, count, page, export and files.
Try any rule on any files:

```
dmp segment members RULE.yaml --profiles P.parquet --events E.parquet --as-of 2026-06-30
```

## Nodes
"""
_OPERATORS_HEAD = """\
## Operators

| operator | takes | true on a missing value |
|---|---|---|
"""


def rules_markdown() -> str:
    """Return the page: nodes with an example each, then the table of operators."""
    return "\n".join([_HEAD, *_nodes()]) + "\n" + _OPERATORS_HEAD + _operators()


def _nodes() -> Iterator[str]:
    for key, rule in EXAMPLES.items():
        document = yaml.safe_dump(dict(rule), sort_keys=False, default_flow_style=None)
        said = sentence(parse({"segment": "example", "rule": rule}).rule)
        lines = [f"### {key}", ""]
        if not said.startswith("{"):
            lines += [f"*{said}*", ""]
        yield "\n".join([*lines, "```yaml", document.rstrip(), "```", ""])


def _operators() -> str:
    lines = []
    for name, operator in OPERATORS.items():
        on_missing = "yes" if operator.negative else "no"
        lines.append(f"| `{name}` | {operator.takes.value} | {on_missing} |\n")
    return "".join(lines)
