"""The first rows of a source, masked by class of personal data; unmasking is logged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dmp.core.sql import Query, quote_name, sql
from dmp.flows.ingest import contracts
from dmp.flows.workspace import Workspace
from dmp.ingest.batch import files_of
from dmp.ingest.connectors import raw_column, stage_file
from dmp.ingest.contracts import Contract, FieldSpec, PersonalClass, chosen
from dmp.ingest.faults import masked
from dmp.ingest.heads import head_of
from dmp.privacy import Permission
from dmp.privacy.detect import mask_sql
from dmp.storage.temporary import temporary_folder

CLEAR_CLASSES = frozenset({PersonalClass.ORDINARY})


def first_rows(
    workspace: Workspace, source: str, *, rows: int = 10, unmask: bool = False
) -> list[dict[str, Any]]:
    """Return the first rows of a source's first file, by the names of its contract.

    Direct and quasi-identifiers are shown by their shape, letters as a and digits as 9;
    in ordinary fields e-mail addresses and the like are masked. What the contract does
    not declare is not shown at all. For `pandas.DataFrame`.

    Args:
        unmask: show declared fields as they are; that takes the right to read clear
            values, and is written to the audit log.

    Raises:
        NotAllowed: the caller may not preview, or not read clear values.
        UnknownName: no such source.
        UsageError: there is no file of the source, or none that can be read.
    """
    workspace.allow(Permission.READ_CLEAR if unmask else Permission.PREVIEW)
    contract = chosen(contracts(workspace), source)
    path = files_of(contract, workspace.paths.home)[0]
    form = contract.connector.format
    if unmask:
        workspace.record("unmask", source=source, rows=rows)
    workspace.paths.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    with temporary_folder("rows-", workspace.paths.scratch) as scratch:
        head = head_of(workspace.lake, path, form, scratch, rows=rows)
        staged = stage_file(workspace.lake, contract, head.path, scratch)
        query = sql(
            "select {shown} from ({values}) order by line limit $rows",
            shown=Query(", ".join(_columns(contract, unmask=unmask))),
            values=staged.values(contract.places()),
            rows=rows,
        )
        return workspace.lake.records(query)


def _columns(contract: Contract, *, unmask: bool) -> Iterator[str]:
    for path, spec in contract.specs():
        places = ", ".join(raw_column(place) for place in spec.from_)
        value = f"coalesce({places}, null)"
        text = value if unmask else _shown(value, spec)
        yield f"{text} as {quote_name(path.rpartition('.')[2])}"


def _shown(value: str, spec: FieldSpec) -> str:
    if spec.class_ in CLEAR_CLASSES:
        return mask_sql(Query(value)).text
    return masked(value)
