"""Contracts: what a source holds, and how it becomes records, events, purchases.

One YAML file in `config/sources/` is one contract. A field that no contract declares
is never stored; a declared one says for which purposes it is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from dmp.core.config import Document, fingerprint, parse, read_all, read_yaml
from dmp.core.errors import ConfigInvalid, Fault, UnknownName
from dmp.core.identifiers import DUCKDB_TYPES, FieldType
from dmp.ingest.vocabulary import (
    Delimiter,
    FieldName,
    Region,
    Zone,
    twins,
    unknown_format,
)


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Paths = Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
"""Places of a value in a row, dotted into nested ones; the first present one counts."""

Words = Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)]


class PersonalClass(StrEnum):
    """The class of personal data of a field."""

    DIRECT = "direct"
    QUASI = "quasi"
    ORDINARY = "ordinary"


class Connector(Document):
    """Where rows come from: files that match `path`, relative to the workspace."""

    type: Literal["file"] = "file"
    format: Literal["csv", "jsonl", "parquet"]
    path: str = Field(min_length=1)
    encoding: Literal["auto", "utf-8", "cp1252"] = "auto"
    delimiter: Delimiter = ","


class Identifier(Document):
    """Makes a field an identifier by which subjects are joined.

    The encoding of a RampID is in its value.

    Attributes:
        together_with: other fields of the source; only all of them together identify,
            as an IP address does with a user agent.
        window_hours: two rows show the same identifier only within this time of each
            other: always up to half of it, never beyond it.
    """

    type: str
    namespace: str = "public"
    encoding: Literal["plain", "md5", "sha1", "sha256", "sha256_uid2"] = "plain"
    together_with: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ()
    window_hours: float | None = Field(default=None, gt=0, le=24 * 365)

    @property
    def is_plain(self) -> bool:
        """Whether one value alone is the identifier, at any time."""
        return not self.together_with and self.window_hours is None


DIRECT_TYPES = (
    FieldType.NAME,
    FieldType.EMAIL,
    FieldType.PHONE,
    FieldType.MD5,
    FieldType.SHA1,
    FieldType.SHA256,
    FieldType.UID2,
    FieldType.EUID,
    FieldType.RAMPID,
    FieldType.ID5,
    FieldType.AD_ID,
    FieldType.IP,
)
"""What these read is about one person alone: it is never stored in the lake."""


NUMBER_FORMATS = {
    "1,234.56": (",", "."),
    "1.234,56": (".", ","),
    "1 234,56": (" ", ","),
    "1'234.56": ("'", "."),
}
"""How numbers may be written: the mark between thousands, and the decimal mark."""


class FieldSpec(Document):
    """One field: where it is, how it is read, why it is kept.

    Attributes:
        clear: for a direct identifier, whether its clear value goes to the vault; if
            not, only its pseudonym is kept.
        on_fault: what an unreadable value does: refuse the row, or drop the value and
            keep the fault on record.
        formats: strptime formats tried in turn, for dates and instants; for a number
            how it is written, such as `1.234,56`.
        values: raw value to the value kept; a value not listed is a fault.
        minimum: the least value, included, of an integer or number.
        past: of a date or year, that it lies not in the future, as a birth does: a year
            of two digits is read so, and a later one is a fault.
    """

    from_: Paths = Field(alias="from")
    type: FieldType = FieldType.TEXT
    class_: PersonalClass = Field(default=PersonalClass.ORDINARY, alias="class")
    purpose: Words
    required: bool = False
    on_fault: Literal["refuse", "drop"] = "refuse"
    formats: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ()
    values: Mapping[str, str] = {}
    pattern: str = ""
    minimum: float | None = Field(default=None, allow_inf_nan=False)
    past: bool = False
    identifier: Identifier | None = None
    clear: bool = True

    @property
    def duckdb_type(self) -> str:
        """The type under which the value is stored."""
        return DUCKDB_TYPES.get(self.type, "VARCHAR")

    @model_serializer(mode="wrap")
    def _as_before(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what came later and is not used: a contract keeps its version."""
        document: dict[str, Any] = write(self)
        if not self.past:
            document.pop("past", None)
        return document

    @model_validator(mode="after")
    def _known_number_formats(self) -> FieldSpec:
        if self.type is FieldType.NUMBER and set(self.formats) - set(NUMBER_FORMATS):
            known = ", ".join(NUMBER_FORMATS)
            raise ValueError(f"formats of a number are some of {known}")
        return self

    @model_validator(mode="after")
    def _options_fit_the_type(self) -> FieldSpec:
        if self.minimum is not None and self.type not in _COUNTED:
            raise ValueError("minimum is for integers and numbers")
        if self.past and self.type not in (FieldType.DATE, FieldType.YEAR):
            raise ValueError("past is for dates and years")
        if self.formats and self.type not in (*_DATED, FieldType.NUMBER):
            raise ValueError("formats are for dates, years, instants and numbers")
        if self.type in _DATED:
            _check_formats(self.formats)
        return self

    @model_validator(mode="after")
    def _people_are_direct(self) -> FieldSpec:
        if self.type in DIRECT_TYPES and self.class_ is not PersonalClass.DIRECT:
            raise ValueError(
                f"type {self.type} is of class direct; write class: direct"
            )
        return self

    @model_validator(mode="after")
    def _an_address_is_no_identifier_alone(self) -> FieldSpec:
        if self.type is FieldType.IP and self.identifier:
            given = self.identifier
            if not (given.together_with and given.window_hours):
                raise ValueError(
                    "an IP address identifies only together_with other fields and "
                    "within window_hours"
                )
        return self

    @model_validator(mode="after")
    def _identifiers_are_direct(self) -> FieldSpec:
        if self.identifier and self.class_ is not PersonalClass.DIRECT:
            raise ValueError("an identifier is of class direct; write class: direct")
        return self


_COUNTED = (FieldType.INTEGER, FieldType.NUMBER)
_DATED = (FieldType.DATE, FieldType.YEAR, FieldType.INSTANT)


def _check_formats(formats: Sequence[str]) -> None:
    if wrong := unknown_format(formats):
        raise ValueError(f"{wrong} cannot be read; right would be %Y-%m-%d %H:%M:%S")


def _check_not_direct(fields: Mapping[str, FieldSpec | None]) -> None:
    """Refuse direct identifiers where values go straight into the lake."""
    for name, spec in fields.items():
        if spec and spec.class_ is PersonalClass.DIRECT:
            raise ValueError(f"{name} would be stored in the lake; move it to fields")


class InstantSpec(Document):
    """An instant of a row; without an offset it is in the contract's time zone."""

    from_: Paths = Field(alias="from")
    formats: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ()

    @model_validator(mode="after")
    def _known_formats(self) -> InstantSpec:
        _check_formats(self.formats)
        return self


class SubjectKey(Document):
    """A key under which the source knows somebody; the first present one counts."""

    from_: Paths = Field(alias="from")
    kind: Literal["user", "device", "record"]


class EventSpec(Document):
    """How a row becomes an event.

    Attributes:
        names: canonical event name to the raw values that mean it, by place.
        sent_at, received_at: with both, a wrong device clock is corrected:
            occurred_at = received_at - (sent_at - occurred_at).
    """

    message_id: Paths
    occurred_at: InstantSpec
    sent_at: InstantSpec | None = None
    received_at: InstantSpec | None = None
    platform: str
    names: Mapping[str, Mapping[str, Words]] = Field(min_length=1)
    properties: Mapping[FieldName, FieldSpec] = {}

    @model_validator(mode="after")
    def _no_direct_property(self) -> EventSpec:
        _check_not_direct(self.properties)
        return self


MEASURES = ("amount", "quantity", "category", "currency")
"""The fields of a purchase, besides its id and instant."""


class TransactionSpec(Document):
    """How a row becomes a purchase.

    Attributes:
        id: the places that together name a purchase.
        repeats: whether equal ids in one file are different purchases, told apart by
            their order.
        currency: a place, or with `currency_is` a constant.
    """

    id: Paths
    repeats: bool = False
    occurred_at: InstantSpec
    amount: FieldSpec
    quantity: FieldSpec | None = None
    category: FieldSpec | None = None
    currency: FieldSpec | None = None
    currency_is: str = ""

    @model_validator(mode="after")
    def _nothing_direct(self) -> TransactionSpec:
        _check_not_direct({name: getattr(self, name) for name in MEASURES})
        return self


class ConsentSpec(Document):
    """A place that holds a consent decision, or a legal basis for the whole source.

    Attributes:
        granted, denied: the words at the place that decide; any other decides nothing.
        declared: instead of a place: every row grants, on a legal basis other than
            consent that the operator answers for, such as a contract.
    """

    purpose: str
    from_: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = Field(
        default=(), alias="from"
    )
    granted: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ()
    denied: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ()
    captured_at: InstantSpec | None = None
    legal_basis: str = "consent"
    declared: Literal["granted"] | None = None

    @model_validator(mode="after")
    def _place_or_declaration(self) -> ConsentSpec:
        if self.declared is None and not (self.from_ and self.granted and self.denied):
            raise ValueError("give from, granted and denied; or declared: granted")
        if self.declared and (self.from_ or self.legal_basis == "consent"):
            raise ValueError(
                "declared: granted takes no from, and a legal_basis other than consent"
            )
        return self


class Contract(Document):
    """One source, as its YAML file declares it."""

    source: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: str = ""
    owner: str
    timezone: Zone = "UTC"
    phone_region: Region = "GB"
    jurisdiction: str = ""
    connector: Connector
    subject: tuple[SubjectKey, ...] = Field(min_length=1)
    recorded_at: InstantSpec | None = None
    fields: Mapping[FieldName, FieldSpec] = {}
    event: EventSpec | None = None
    transaction: TransactionSpec | None = None
    consent: tuple[ConsentSpec, ...] = ()

    @model_validator(mode="after")
    def _no_twins(self) -> Contract:
        properties = self.event.properties if self.event else {}
        if found := [*twins(self.fields), *twins(properties)]:
            raise ValueError(f"{', '.join(found)}: another field is called so")
        return self

    @model_validator(mode="after")
    def _together_with_fields(self) -> Contract:
        for name, spec in self.fields.items():
            others = spec.identifier.together_with if spec.identifier else ()
            if wrong := [o for o in others if o == name or o not in self.fields]:
                known = ", ".join(field for field in self.fields if field != name)
                raise ValueError(
                    f"{name}: together_with names {', '.join(wrong)}, which is no "
                    f"other field; there are {known}"
                )
        return self

    @property
    def version(self) -> str:
        """A fingerprint that changes with anything that changes what is stored."""
        meaning = self.model_dump(mode="json", exclude={"description", "owner"})
        meaning["connector"].pop("path")
        for spec in meaning["fields"].values():
            _forget_unset(spec["identifier"] or {})
        return fingerprint(meaning)

    @property
    def direct_fields(self) -> dict[str, FieldSpec]:
        """The fields whose clear values go to the vault."""
        return {
            name: spec
            for name, spec in self.fields.items()
            if spec.class_ is PersonalClass.DIRECT and spec.clear
        }

    @property
    def attributes(self) -> dict[str, FieldSpec]:
        """The fields stored in the lake."""
        return {
            name: spec
            for name, spec in self.fields.items()
            if spec.class_ is not PersonalClass.DIRECT
        }

    def specs(self) -> Iterator[tuple[str, FieldSpec]]:
        """Yield each field, property and measure, with its path in the contract."""
        properties = self.event.properties if self.event else {}
        measures = {name: getattr(self.transaction, name, None) for name in MEASURES}
        for part, specs in (
            ("fields", self.fields),
            ("event.properties", properties),
            ("transaction", measures),
        ):
            yield from (
                (f"{part}.{name}", spec) for name, spec in specs.items() if spec
            )

    def places(self) -> list[str]:
        """Return every place of a row that the contract reads, sorted."""
        return sorted(self.uses())

    def uses(self) -> Counter[str]:
        """Return how often the contract reads each place."""
        return Counter(_places(self))


def _forget_unset(identifier: dict[str, Any]) -> None:
    """Take out what is not given and came later than the first loads."""
    for name in ("together_with", "window_hours"):
        if not identifier.get(name):
            identifier.pop(name, None)


def read_contract(path: Path) -> Contract:
    """Read one contract.

    Raises:
        ConfigInvalid: all its faults at once.
    """
    contract = parse(Contract, read_yaml(path), f"config/sources/{path.name}")
    if contract.source != path.stem:
        fault = Fault("source", "differs from the file's name", f"source: {path.stem}")
        raise ConfigInvalid(f"config/sources/{path.name}", [fault])
    return contract


def read_contracts(folder: Path) -> dict[str, Contract]:
    """Return all contracts of a folder by source.

    Raises:
        ConfigInvalid: the faults of all contracts, or names of two types among them.
    """
    contracts = read_all(folder, read_contract)
    faults = [*_type_clashes([*contracts.values()])]
    if faults:
        raise ConfigInvalid("config/sources", faults)
    return {contract.source: contract for contract in contracts.values()}


def chosen(contracts: Mapping[str, Contract], source: str) -> Contract:
    """Return one contract by name.

    Raises:
        UnknownName: no such source; the near ones are named.
    """
    if source not in contracts:
        raise UnknownName("source", source, list(contracts))
    return contracts[source]


def _type_clashes(contracts: Sequence[Contract]) -> Iterator[Fault]:
    for what in ("attribute", "property"):
        seen: dict[str, tuple[str, str]] = {}
        for contract in contracts:
            for name, spec in _stored(contract, what).items():
                type_, first = seen.setdefault(
                    name, (spec.duckdb_type, contract.source)
                )
                if type_ != spec.duckdb_type:
                    yield Fault(
                        f"{contract.source}.{name}",
                        f"{what} of type {spec.duckdb_type}, but {type_} in {first}",
                        "give it one type, or another name",
                    )


def _stored(contract: Contract, what: str) -> Mapping[str, FieldSpec]:
    if what == "attribute":
        return contract.attributes
    return contract.event.properties if contract.event else {}


def _places(part: Any) -> Iterator[str]:
    """Yield the places that a contract or a part of it names."""
    if isinstance(part, FieldSpec | InstantSpec | SubjectKey | ConsentSpec):
        yield from part.from_
    if isinstance(part, EventSpec):
        yield from part.message_id
        yield from (place for when in part.names.values() for place in when)
    if isinstance(part, TransactionSpec):
        yield from part.id
    if isinstance(part, Document):
        for name in type(part).model_fields:
            yield from _places(getattr(part, name))
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from _places(value)
    elif isinstance(part, tuple):
        for value in part:
            yield from _places(value)
