"""What names of columns mean, in several languages: a hint beside the values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache


class Meaning(StrEnum):
    """What a column tells, as far as an inference can know it."""

    EMAIL = "e-mail address"
    PHONE = "phone number"
    MD5 = "MD5 digest"
    SHA1 = "SHA-1 digest"
    SHA256 = "SHA-256 digest"
    UID2 = "UID2"
    IBAN = "bank account"
    CARD = "payment card"
    IP = "address of a machine"
    AGENT = "browser and device in detail"
    FIRST_NAME = "given name"
    LAST_NAME = "family name"
    FULL_NAME = "full name"
    BIRTH_DATE = "date of birth"
    ADDRESS = "street address"
    POSTCODE = "postcode"
    TOWN = "town"
    NATIONAL_ID = "number of a person given by a state"
    ACCOUNT_ID = "login or account"
    CUSTOMER_ID = "number of a customer"
    DEVICE_ID = "device or browser"
    AD_ID = "advertising id"
    MESSAGE_ID = "number of an event"
    ORDER_ID = "number of a purchase"
    SPECIAL = "special category of personal data"
    PRECISE_PLACE = "precise place"
    GENDER = "gender"
    AGE = "age"
    BIRTH_YEAR = "year of birth"
    REGION = "region"
    COUNTRY = "country"
    INCOME = "income"
    OCCUPATION = "occupation"
    FAMILY = "family status"
    CONSENT = "consent decision"
    EVENT = "name of an event"
    OCCURRED_AT = "instant of an event"
    SENT_AT = "instant of sending"
    RECEIVED_AT = "instant of receipt"
    UPDATED_AT = "instant of the last change"
    CONSENTED_AT = "instant of a consent decision"
    CREATED_AT = "instant of the beginning"
    AMOUNT = "amount of money"
    QUANTITY = "quantity"
    CURRENCY = "currency"
    CATEGORY = "category"
    LINK = "web address"
    FREE_TEXT = "free text"
    TEXT = "text"


WORDS: tuple[tuple[Meaning, str], ...] = (
    (
        Meaning.CONSENTED_AT,
        "consented at, consent date, consent time, optin date, opt in date, optin at, "
        "optin time, consent timestamp, captured at, einwilligungsdatum, "
        "date consentement, fecha consentimiento, data consenso",
    ),
    (
        Meaning.CONSENT,
        "consent, consents, optin, opt in, optout, opt out, unsubscribed, unsubscribe, "
        "do not contact, do not call, gdpr, marketing permission, permission, "
        "newsletter, einwilligung, werbeeinwilligung, zustimmung, consentement, "
        "accord marketing, consentimiento, consenso, toestemming, consentimento, "
        "samtycke, zgoda",
    ),
    (
        Meaning.IP,
        "ip, ip address, ipaddress, ip adresse, remote addr, client ip",
    ),
    (Meaning.AGENT, "user agent, useragent, browser fingerprint"),
    (
        Meaning.EMAIL,
        "email, e mail, mail, emailaddress, mailadresse, emailadresse, courriel, "
        "correo, correo electronico, posta elettronica, e post, epost",
    ),
    (
        Meaning.PHONE,
        "phone, telephone, tel, mobile, mobil, cell, msisdn, fax, telefon, "
        "telefonnummer, handy, rufnummer, telefono, movil, cellulare, telefoon, "
        "telefone, celular, portable, numero de telephone",
    ),
    (
        Meaning.BIRTH_DATE,
        "dob, birth date, birthdate, date of birth, birthday, born, geburtsdatum, "
        "geburtstag, geb datum, date de naissance, date naissance, naissance, "
        "fecha de nacimiento, fecha nacimiento, nacimiento, data di nascita, "
        "data nascita, nascita, geboortedatum, data de nascimento, nascimento, "
        "data nascimento, fodelsedatum, data urodzenia",
    ),
    (
        Meaning.BIRTH_YEAR,
        "birth year, year of birth, yob, geburtsjahr, annee de naissance, "
        "ano nacimiento, anno di nascita, geboortejaar",
    ),
    (
        Meaning.NATIONAL_ID,
        "ssn, social security number, nino, national insurance, national id, "
        "passport, passport number, tax id, steuer id, steuernummer, ausweis, "
        "personalausweis, numero de securite sociale, nir, dni, nie, nif, "
        "codice fiscale, bsn, burgerservicenummer, cpf, pesel, personnummer, "
        "driving licence, drivers license, nhs number, sozialversicherungsnummer",
    ),
    (
        Meaning.SPECIAL,
        "religion, confession, konfession, ethnicity, ethnic group, race, ethnie, "
        "health, diagnosis, disability, disease, gesundheit, diagnose, "
        "behinderung, sante, salud, salute, sexual orientation, political, party, "
        "trade union, union membership, gewerkschaft, biometric, genetic, "
        "kirchensteuer",
    ),
    (
        Meaning.PRECISE_PLACE,
        "latitude, longitude, lat, lon, lng, geo, gps, coordinates, geohash",
    ),
    (
        Meaning.AD_ID,
        "ad id, adid, idfa, gaid, aaid, advertising id, mobile ad id, maid",
    ),
    (
        Meaning.DEVICE_ID,
        "anonymous id, device id, install id, installation id, cookie, cookie id, "
        "client id, visitor id, browser id, ga id, idfv, deviceid, cookieid, "
        "session cookie, fingerprint",
    ),
    (
        Meaning.ACCOUNT_ID,
        "account id, user id, userid, account, account no, account number, login, "
        "username, user name, member id, membership number, member no, konto, "
        "kontonummer, benutzer, benutzername, nutzer id, utilisateur, "
        "identifiant, usuario, utente, gebruiker, uid, loyalty number, "
        "loyalty id, card no, kundenkarte",
    ),
    (
        Meaning.MESSAGE_ID,
        "message id, event id, messageid, eventid, hit id, insert id, uuid, "
        "ereignis id, id evenement, id evento",
    ),
    (
        Meaning.ORDER_ID,
        "order id, order no, order number, orderid, transaction id, transaction no, "
        "invoice, invoice id, invoice no, invoice number, receipt id, receipt no, "
        "purchase id, basket id, bestellnummer, bestell nr, auftragsnummer, "
        "rechnungsnummer, rechnung nr, belegnummer, numero commande, "
        "numero de commande, commande id, facture, pedido, numero pedido, factura, "
        "ordine, numero ordine, fattura, ordernummer, numero do pedido",
    ),
    (
        Meaning.CUSTOMER_ID,
        "customer id, customer no, customer number, cust id, cust no, custid, "
        "client no, client number, client nr, contact id, person id, people id, "
        "patient id, subscriber id, profile id, lead id, kundennummer, kunden nr, "
        "kundennr, kunden id, kdnr, numero client, id client, client, id cliente, "
        "numero cliente, codice cliente, klantnummer, klant id, customer, kunde",
    ),
    (
        Meaning.FIRST_NAME,
        "first name, firstname, given name, givenname, forename, fname, christian name,"
        " vorname, prenom, nombre de pila, voornaam, imie, fornamn, "
        "primeiro nome, primo nome, nome proprio, first",
    ),
    (
        Meaning.LAST_NAME,
        "last name, lastname, surname, family name, familyname, lname, nachname, "
        "familienname, zuname, nom de famille, apellido, apellidos, cognome, "
        "achternaam, sobrenome, apelido, efternamn, nazwisko, maiden name, "
        "geburtsname",
    ),
    (
        Meaning.POSTCODE,
        "postcode, post code, postal code, postalcode, zip, zip code, zipcode, plz, "
        "postleitzahl, code postal, codigo postal, cap, codice postale, cep, "
        "postnummer, kod pocztowy",
    ),
    (
        Meaning.ADDRESS,
        "address, addr, street, street address, address line, addr1, addr2, address1, "
        "address2, house number, adresse, anschrift, strasse, str, hausnummer, rue, "
        "direccion, calle, domicilio, indirizzo, via, adres, straat, endereco, rua, "
        "adress, gatuadress, ulica",
    ),
    (
        Meaning.TOWN,
        "city, town, ort, wohnort, stadt, ville, commune, ciudad, poblacion, citta, "
        "comune, plaats, woonplaats, stad, cidade, miasto, locality, municipality",
    ),
    (
        Meaning.FULL_NAME,
        "full name, fullname, customer name, client name, contact name, person name, "
        "member name, guest name, recipient, cardholder, account holder, name, "
        "display name, kundenname, nom complet, nom, nombre completo, nombre, "
        "nome completo, nome, naam, ansprechpartner, contact",
    ),
    (
        Meaning.GENDER,
        "gender, sex, geschlecht, anrede, sexe, genre, sexo, genero, sesso, genere, "
        "geslacht, kon, salutation, title, civilite, titel",
    ),
    (Meaning.AGE, "age, alter, edad, eta, leeftijd, idade, age band, age group"),
    (
        Meaning.REGION,
        "region, state, county, province, provinz, bundesland, departement, "
        "provincia, comunidad, regione, provincie, estado, district, landkreis",
    ),
    (Meaning.COUNTRY, "country, land, pays, pais, paese, country code, nation"),
    (
        Meaning.INCOME,
        "income, salary, income band, einkommen, gehalt, revenu, salaire, ingresos, "
        "salario, reddito, stipendio, inkomen, credit score",
    ),
    (
        Meaning.OCCUPATION,
        "occupation, profession, job, job title, beruf, metier, ocupacion, "
        "profesion, professione, beroep, profissao, education, ausbildung",
    ),
    (
        Meaning.FAMILY,
        "marital status, household, household size, children, familienstand, "
        "etat civil, estado civil, stato civile, nationality, staatsangehorigkeit, "
        "nationalite, nacionalidad, birth place, place of birth, geburtsort",
    ),
    (
        Meaning.EVENT,
        "event, event name, eventname, event type, eventtype, action, activity, "
        "activity type, type, hit type, ereignis, evenement, evento, aktion",
    ),
    (Meaning.SENT_AT, "sent at, sentat, send time, sent time"),
    (
        Meaning.RECEIVED_AT,
        "received at, receivedat, received ts, received time, ingested at, "
        "collector tstamp, server time",
    ),
    (
        Meaning.UPDATED_AT,
        "updated at, updated, update time, last updated, modified, modified at, "
        "last modified, changed at, last change, geandert, geaendert, "
        "aenderungsdatum, anderungsdatum, mis a jour, actualizado, aggiornato, "
        "gewijzigd, updated on, last update, as of",
    ),
    (
        Meaning.CREATED_AT,
        "created at, created, creation date, signup date, signed up, registered, "
        "registration date, registered at, join date, joined, erstellt, "
        "erstelldatum, anlagedatum, cree le, date creation, creado, creato",
    ),
    (
        Meaning.OCCURRED_AT,
        "timestamp, ts, occurred at, event time, event date, event timestamp, "
        "datetime, date time, time, date, at, ordered at, order date, purchased at, "
        "purchased on, purchase date, transaction date, invoice date, datum, uhrzeit, "
        "zeitpunkt, zeitstempel, bestelldatum, rechnungsdatum, kaufdatum, "
        "date commande, date de commande, date achat, horodatage, fecha, "
        "fecha pedido, fecha compra, data, data ordine, data acquisto, "
        "besteldatum, tijdstip, hit time, dt",
    ),
    (
        Meaning.CURRENCY,
        "currency, currency code, wahrung, waehrung, devise, moneda, valuta, divisa",
    ),
    (
        Meaning.QUANTITY,
        "quantity, qty, units, items, item count, menge, anzahl, stuck, stueck, "
        "quantite, cantidad, quantita, aantal, quantidade",
    ),
    (
        Meaning.AMOUNT,
        "amount, total, order total, total amount, grand total, revenue, sales, value, "
        "order value, price, spend, net amount, gross amount, betrag, summe, gesamt, "
        "gesamtbetrag, umsatz, preis, montant, prix, total ttc, importe, monto, "
        "precio, importo, totale, prezzo, bedrag, prijs, valor, kwota",
    ),
    (
        Meaning.CATEGORY,
        "category, product category, item category, kategorie, warengruppe, "
        "categorie, rubrique, categoria, departement produit, product group",
    ),
)
"""Names of columns by what they mean, those first that win where two fit."""

_STRANGERS = frozenset(
    "product item company brand campaign event page screen file app segment shop "
    "store channel category plan partner produkt firma produit entreprise producto "
    "prodotto azienda artikel host domain".split()
)
"""Words before `name` that make it no person's."""

_ALONE = frozenset(
    "account action activity alter at cap cell client commune contact cookie customer "
    "data date devise district dt eta first genre geo health items job kon konto "
    "kunde land lat lng lon mobil naam nation nir nom nombre nome ort party plaats "
    "portable race rua rue sales stad state str time titel title type uid union units "
    "uuid value via".split()
)
"""Phrases of one word that mean something only as the whole last part of a place."""

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@lru_cache(maxsize=4096)
def parts_of(name: str) -> tuple[str, ...]:
    """Return the words of a name, lower-case and without accents.

    >>> parts_of("traits.firstName"), parts_of("E-Mail_Adresse"), parts_of("Größe")
    (('traits', 'first', 'name'), ('e', 'mail', 'adresse'), ('grosse',))
    """
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    ascii_ = plain.encode("ascii", "ignore").decode()
    return tuple(part.lower() for part in _PARTS.findall(ascii_))


def meanings_of(name: str) -> tuple[Meaning, ...]:
    """Return what a name may mean, the likeliest first; nothing for most names.

    The last part of a dotted place counts before the way to it; then the longest
    phrase, then the one nearest to the end of the name.

    >>> meanings_of("billing.emailAddress")[0], meanings_of("product_name")
    (<Meaning.EMAIL: 'e-mail address'>, ())
    """
    last = name.rpartition(".")[2]
    return _meanings(last, last) or _meanings(name, last)


def _meanings(name: str, last: str) -> tuple[Meaning, ...]:
    parts, alone = parts_of(name), parts_of(last)
    found: dict[Meaning, tuple[int, int]] = {}
    for meaning, phrase in _PHRASES:
        if len(phrase) == 1 and phrase[0] in _ALONE and phrase != alone:
            continue
        end = _end_of(phrase, parts)
        if end and not _is_strangers(meaning, parts, end - len(phrase)):
            rank = (-len("".join(phrase)), len(parts) - end)
            found[meaning] = min(rank, found.get(meaning, rank))
    return tuple(sorted(found, key=lambda meaning: (found[meaning], _RANK[meaning])))


def _end_of(phrase: Sequence[str], parts: Sequence[str]) -> int:
    """Return where a phrase last ends among the parts, or 0."""
    size = len(phrase)
    for end in range(len(parts), size - 1, -1):
        if tuple(parts[end - size : end]) == tuple(phrase):
            return end
    return len(parts) if "".join(phrase) == "".join(parts) else 0


def _is_strangers(meaning: Meaning, parts: Sequence[str], start: int) -> bool:
    person = meaning in {Meaning.FULL_NAME, Meaning.ADDRESS, Meaning.TOWN}
    return person and bool(_STRANGERS & set(parts[: max(start, 0)]))


def _phrases() -> Iterator[tuple[Meaning, tuple[str, ...]]]:
    for meaning, text in WORDS:
        for phrase in text.split(","):
            yield meaning, tuple(phrase.split())


_PHRASES = tuple(_phrases())
_RANK = {meaning: place for place, (meaning, _) in enumerate(WORDS)}
