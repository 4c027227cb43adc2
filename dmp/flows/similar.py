"""Whom a record resembles: clear values, compared in memory, under role and audit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from dmp.core.errors import UsageError
from dmp.core.sql import Query, quote_name, sql
from dmp.flows.ingest import contracts
from dmp.flows.resolve import current_model, identity_settings, linkage_key
from dmp.flows.workspace import Workspace
from dmp.identity.basis import Basis
from dmp.identity.fuzzy import Answer, FuzzyLookup
from dmp.identity.records import clear_fields
from dmp.ingest.readings import define_readers, reading
from dmp.privacy import Permission


@dataclass(frozen=True)
class SimilarPeople:
    """A look-up service that holds clear values; every question is logged.

    Attributes:
        readings: field of the linkage model to the ways in which sources read it, in
            SQL, of a text column `given`.
    """

    workspace: Workspace
    lookup: FuzzyLookup
    readings: Mapping[str, tuple[str, ...]]

    @classmethod
    def open(cls, workspace: Workspace) -> Self:
        """Read everybody's records; it takes a minute or two for a million.

        Raises:
            UsageError: no linkage model was trained.
            NotAllowed: the caller may not read clear values.
        """
        workspace.allow(Permission.READ_CLEAR)
        settings = identity_settings(workspace)
        model = current_model(workspace, settings)
        basis = Basis(settings, model, linkage_key(workspace))
        lookup = FuzzyLookup.read(workspace.lake, workspace.vault, basis)
        return cls.over(workspace, lookup)

    @classmethod
    def over(cls, workspace: Workspace, lookup: FuzzyLookup) -> Self:
        """Serve a look-up that was read already; that it was is logged.

        Raises:
            NotAllowed: the caller may not read clear values.
        """
        workspace.allow(Permission.READ_CLEAR)
        workspace.record("identity.open-similar", records=len(lookup.records))
        return cls(workspace, lookup, _readings(workspace, lookup))

    def find(self, values: Mapping[str, str], *, most: int = 10) -> Answer:
        """Return the profiles with a record like these values, the most alike first.

        Values are read as the sources read them that have the field. Only counts are
        logged.

        Args:
            values: field of the linkage model, or `full_name`, to its clear value.
            most: how many profiles at most.

        Raises:
            UsageError: nothing was asked, a field is none of the model's, or the value
                of one cannot be read; no value is named, nor what may be one.
            NotAllowed: the caller may not read clear values.
        """
        self.workspace.allow(Permission.READ_CLEAR)
        if not values:
            raise UsageError(f"nothing was asked; {self._right}")
        if wrong := [name for name in values if name not in self.readings]:
            raise UsageError(
                f"{len(wrong)} of the fields asked are not compared; {self._right}"
            )
        read = self._read(values)
        if wrong := [name for name, value in read.items() if value is None]:
            raise UsageError(
                f"{', '.join(wrong)}: cannot be read by any source that has the field"
            )
        answer = self.lookup.similar(read, most=most)
        self.workspace.record(
            "identity.similar",
            fields=sorted(values),
            compared=answer.compared,
            found=len(answer.similar),
        )
        return answer

    @property
    def _right(self) -> str:
        return (
            "give one field a line and its value, such as: last_name Jones; there are "
            + ", ".join(self.readings)
        )

    def _read(self, values: Mapping[str, str]) -> dict[str, str | None]:
        cells = [
            Query(
                f"(select coalesce({', '.join(self.readings[name])}, null)::varchar "
                f"from (select trim($v{n}::varchar) as given)) as {quote_name(name)}",
                {f"v{n}": value},
            )
            for n, (name, value) in enumerate(values.items())
        ]
        (found,) = self.lookup.scratch.records(sql("select {cells}", cells=cells))
        return found


def find_similar(
    workspace: Workspace, lines: Iterable[str], *, most: int = 10
) -> tuple[Answer, FuzzyLookup]:
    """Return whom one record resembles, and the look-up that was read for it; logged.

    Args:
        lines: each a field and its value, such as `last_name Jones`.

    Raises:
        UsageError, NotAllowed: as `SimilarPeople.open` and `find`; and lines that lack
            a field or a value, by their numbers.
    """
    people = SimilarPeople.open(workspace)
    return people.find(_parsed(lines), most=most), people.lookup


def _parsed(lines: Iterable[str]) -> dict[str, str]:
    rows = [(number, line.split(None, 1)) for number, line in enumerate(lines, start=1)]
    given = [(number, words) for number, words in rows if words]
    if wrong := [str(number) for number, words in given if len(words) < 2]:
        raise UsageError(
            f"line {', '.join(wrong)} of what was asked lacks a field or a value; each "
            "is both, such as: last_name Jones"
        )
    return {words[0]: words[1].strip() for _, words in given}


def _readings(workspace: Workspace, lookup: FuzzyLookup) -> dict[str, tuple[str, ...]]:
    define_readers(lookup.scratch)
    found: dict[str, dict[str, None]] = {}
    for contract in contracts(workspace).values():
        for name in clear_fields(lookup.settings):
            if spec := contract.direct_fields.get(name):
                text = f"({reading(spec, contract, 'given')})::varchar"
                found.setdefault(name, {})[text] = None
    return {name: tuple(ways) for name, ways in found.items()}
