"""Columns that hold consent decisions: their words, purpose and instant."""

from __future__ import annotations

from collections.abc import Sequence

from dmp.ingest.infer.words import parts_of

GRANTED = frozenset(
    "true t yes y 1 granted grant given accepted accept allow allowed agreed agree "
    "opted-in opt-in optin opt_in in on subscribed active ja j oui o si sí s sì sim "
    "zugestimmt erteilt accepté aceptado tak".split()
)
DENIED = frozenset(
    "false f no n 0 denied deny refused refuse declined decline rejected withdrawn "
    "revoked opted-out opt-out optout opt_out out off unsubscribed inactive nein non "
    "nee não nao abgelehnt widerrufen refusé rechazado nie".split()
)
_REFUSALS = frozenset({"optout", "unsubscribed", "unsubscribe", "not"})
_PURPOSES = (
    ("email_marketing", {"email", "mail", "newsletter", "correo", "courriel"}),
    ("advertising", {"ads", "ad", "advertising", "werbung", "publicite", "publicidad"}),
    ("analytics", {"analytics", "statistics", "statistik", "tracking"}),
    ("personalisation", {"personalisation", "personalization", "profiling"}),
    ("sms_marketing", {"sms", "phone", "telefon", "call"}),
)
_GENERAL = {"consent", "consents", "consented", "optin", "opt", "in", "date", "at"}


def words_of(values: Sequence[str]) -> tuple[list[str], list[str], int]:
    """Return the words that grant, those that deny, and how many others there are.

    >>> words_of(["Y", "n", "maybe", "N"])
    (['y'], ['n'], 1)
    """
    words = sorted({value.lower() for value in values})
    granted = [word for word in words if word in GRANTED]
    denied = [word for word in words if word in DENIED]
    return granted, denied, len(words) - len(granted) - len(denied)


def purpose_of(place: str) -> str:
    """Return the purpose that the name of a decision speaks of.

    >>> purpose_of("MKT_EMAIL_OPTIN"), purpose_of("consents.ads"), purpose_of("gdpr")
    ('email_marketing', 'advertising', 'email_marketing')
    """
    last, whole = set(parts_of(place.rpartition(".")[2])), set(parts_of(place))
    for words in (last, whole):
        for purpose, names in _PURPOSES:
            if words & names:
                return purpose
    return "email_marketing"


def is_refusal(place: str) -> bool:
    """Say whether a yes at this place means no.

    >>> is_refusal("email_opt_out"), is_refusal("do_not_call"), is_refusal("opt_in")
    (True, True, False)
    """
    parts = parts_of(place)
    return bool(_REFUSALS & set(parts)) or "optout" in "".join(parts)


def nearest_instant(place: str, instants: Sequence[str]) -> str | None:
    """Return the instant that belongs to a decision, by their names.

    >>> nearest_instant("MKT_EMAIL_OPTIN", ["MKT_OPTIN_DATE", "ADS_OPTIN_DATE"])
    'MKT_OPTIN_DATE'
    >>> nearest_instant("ADS_OPTIN", ["MKT_OPTIN_DATE"]) is None
    True
    """
    here = set(parts_of(place)) - _GENERAL
    scores = {name: len(here & set(parts_of(name))) for name in instants}
    best = max(instants, key=lambda name: scores[name], default=None)
    if best is None or scores[best]:
        return best
    general = [name for name in instants if not set(parts_of(name)) - _GENERAL]
    return general[0] if general else None
