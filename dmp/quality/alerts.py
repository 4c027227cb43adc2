"""Alerts: told once when a check begins to fail, and once when it passes again."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec

from dmp.core.errors import DMPError, Transient, UsageError
from dmp.quality.results import Alert, Result

ADDRESSES = "DMP_ALERT_URLS"
Send = Callable[[str, str], None]
"""Called with the title and the text of one message."""


class AlertNotSent(DMPError, Transient):
    """Nobody could be told; the next run tries again."""


def message(
    alerts: Sequence[Alert], results: Sequence[Result], *, about: str = "data quality"
) -> tuple[str, str]:
    """Return title and text: counts, bounds and names of scopes, never a person's.

    Alerts whose result is not among `results` are told without numbers.
    """
    found = {(result.check_name, result.scope): result for result in results}
    failing = [alert for alert in alerts if alert.closed_at is None]
    passing = [alert for alert in alerts if alert.closed_at is not None]
    parts = [
        f"{len(group)} {words}"
        for group, words in ((failing, "failing"), (passing, "passing again"))
        if group
    ]
    lines = [_line("failing", one, found.get(one.of)) for one in failing]
    lines += [_line("passing again", one, found.get(one.of)) for one in passing]
    return f"dmp {about}: {', '.join(parts)}", "\n".join(lines)


def _line(word: str, alert: Alert, result: Result | None) -> str:
    of = f"{alert.check_name} of {alert.scope}" if alert.scope else alert.check_name
    numbers = f": {measure_words(result)}" if result else ""
    return f"{word}: {of}{numbers} (failing since {alert.opened_at:%Y-%m-%d %H:%M} UTC)"


def measure_words(result: Result) -> str:
    """Return what was found beside its bound, as people read it.

    >>> from datetime import datetime
    >>> measure_words(Result("", datetime.min, "nulls", "crm.x", "failed", 0.7, "share",
    ...     0.6, 70, 1))
    '70 %, bound 60 %, 70 at fault'
    """
    if result.measured is None:
        return "nothing to measure"
    words = [amount(result.measured, result.unit)]
    words.append(f"bound {amount(result.bound, result.unit)}")
    if result.failing:
        words.append(f"{result.failing:,} at fault")
    return ", ".join(words)


def amount(value: float, unit: str) -> str:
    """Return a measure with its unit, as people read it."""
    if unit == "share":
        return f"{value * 100:.3g} %"
    return f"{value:,.1f} hours" if unit == "hours" else f"{value:,.0f} {unit}"


def sender(environ: Mapping[str, str] = os.environ) -> Send | None:
    """Return what sends to the addresses of `DMP_ALERT_URLS`; None where it is empty.

    The addresses are those of apprise, separated by blanks. They hold passwords, so
    they come from the environment alone and are shown in no message.

    Raises:
        UsageError: apprise is not installed, or does not know an address.
    """
    addresses = environ.get(ADDRESSES, "").split()
    if not addresses:
        return None
    if find_spec("apprise") is None:
        raise UsageError("alerts need apprise: pip install 'dmp[alerts]'")
    from apprise import Apprise

    to = Apprise()
    for place, address in enumerate(addresses, start=1):
        if not to.add(address):
            raise UsageError(f"{ADDRESSES}: address {place} is none that apprise knows")

    def send(title: str, text: str) -> None:
        if not to.notify(title=title, body=text):
            raise AlertNotSent(
                f"no message could be sent to one of the {len(addresses)} addresses of "
                f"{ADDRESSES}; the next run of the checks tries again"
            )

    return send
