"""The numbers of a whole run by another path: plain pandas over the source files.

Who is one person is taken from the lake; events, purchases, consent and addresses
from the files, by the meaning that the contracts in `config/sources` state in words.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pandas as pd

AS_OF = pd.Timestamp("2026-06-30", tz="UTC")
DAY = pd.Timedelta(days=1)

_WEB = {
    "Product Viewed": "product_viewed",
    "Product Added": "product_added",
    "Checkout Started": "checkout_started",
    "Order Completed": "order_completed",
    "Signed Up": "signed_up",
    "Products Searched": "products_searched",
    "Newsletter Subscribed": "newsletter_subscribed",
}
_APP = {
    "screen_view": "page_viewed",
    "product_view": "product_viewed",
    "add_to_cart": "product_added",
    "begin_checkout": "checkout_started",
    "purchase": "order_completed",
    "sign_up": "signed_up",
    "search": "products_searched",
    "login": "logged_in",
}


@dataclass(frozen=True)
class Files:
    """What the source files say, one row each; `subject` is (source, kind:key)."""

    events: pd.DataFrame
    purchases: pd.DataFrame
    consent: pd.DataFrame
    emails: pd.DataFrame
    rows: dict[str, int]
    refused: dict[str, int]


def read_files(landing: Path, now: pd.Timestamp) -> Files:
    web, app = _web(landing), _app(landing)
    crm, shop, partner = _crm(landing), _shop(landing), _partner(landing)
    kept = {
        "crm": crm[crm.key.notna() & crm["at"].notna() & crm.is_right],
        "shop": shop[shop.is_right],
        "partner": partner[partner.is_right],
    }
    sources = {"web": web, "app": app, "crm": crm, "shop": shop, "partner": partner}
    events = pd.concat([web, app]).drop_duplicates(["source", "message"])
    return Files(
        events=events,
        purchases=kept["shop"].drop_duplicates("order"),
        consent=_decisions(web, app, *kept.values(), now=now),
        emails=_emails(web, app, kept["crm"], kept["shop"]),
        rows={name: len(rows) for name, rows in sources.items()},
        refused={
            name: len(sources[name]) - len(kept.get(name, sources[name]))
            for name in sources
        },
    )


def _json_lines(folder: Path) -> list[dict]:
    return [
        json.loads(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]


def _web(landing: Path) -> pd.DataFrame:
    rows = []
    for raw in _json_lines(landing / "web"):
        at, sent, received = (
            pd.Timestamp(raw[name]) for name in ("timestamp", "sentAt", "receivedAt")
        )
        user = raw.get("userId")
        consent = raw["context"].get("consent", {}).get("categoryPreferences", {})
        kind = {"page": "page_viewed", "identify": "logged_in"}.get(raw["type"])
        properties = raw.get("properties") or {}
        rows.append(
            {
                "source": "web",
                "subject": f"user:{user}" if user else f"device:{raw['anonymousId']}",
                "message": raw["messageId"],
                "event": kind or _WEB[raw["event"]],
                "at": min(received - (sent - at), received),
                "page": properties.get("path") or raw["context"]["page"]["path"],
                "email": (raw.get("traits") or {}).get("email"),
                "advertising": consent.get("advertising"),
            }
        )
    return pd.DataFrame(rows)


def _app(landing: Path) -> pd.DataFrame:
    rows = []
    for raw in _json_lines(landing / "app"):
        user = raw["user"].get("account_id")
        at = min(raw["ts"], raw["received_ts"])
        rows.append(
            {
                "source": "app",
                "subject": f"user:{user}"
                if user
                else f"device:{raw['device']['install_id']}",
                "message": raw["uuid"],
                "event": _APP[raw["event_name"]],
                "at": pd.Timestamp(at, unit="ms", tz="UTC"),
                "page": raw.get("screen"),
                "email": raw["user"].get("email"),
                "advertising": {"granted": True, "denied": False}.get(
                    (raw.get("consents") or {}).get("ads")
                ),
            }
        )
    return pd.DataFrame(rows)


def _text(path: Path) -> pd.DataFrame:
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text("cp1252")
    read = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    return read.apply(lambda column: column.str.strip())


def _csv(folder: Path) -> pd.DataFrame:
    return pd.concat(map(_text, sorted(folder.glob("*.csv"))), ignore_index=True)


def _time(column: pd.Series, *formats: str, zone: str = "UTC") -> pd.Series:
    read = pd.Series(pd.NaT, index=column.index, dtype="datetime64[ns]")
    for form in formats:
        read = read.fillna(pd.to_datetime(column, format=form, errors="coerce"))
    return read.dt.tz_localize(zone, ambiguous=False).dt.tz_convert("UTC")


def _crm(landing: Path) -> pd.DataFrame:
    raw = _csv(landing / "crm")
    days = ("%Y-%m-%d", "%d/%m/%Y", "%Y-%m-%d %H:%M:%S")
    born = ("%d/%m/%Y", "%Y-%m-%d", "%d %b %Y")
    zone = "Europe/London"
    return pd.DataFrame(
        {
            "source": "crm",
            "key": raw.CUST_NO.replace("", None),
            "is_right": raw.DOB.eq("") | _time(raw.DOB, *born).notna(),
            "subject": "record:" + raw.CUST_NO,
            "at": _time(raw.UPDATED, "%Y-%m-%d %H:%M:%S", zone=zone),
            "email": raw.EMAIL.replace("", None),
            "email_marketing": raw.MKT_EMAIL_OPTIN.str.lower().map({"y": 1, "n": 0}),
            "email_marketing_at": _time(raw.MKT_OPTIN_DATE, *days, zone=zone),
            "advertising": raw.ADS_OPTIN.str.lower().map({"y": True, "n": False}),
        }
    )


def _shop(landing: Path) -> pd.DataFrame:
    raw = pd.concat(map(pd.read_parquet, sorted((landing / "shop").glob("*.parquet"))))
    raw = raw.reset_index(drop=True)
    key = raw.shop_customer_id.fillna("").str.strip()
    return pd.DataFrame(
        {
            "source": "shop",
            "subject": "record:" + key,
            "order": raw.order_id,
            "at": raw.ordered_at,
            "amount": raw.amount,
            "email": raw.customer_email,
            "email_marketing": raw.marketing_optin,
            "is_right": key.ne("")
            & raw.order_id.fillna("").ne("")
            & raw.amount.notna()
            & raw.ordered_at.notna()
            & ~raw.quantity.lt(0),
        }
    )


def _partner(landing: Path) -> pd.DataFrame:
    raw = _csv(landing / "partner")
    hashed = raw.email_sha256.str.fullmatch(r"[0-9A-Fa-f]{64}|")
    uid2 = raw.uid2.str.fullmatch(r"[A-Za-z0-9+/_-]{43}=|")
    words = {"granted": True, "denied": False}
    return pd.DataFrame(
        {
            "source": "partner",
            "subject": "record:" + raw.partner_id,
            "at": pd.to_datetime(raw.updated_at, utc=True, errors="coerce"),
            "advertising": raw.advertising_consent.map(words),
            "advertising_at": pd.to_datetime(raw.consented_at, utc=True),
            "is_right": raw.partner_id.ne("") & hashed & uid2,
        }
    )


def _decisions(*sources: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    parts = []
    for rows in sources:
        for purpose in ("advertising", "email_marketing"):
            if purpose not in rows:
                continue
            said = rows[rows[purpose].notna()]
            at = said.get(f"{purpose}_at", said["at"]).fillna(said["at"]).fillna(now)
            part = said[["source", "subject"]].assign(
                purpose=purpose, granted=said[purpose].astype(bool), at=at
            )
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _emails(*sources: pd.DataFrame) -> pd.DataFrame:
    parts = [rows[["source", "subject", "email", "at"]] for rows in sources]
    held = pd.concat(parts, ignore_index=True).dropna(subset="email")
    held = held.assign(email=held.email.str.strip().str.lower())
    return held[held.email.str.fullmatch(r"[^@\s,;<>\"]{1,64}@[a-z0-9][a-z0-9.-]*")]


def pairwise(profile: pd.Series, person: pd.Series) -> tuple[float, float, float]:
    """Return precision, recall, F1 over all pairs, each pair made and looked at."""
    found = _pairs(profile)
    true = _pairs(person)
    both = len(found & true)
    precision, recall = both / len(found), both / len(true)
    return precision, recall, 2 * precision * recall / (precision + recall)


def _pairs(group: pd.Series) -> set[tuple[int, int]]:
    members = group.groupby(group).groups.values()
    return {pair for rows in members for pair in combinations(sorted(rows), 2)}


def members(files: Files, profile_of: pd.Series) -> dict[str, set[int]]:
    """Return the profiles of the four sample rules at `AS_OF`."""
    events = _placed(files.events, profile_of)
    orders = _placed(files.purchases, profile_of)
    everyone = set(profile_of)
    last = orders.groupby("profile")["at"].max()
    count = orders.groupby("profile").size()
    total = orders.groupby("profile")["amount"].sum().round(2)
    recent = events["at"].between(AS_OF - 14 * DAY, AS_OF, inclusive="right")
    quiet = set(last[last <= AS_OF - 60 * DAY].index)
    added = set(events[recent & events.event.eq("product_added")].profile)
    ordered = set(events[recent & events.event.eq("order_completed")].profile)
    old = everyone - set(last[last > AS_OF - 14 * DAY].index)
    week = events["at"].between(AS_OF - 7 * DAY, AS_OF, inclusive="right")
    views = events[week & events.event.eq("page_viewed") & events.page.eq("/pricing")]
    often = views.groupby("profile").size()
    signed = events[events.event.eq("signed_up") & events["at"].le(AS_OF)]
    came = events[events["at"].between(AS_OF - 60 * DAY, AS_OF, inclusive="right")]
    fresh = last[(last > AS_OF - 90 * DAY) & (last <= AS_OF)]
    return {
        "cart_abandoners": (added - ordered) & old,
        "pricing_intent": set(often[often >= 3].index) - set(signed.profile),
        "lapsing_customers": quiet - set(came.profile),
        "loyal_shoppers": set(count[count >= 3].index)
        & set(total[total > 150].index)
        & set(fresh.index),
    }


def _placed(rows: pd.DataFrame, profile_of: pd.Series) -> pd.DataFrame:
    index = pd.MultiIndex.from_frame(rows[["source", "subject"]])
    return rows.assign(profile=profile_of.reindex(index).to_numpy()).dropna(
        subset="profile"
    )


@dataclass(frozen=True)
class Gate:
    """Consent of one purpose by subject: granted, denied, or nothing said."""

    status: dict[tuple[str, str], str]
    denied_components: set[int]


def gate(files: Files, purpose: str, component_of: pd.Series) -> Gate:
    consent = files.consent
    said = consent[consent.purpose.eq(purpose) & consent["at"].le(AS_OF)]
    # The newest decision counts; at equal instants no wins.
    newest = said.sort_values(["at", "granted"], ascending=[True, False])
    newest = newest.groupby(["source", "subject"]).tail(1)
    status = {
        (row.source, row.subject): "granted" if row.granted else "denied"
        for row in newest.itertuples()
    }
    denied = {
        int(component_of[key]) for key, value in status.items() if value == "denied"
    }
    return Gate(status, denied)


def reasons(
    profiles: set[int], at: Gate, profile_of: pd.Series, component_of: pd.Series
) -> Counter[str]:
    """Return how many of the profiles are granted, denied, or without consent."""
    found: dict[int, str] = {}
    rank = {"no consent": 0, "denied": 1, "granted": 2}
    for key, profile in profile_of.items():
        if profile in profiles:
            reason = _reason(key, at, component_of)
            both = found.get(profile, reason), reason
            found[profile] = max(both, key=rank.__getitem__)
    return Counter(found.values())


def _reason(key: tuple[str, str], at: Gate, component_of: pd.Series) -> str:
    if int(component_of[key]) in at.denied_components:
        return "denied"
    return "granted" if at.status.get(key) == "granted" else "no consent"


def addresses(
    files: Files,
    profiles: set[int],
    at: Gate,
    profile_of: pd.Series,
    component_of: pd.Series,
) -> dict[str, int]:
    """Return the addresses that may leave for the profiles, with a profile of each."""
    held = files.emails.sort_values("at", kind="stable")
    of = held.groupby(["source", "subject"])["email"].agg(["last", list])
    refused: set[str] = set()
    for key in profile_of.index:
        if _reason(key, at, component_of) == "denied" and key in of.index:
            refused |= set(of.loc[key, "list"])
    found = {}
    for key, profile in profile_of.items():
        if profile in profiles and key in of.index:
            mine = of.loc[key]
            is_granted = _reason(key, at, component_of) == "granted"
            if is_granted and not refused & set(mine["list"]):
                found[mine["last"]] = int(profile)
    return found
