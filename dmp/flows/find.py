"""Whose identifiers these are: clear values asked, read as sources are, told as ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dmp.core.errors import UsageError
from dmp.core.sql import Query, row, sql
from dmp.flows.ingest import contracts
from dmp.flows.resolve import identity_settings
from dmp.flows.workspace import Workspace
from dmp.identity.holdings import Candidate, Identifier, candidates
from dmp.ingest.contracts import Contract, FieldSpec
from dmp.ingest.contracts import Identifier as IdentifierSpec
from dmp.ingest.identifiers import forms_sql
from dmp.ingest.readings import define_readers, reading
from dmp.privacy import Permission
from dmp.privacy.pseudonyms import rekeyed_sql, token_sql
from dmp.storage.versions import token_version


@dataclass(frozen=True)
class _Field:
    """A field of a source that takes identifiers of one type."""

    contract: Contract
    spec: FieldSpec
    identifier: IdentifierSpec


@dataclass(frozen=True)
class _Asked:
    """One line of what was asked, numbered from 1."""

    line: int
    type: str
    value: str


def find_person(workspace: Workspace, lines: Iterable[str]) -> list[Candidate]:
    """Return the profiles that hold some of the identifiers, best first; logged.

    Values are read as each source that has the type reads them, and become the
    pseudonyms that a load would have made of them. Only counts are logged.

    Args:
        lines: each a type and a value, such as `email jane@example.com`.

    Raises:
        UsageError: nothing was asked, or lines are no identifiers; all of them are
            named by their number, never by what they say.
        NotAllowed: the caller may not read clear values.
    """
    workspace.allow(Permission.READ_CLEAR)
    asked = _parsed(lines)
    fields = _fields(contracts(workspace).values())
    _refuse(
        [one.line for one in asked if one.type not in fields],
        f"begins with no type of identifier; there are {', '.join(sorted(fields))}",
    )
    define_readers(workspace.lake)
    read = [_identifiers(workspace, one, fields[one.type]) for one in asked]
    _refuse(
        [one.line for one, some in zip(asked, read, strict=True) if not some],
        "cannot be read as what the type says, by any source that has it",
    )
    identifiers = [identifier for some in read for identifier in some]
    settings = identity_settings(workspace)
    (found,) = candidates(workspace.lake, settings, [identifiers])
    workspace.record("identity.find", identifiers=len(asked), found=len(found))
    return found


def _parsed(lines: Iterable[str]) -> list[_Asked]:
    rows = [(number, line.split(None, 1)) for number, line in enumerate(lines, start=1)]
    given = [(number, words) for number, words in rows if words]
    if not given:
        raise UsageError(
            "nothing was asked: give one identifier a line, a type and a value, such "
            "as: email jane@example.com"
        )
    _refuse([n for n, words in given if len(words) < 2], "lacks a type or a value")
    return [_Asked(n, words[0], words[1].strip()) for n, words in given]


def _refuse(lines: Sequence[int], what: str) -> None:
    if lines:
        raise UsageError(
            f"line {', '.join(map(str, lines))} of what was asked {what}; each is a "
            "type and a value, such as: email jane@example.com"
        )


def _fields(known: Iterable[Contract]) -> dict[str, list[_Field]]:
    """Return the fields that take identifiers, by the type of identifier.

    What identifies only with other values, or for a time, cannot be asked for.
    """
    fields: dict[str, list[_Field]] = {}
    for contract in known:
        for spec in contract.fields.values():
            if spec.identifier and spec.identifier.is_plain:
                found = _Field(contract, spec, spec.identifier)
                fields.setdefault(spec.identifier.type, []).append(found)
    return fields


def _identifiers(
    workspace: Workspace, asked: _Asked, fields: Sequence[_Field]
) -> list[Identifier]:
    """Return what a value is in the lake, by each field that could have brought it."""
    found: dict[Identifier, None] = {}
    for field in fields:
        for encoding, value in _forms(workspace, field, asked.value):
            namespace, type_ = field.identifier.namespace, field.identifier.type
            token = _token(workspace, f"{type_}:{encoding}:{value}")
            found[Identifier(namespace, type_, encoding, token)] = None
    return list(found)


def _forms(
    workspace: Workspace, field: _Field, value: str
) -> Iterator[tuple[str, str]]:
    """Yield the encodings in which a source's value stands in the lake, with each."""
    text = reading(field.spec, field.contract, "given")
    plain = Query(f"({text})::varchar")
    query = sql(
        "select form.encoding, form.value from (select unnest({forms}) as form "
        "from ({given})) where form.value is not null",
        forms=forms_sql(field.spec, plain),
        given=row(given=value),
    )
    yield from workspace.lake.rows(query)


def _token(workspace: Workspace, text: str) -> str:
    keys, lake = workspace.stores.keys, workspace.lake
    later = keys.later(keys.analytics.version, token_version(lake))
    founding = token_sql(keys.analytics, "identifier", Query("$text", {"text": text}))
    return str(lake.value(sql("select {token}", token=rekeyed_sql(later, founding))))
