"""What is true of the people: the facts that every source reports with its errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address in Great Britain or Northern Ireland; none is a real one."""

    line: str
    city: str
    postcode: str
    dialling_code: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A consent decision: granted (or denied) at an instant in epoch milliseconds."""

    at_ms: int
    granted: bool


@dataclass(frozen=True, slots=True)
class Person:
    """One person and what changed about them.

    Attributes:
        person_id: number in [0, people).
        household_id: number of the household, unique in the whole set.
        surname_before: surname until `married_ms`; '' if it never changed.
        emails: own addresses, the main one first; at least one.
        family_email: address shared by the household; '' if there is none.
        home_before: address until `moved_ms`; None if they never moved.
        twin_of: person_id of the twin born first; None if not a twin.
        namesake_of: person_id of the parent with the same full name, or None.
        account_ids: accounts at web and app; empty if they never had one.
        joins_online: whether the first account is opened within the window.
        consent: decisions by purpose, oldest first; empty means never asked.
    """

    person_id: int
    household_id: int
    role: str
    gender: str
    born: date
    given_name: str
    nickname: str
    surname: str
    surname_before: str
    married_ms: int
    emails: tuple[str, ...]
    family_email: str
    mobile: str
    landline: str
    home: Address
    home_before: Address | None
    moved_ms: int
    twin_of: int | None = None
    namesake_of: int | None = None
    account_ids: tuple[str, ...] = ()
    joins_online: bool = False
    consent: Mapping[str, tuple[Decision, ...]] = field(default_factory=dict)

    def surname_at(self, at_ms: int) -> str:
        """Return the surname borne at an instant."""
        before = self.surname_before and at_ms < self.married_ms
        return self.surname_before if before else self.surname

    def home_at(self, at_ms: int) -> Address:
        """Return the address lived at at an instant."""
        before = self.home_before is not None and at_ms < self.moved_ms
        return self.home_before if before and self.home_before else self.home

    def decision_at(self, purpose: str, at_ms: int) -> Decision | None:
        """Return the newest decision made up to an instant, or None."""
        made = [d for d in self.consent.get(purpose, ()) if d.at_ms <= at_ms]
        return made[-1] if made else None
