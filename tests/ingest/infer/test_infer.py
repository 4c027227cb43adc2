"""Files of many forms, each with what an inference must make of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dmp.core.errors import UsageError
from dmp.ingest.infer import Inferred

Infer = Callable[..., Inferred]

PEOPLE = [
    ("17", "Ann", "Smith", "ann@mail.example", "020 7946 0018", "1980-03-01", "yes"),
    ("18", "Bob", "Jones", "bob@mail.example", "020 7946 0019", "1991-12-24", "no"),
    ("19", "Cy", "Brown", "cy@mail.example", "020 7946 0020", "1955-07-13", ""),
]
HEADER = ("id", "first_name", "surname", "email", "phone", "dob", "newsletter_opt_in")


def table(header: tuple[str, ...], rows: list[tuple[str, ...]], mark: str) -> str:
    return "".join(mark.join(row) + "\n" for row in (header, *rows))


def field_of(inferred: Inferred, place: str) -> dict[str, object]:
    fields = inferred.contract.fields.values()
    spec = next(s for s in fields if s.from_ == (place,))
    return spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)


@pytest.mark.parametrize("mark", [",", ";", "\t", "|", "~", "^", "\x01"], ids=repr)
def test_any_delimiter_is_found(infer_text: Infer, mark: str) -> None:
    found = infer_text(table(HEADER, PEOPLE, mark))
    assert found.contract.connector.delimiter == mark
    assert [*found.contract.fields] == [
        *("first_name", "last_name", "email", "phone", "birth_date", "birth_year")
    ]
    assert found.contract.subject[0].from_ == ("id",)


HEADERS = {
    "german": "Kundennr Vorname Nachname E-Mail Telefon Geburtsdatum Einwilligung",
    "french": "id_client prénom nom_de_famille courriel téléphone date_de_naissance "
    "consentement_email",
    "spanish": "id_cliente nombre_de_pila apellidos correo teléfono "
    "fecha_de_nacimiento consentimiento",
    "italian": "codice_cliente primo_nome cognome posta_elettronica cellulare "
    "data_di_nascita consenso",
    "dutch": "klantnummer voornaam achternaam email telefoon geboortedatum toestemming",
}


@pytest.mark.parametrize("language", HEADERS)
def test_names_are_read_in_several_languages(infer_text: Infer, language: str) -> None:
    header = tuple(HEADERS[language].split())
    found = infer_text(table(header, PEOPLE, ";"))
    wanted = {"first_name", "last_name", "email", "phone", "birth_date", "birth_year"}
    assert wanted <= set(found.contract.fields)
    assert found.contract.subject[0].from_ == (header[0],)
    assert [c.from_ for c in found.contract.consent] == [(header[-1],)]


def test_values_tell_where_names_do_not(infer_text: Infer) -> None:
    rows = [
        (f"k{n}", f"p{n}@mail.example", f"+44 20 7946 {n:04d}", "ab" * 32, "192.0.2.7")
        for n in range(30)
    ]
    found = infer_text(table(("a", "b", "c", "d", "e"), rows, ","))
    assert field_of(found, "b")["type"] == "email"
    assert field_of(found, "c")["type"] == "phone"
    assert field_of(found, "d")["type"] == "sha256"
    assert "identifier" not in field_of(found, "d")
    assert "e: addresses of machines" in found.text
    assert found.contract.subject[0].from_ == ("a",)


@pytest.mark.parametrize(
    ("place", "value", "why"),
    [
        ("iban", "DE89 3704 0044 0532 0130 00", "bank accounts"),
        ("x", "4111 1111 1111 1111", "payment cards"),
        ("Religion", "Jedi", "special category"),
        ("lat", "51.5072", "tells where"),
        ("ssn", "078-05-1120", "given by a state"),
        ("notes", "please call back after five in the afternoon, not before", "free"),
        ("empty", "", "no value"),
    ],
)
def test_what_need_not_be_loaded_is_left_out(
    infer_text: Infer, place: str, value: str, why: str
) -> None:
    rows = [(f"k{n}", value) for n in range(5)]
    found = infer_text(table(("id", place), rows, "|"))
    assert place not in found.contract.places()
    assert f"#   {place}: " in found.text
    assert why in found.text
    assert not value or value not in found.text


DATES = {
    "iso": ("2026-05-01", "2026-12-31", []),
    "day_first": ("31/12/2025", "01/02/2026", ["%d/%m/%Y"]),
    "month_first": ("12/31/2025", "02/01/2026", ["%m/%d/%Y"]),
    "german": ("31.12.2025", "01.02.2026", ["%d.%m.%Y"]),
    "worded": ("31 Dec 2025", "01 Feb 2026", ["%d %b %Y"]),
    "compact": ("20251231", "20260201", ["%Y%m%d"]),
    "clock": ("31/12/2025 09:30", "01/02/2026 10:00", ["%d/%m/%Y %H:%M"]),
    "epoch": ("1767260379459", "1767260380566", ["epoch_ms"]),
}


@pytest.mark.parametrize("written", DATES)
def test_how_dates_are_written(infer_text: Infer, written: str) -> None:
    first, second, formats = DATES[written]
    found = infer_text(f"id,joined_at\n1,{first}\n2,{second}\n")
    spec = next(s for s in found.contract.fields.values() if s.from_ == ("joined_at",))
    assert spec.type in ("date", "instant")
    assert list(spec.formats) == formats
    assert "cannot be read" not in found.text
    assert "day or month first" not in found.text


def words(inferred: Inferred) -> str:
    return " ".join(inferred.text.replace("#", "").split())


def test_a_date_that_reads_both_ways_is_said(infer_text: Infer) -> None:
    found = infer_text("id,joined_on\n1,01/02/2026\n2,03/04/2026\n")
    assert "CHECK, day or month first" in words(found)
    mixed = infer_text("id,joined_on\n1,31/01/2026\n2,01/31/2026\n3,30/04/2026\n")
    assert "some values can only be read day first" in words(mixed)


def test_dates_of_birth_are_known_by_their_years(infer_text: Infer) -> None:
    days = [date(1940, 1, 1) + timedelta(days=700 * n) for n in range(40)]
    rows = [(f"k{n}", day.isoformat()) for n, day in enumerate(days)]
    found = infer_text(table(("a", "b"), rows, ","))
    assert found.contract.fields["birth_date"].class_ == "direct"
    assert found.contract.fields["birth_year"].class_ == "quasi"
    assert not any(day.isoformat() in found.text for day in days)


def test_numbers_with_a_comma_are_read(infer_text: Infer) -> None:
    rows = "".join(f"{n};k{n % 3};0{n + 1}.03.2026;1.2{n}4,50\n" for n in range(9))
    found = infer_text(f"Bestellnummer;Kundennummer;Bestelldatum;Betrag\n{rows}")
    bought = found.contract.transaction
    assert bought is not None
    assert bought.amount.formats == ("1.234,56",)
    assert bought.occurred_at.formats == ("%d.%m.%Y",)
    assert bought.id == ("Bestellnummer",)
    assert not bought.repeats


def test_purchases_without_a_number_are_told_apart(infer_text: Infer) -> None:
    rows = "".join(f"{n % 4},2026-05-0{n % 5 + 1},9.5\n" for n in range(40))
    found = infer_text(f"customer_id,purchased_on,amount\n{rows}", name="buy.csv")
    bought = found.contract.transaction
    assert bought is not None
    assert bought.repeats
    assert bought.id[0] == "customer_id"
    assert bought.currency_is == "EUR"
    assert "CHECK: the file names no currency" in found.text


def test_events_without_a_number_are_records_and_that_is_said(
    infer_text: Infer,
) -> None:
    rows = "".join(f"u{n % 4},2026-05-01T10:00:00Z,view\n" for n in range(9))
    found = infer_text(f"user_id,timestamp,event\n{rows}")
    assert found.contract.event is None
    assert "no column names one event" in words(found)


def test_an_opt_out_denies(infer_text: Infer) -> None:
    found = infer_text("id,email_opt_out\n1,yes\n2,no\n")
    (decision,) = found.contract.consent
    assert (decision.granted, decision.denied) == (("no",), ("yes",))
    assert "yes here means no" in words(found)


def test_parquet_with_nested_columns(infer_text: Infer, tmp_path: Path) -> None:
    rows = [
        {"id": n, "home": {"city": "Leeds", "tags": ["a"]}, "raw": b"x"}
        for n in range(3)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "p.parquet")
    found = infer_text((tmp_path / "p.parquet").read_bytes(), name="p.parquet")
    assert found.contract.connector.format == "parquet"
    assert found.contract.fields["town"].from_ == ("home.city",)
    assert "home.tags: a list" in found.text


def test_keys_that_may_be_values_are_not_shown(infer_text: Infer) -> None:
    row = {"id": 1, "seen": {"jo@mail.example": 1}, "a.b": 2, "tier": "gold"}
    lines = "".join(json.dumps({**row, "id": n}) + "\n" for n in range(3))
    found = infer_text(lines, name="x.jsonl")
    assert set(found.contract.places()) == {"id", "tier"}
    assert "jo@mail.example" not in found.text


def test_a_name_that_another_source_types_otherwise_gets_a_longer_one() -> None:
    from dmp.ingest.infer.naming import Names

    names = Names("shop", {("attribute", "age"): "VARCHAR"})
    assert names.give("", "age", "attribute", "BIGINT") == "shop_age"
    assert names.give("", "home.age", "attribute", "BIGINT") == "home_age"


WRONG: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\n", "is empty"),
    "header_only": (b"id,name\n", "no rows"),
    "no_header": (b"1,ann@mail.example\n2,bob@mail.example\n", "looks like data"),
    "numbers": (b"1,2.5\n2,3.5\n", "looks like data"),
    "utf_16": ("id,name\n1,a\n".encode("utf-16"), "UTF-16"),
    "gzip": (b"\x1f\x8b\x08 more", "gzip"),
    "zip": (b"PK\x03\x04 more", "zip"),
    "array": (b'[{"id": 1}]\n', "JSON array"),
    "binary": (b"\x01" + bytes(4000), "no text"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_read_is_said(infer_text: Infer, case: str) -> None:
    content, expected = WRONG[case]
    with pytest.raises(UsageError, match=expected):
        infer_text(content, name="input")


def test_files_of_one_source_have_one_form(infer_text: Infer) -> None:
    found = infer_text("id,tier\n1,a\n", "id,tier\n2,b\n")
    assert found.rows == 2
    with pytest.raises(UsageError, match="one source has files of one form"):
        infer_text("id,tier\n1,a\n", "id;tier\n2;b\n")
    with pytest.raises(UsageError, match="has no column to"):
        infer_text("id,tier\n1,a\n", "id,town\n2,Leeds\n")


def test_old_encodings_and_byte_order_marks(infer_text: Infer) -> None:
    found = infer_text("id;Straße\n1;Größenweg 3\n".encode("cp1252"))
    assert field_of(found, "Straße")["class"] == "direct"
    marked = infer_text("\ufeffid,tier\n1,gold\n")
    assert marked.contract.subject[0].from_ == ("id",)
