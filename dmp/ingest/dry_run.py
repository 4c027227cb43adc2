"""A load tried out: how each column is mapped, what is refused and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dmp.ingest.connectors import StagedRows, content_hash, stage_file
from dmp.ingest.contracts import ConsentSpec, Contract, PersonalClass
from dmp.ingest.field_names import shown_columns, shown_file, shown_key
from dmp.ingest.heads import head_of
from dmp.ingest.infer.columns import look_at, places_of, stage_look
from dmp.ingest.infer.findings import Finding, find
from dmp.ingest.load import Input, LoadReport, Stores, report_of, stage
from dmp.ingest.seen import load_of
from dmp.storage.lake import Lake

FIRST_ROWS = 1000
_ORDER = (PersonalClass.ORDINARY, PersonalClass.QUASI, PersonalClass.DIRECT)


@dataclass(frozen=True)
class Mapped:
    """What becomes of one column or field of the input; one row for each target.

    Attributes:
        place: where it is in the input; only its shape where the name may be a value.
        target: what it becomes: `fields.email`, `event.occurred_at`, or nothing.
        type, class_: as the contract declares them.
        found: what its values look like, with their class; empty where there are none.
        is_exposed: whether they look more personal than they are declared.
    """

    place: str
    target: str
    type: str
    class_: str
    filled: int
    found: str
    is_exposed: bool = False


@dataclass(frozen=True)
class Refusal:
    """Rows refused, or values dropped, for one reason."""

    field: str
    action: str
    reason: str
    right: str
    rows: int


@dataclass(frozen=True)
class DryRun:
    """What loading a file would do.

    Attributes:
        report: the counts of the rows that were looked at.
        is_whole: whether those are all rows of the file.
        is_known: whether the file is loaded already, so that a load would skip it.
    """

    report: LoadReport
    is_whole: bool
    is_known: bool
    mapping: tuple[Mapped, ...]
    refusals: tuple[Refusal, ...]

    @property
    def classes(self) -> dict[str, int]:
        """How many columns look like each class of personal data."""
        found = [mapped.found.partition(":")[0] for mapped in self.mapping]
        return {str(c): found.count(c) for c in _ORDER}


def try_file(
    stores: Stores,
    contract: Contract,
    path: Path,
    *,
    now: datetime,
    rows: int | None = FIRST_ROWS,
) -> DryRun:
    """Say what loading a file would do; nothing is written but scratch.

    Args:
        rows: how many rows to look at, from the first; None looks at all.

    Raises:
        UsageError, ConfigInvalid: as a load would.
    """
    lake = stores.lake
    digest = content_hash(path)
    seen = load_of(lake, contract, path, digest)
    with stores.folder() as scratch:
        head = head_of(lake, path, contract.connector.format, scratch, rows=rows)
        staged = stage_file(lake, contract, head.path, scratch)
        found = Input(staged, seen.load_id, shown_file(path), digest)
        report = report_of(
            stage(stores, contract, found, now, scratch), found, is_new=False
        )
        return DryRun(
            report=report,
            is_whole=head.is_whole,
            is_known=seen.is_known,
            mapping=tuple(_mapping(lake, contract, staged)),
            refusals=tuple(_refusals(lake)),
        )


def _refusals(lake: Lake) -> list[Refusal]:
    rows = lake.rows(
        "select field, action, reason, any_value(expected), count(distinct line) "
        "from new_refused group by field, action, reason order by 5 desc, 1, 2, 3"
    )
    return [Refusal(*row) for row in rows]


def _mapping(lake: Lake, contract: Contract, staged: StagedRows) -> Iterator[Mapped]:
    places, left_out = places_of(lake, staged)
    declared = contract.places()
    looked = list(dict.fromkeys([*places, *declared]))
    stage_look(lake, staged, looked)
    lake.stage("infer_row", "from infer_part")
    targets = list(_targets(contract))
    for place in looked:
        finding = find(lake, look_at(lake, place))
        here = [(t, type_, class_) for at, t, type_, class_ in targets if at == place]
        for target, type_, class_ in here or [("", "", "")]:
            yield _mapped(staged, finding, target, type_, class_)
    for shown in left_out:
        yield Mapped(shown, "", "", "", 0, "")


def _mapped(
    staged: StagedRows, finding: Finding, target: str, type_: str, class_: str
) -> Mapped:
    column = finding.column
    shown = shown_key if staged.is_json else lambda name: shown_columns([name])[0]
    found = f"{finding.class_}: {finding.meaning}" if column.filled else ""
    return Mapped(
        place=shown(column.place),
        target=target,
        type=type_,
        class_=class_,
        filled=column.filled,
        found=found,
        is_exposed=bool(column.filled) and _is_exposed(finding.class_, class_),
    )


def _is_exposed(found: PersonalClass, declared: str) -> bool:
    """Say whether a stored field looks more personal than it is declared."""
    if declared not in set(_ORDER):
        return False
    return found is PersonalClass.DIRECT and declared == PersonalClass.ORDINARY


def _targets(contract: Contract) -> Iterator[tuple[str, str, str, str]]:
    """Yield place, target, type and class of all that the contract reads."""
    for key in contract.subject:
        for place in key.from_:
            yield place, f"subject ({key.kind})", "text", "direct"
    for path, spec in contract.specs():
        for place in spec.from_:
            yield place, path, str(spec.type), str(spec.class_)
    yield from _named(contract)
    for consent in contract.consent:
        yield from _consent(consent)


def _named(contract: Contract) -> Iterator[tuple[str, str, str, str]]:
    instants = {"recorded_at": contract.recorded_at}
    if event := contract.event:
        for place in event.message_id:
            yield place, "event.message_id", "text", ""
        for place in dict.fromkeys(p for when in event.names.values() for p in when):
            yield place, "event", "text", ""
        instants |= {
            "event.occurred_at": event.occurred_at,
            "event.sent_at": event.sent_at,
            "event.received_at": event.received_at,
        }
    if bought := contract.transaction:
        for place in bought.id:
            yield place, "transaction.id", "text", ""
        instants["transaction.occurred_at"] = bought.occurred_at
    for target, spec in instants.items():
        for place in spec.from_ if spec else ():
            yield place, target, "instant", ""


def _consent(spec: ConsentSpec) -> Iterator[tuple[str, str, str, str]]:
    for place in spec.from_:
        yield place, f"consent to {spec.purpose}", "text", ""
    for place in spec.captured_at.from_ if spec.captured_at else ():
        yield place, f"consent to {spec.purpose}, instant", "instant", ""
