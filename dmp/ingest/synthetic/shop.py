"""The orders of the shop system: members and guests, online orders among them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from dmp.ingest.synthetic.activity import Activity
from dmp.ingest.synthetic.corruption import (
    SHOP_ERRORS,
    dressed,
    written_email,
    written_line,
    written_name,
    written_phone,
    written_postcode,
)
from dmp.ingest.synthetic.odds import chance
from dmp.ingest.synthetic.people import Person
from dmp.ingest.synthetic.purchases import (
    Purchase,
    n_purchases,
    online_purchases,
    purchases,
)
from dmp.ingest.synthetic.seeds import coded, generator
from dmp.ingest.synthetic.seeds import dice as stream
from dmp.ingest.synthetic.sessions import start_times
from dmp.ingest.synthetic.spec import DAY_MS, Spec
from dmp.ingest.synthetic.tables import Refusal, refusals_of
from dmp.ingest.synthetic.truth import Subjects

SCHEMA = pa.schema(
    [
        ("order_id", pa.string()),
        ("shop_customer_id", pa.string()),
        ("account_id", pa.string()),
        ("customer_name", pa.string()),
        ("customer_email", pa.string()),
        ("customer_phone", pa.string()),
        ("ship_address", pa.string()),
        ("ship_city", pa.string()),
        ("ship_postcode", pa.string()),
        ("ordered_at", pa.timestamp("us", tz="UTC")),
        ("amount", pa.float64()),
        ("currency", pa.string()),
        ("quantity", pa.int32()),
        ("category", pa.string()),
        ("marketing_optin", pa.bool_()),
    ]
)
_MOST_ORDERS = 23
_SLOTS = 32
"""Numbers a person has for customer and order ids: 0 the member, 1 to 3 a guest by
e-mail, from 8 a guest by order."""

_GUEST_BY_ORDER = 8
_BAD = 0.003


@dataclass(frozen=True, slots=True)
class Order:
    """One row; `number` and `customer` are codes yet to be shuffled, -1 for null."""

    number: int
    customer: int
    purchase: Purchase
    account_id: str
    contact: tuple[str, str, str]
    address: tuple[str, str, str]
    opt_in: bool | None


def _contact(
    dice: random.Random, person: Person, email: str, at_ms: int
) -> tuple[str, str, str]:
    """Return full name, e-mail and phone as typed in at the till."""
    stale = chance(dice, SHOP_ERRORS.outdated)
    last_name = person.surname_at(at_ms - 730 * DAY_MS if stale else at_ms)
    given, last = written_name(
        dice, SHOP_ERRORS, person.given_name, person.nickname, last_name
    )
    name = f"{last}, {given}" if chance(dice, 0.04) else f"{given} {last}"
    if chance(dice, SHOP_ERRORS.shouting):
        name = name.upper()
    phone = "" if chance(dice, 0.2) else written_phone(dice, person.mobile)
    missing = chance(dice, SHOP_ERRORS.missing / 2)
    return (
        dressed(dice, SHOP_ERRORS, name),
        "" if missing else written_email(dice, email),
        phone,
    )


def _address(dice: random.Random, person: Person, at_ms: int) -> tuple[str, str, str]:
    """Return where the order goes: home, as written down."""
    home = person.home_at(at_ms)
    line = written_line(dice, SHOP_ERRORS, home.line)
    return line, home.city, written_postcode(dice, home.postcode)


def _customer(
    dice: random.Random, person: Person, member: bool, by_mail: bool, place: int
) -> tuple[int, str]:
    """Return the customer's slot and the e-mail address of an order."""
    if member:
        return 0, person.emails[0]
    mail = dice.randrange(len(person.emails))
    if by_mail:
        return 1 + mail, person.emails[mail]
    shared = person.family_email and chance(dice, 0.3)
    email = person.family_email if shared else person.emails[mail]
    return _GUEST_BY_ORDER + place, email


def _orders(
    dice: random.Random, person: Person, purchases: Sequence[Purchase]
) -> Iterator[Order]:
    """Yield the orders of one person."""
    registered = bool(person.account_ids) and chance(dice, 0.6)
    by_mail = chance(dice, 0.6)
    base = person.person_id * _SLOTS
    for place, purchase in enumerate(purchases):
        member = purchase.member or (registered and not purchase.order_id)
        slot, email = _customer(dice, person, member, by_mail, place)
        decision = person.decision_at("email_marketing", purchase.at_ms)
        name, mail, phone = _contact(dice, person, email, purchase.at_ms)
        yield Order(
            number=base + place,
            customer=base + slot,
            purchase=purchase,
            account_id=person.account_ids[0] if member else "",
            contact=(name, mail, phone),
            address=_address(dice, person, purchase.at_ms),
            opt_in=decision.granted if decision and chance(dice, 0.8) else None,
        )


def _planted(dice: random.Random, order: Order, number: int) -> tuple[Order, str, str]:
    """Return an order with a fault, the column and what is wrong."""
    roll = dice.random()
    if roll < 0.35:
        return replace(order, number=-1), "order_id", "missing"
    if roll < 0.65:
        return replace(order, number=number, customer=-1), "shop_customer_id", "missing"
    negative = replace(order.purchase, quantity=-order.purchase.quantity, order_id="")
    return replace(order, number=number, purchase=negative), "quantity", "negative"


def _found(
    spec: Spec, chunk: int, people: Sequence[Person], activity: Activity | None
) -> list[tuple[Order, str, str]]:
    """Return the orders of a chunk with column and fault, '' where all is well."""
    dice, online = stream(spec.seed, chunk, "shop"), online_purchases(activity)
    counts = [min(n_purchases(dice), _MOST_ORDERS) for _ in people]
    rng = generator(spec.seed, chunk, "shop times")
    times = iter(start_times(rng, spec, sum(counts), spec.days).tolist())
    found: list[tuple[Order, str, str]] = []
    for place, person in enumerate(people):
        bought = [*purchases(dice, times, counts[place])]
        bought += online.get(place, [])[: _SLOTS - _GUEST_BY_ORDER - len(bought)]
        for order in _orders(dice, person, bought):
            found.append((order, "", ""))
            if not order.purchase.order_id and chance(dice, _BAD):
                spare = person.person_id * _SLOTS + _SLOTS - 1 - order.number % 8
                found.append(_planted(dice, order, spare))
    return sorted(found, key=lambda row: row[0].purchase.at_ms)


@dataclass(frozen=True)
class Orders:
    """The orders of a chunk as a table, and which rows are meant to be refused."""

    table: pa.Table
    refusals: Sequence[Refusal]


def _codes(numbers: Sequence[int], prefix: str, spec: Spec) -> list[str | None]:
    """Return shuffled codes, None where the number is -1."""
    values = np.array(numbers, dtype=np.int64)
    codes = coded(np.maximum(values, 0), prefix, spec.people * _SLOTS, spec.seed)
    return [code if n >= 0 else None for code, n in zip(codes, numbers, strict=True)]


def _columns(spec: Spec, orders: Sequence[Order]) -> list[Sequence[object]]:
    """Return the orders as the columns of `SCHEMA`."""
    bought = [order.purchase for order in orders]
    own = _codes([order.number for order in orders], "O", spec)
    texts = [
        [value or None for value in column]
        for column in zip(*((*o.contact, *o.address) for o in orders), strict=True)
    ]
    return [
        [p.order_id or code for p, code in zip(bought, own, strict=True)],
        _codes([order.customer for order in orders], "S", spec),
        [order.account_id or None for order in orders],
        *(texts or [[]] * 6),
        [purchase.at_ms * 1000 for purchase in bought],
        [purchase.amount for purchase in bought],
        [purchase.currency for purchase in bought],
        [purchase.quantity for purchase in bought],
        [purchase.category for purchase in bought],
        [order.opt_in for order in orders],
    ]


def shop_orders(
    spec: Spec,
    chunk: int,
    people: Sequence[Person],
    activity: Activity | None,
    subjects: Subjects,
) -> Orders:
    """Return the orders of a chunk by time, and add their customers to the truth.

    With `activity`, the orders completed in its visits are among them.
    """
    found = _found(spec, chunk, people, activity)
    orders = [order for order, _, _ in found]
    columns = _columns(spec, orders)
    owner = {
        str(code): order.customer // _SLOTS
        for code, order in zip(columns[1], orders, strict=True)
        if code is not None
    }
    subjects.add("shop", "record", list(owner), list(owner.values()))
    faults = refusals_of((column, what) for _, column, what in found)
    return Orders(pa.table(columns, schema=SCHEMA), faults)
