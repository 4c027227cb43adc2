"""Checks of the audit log: whole, signed, written to."""

from __future__ import annotations

from collections.abc import Iterator

from dmp.flows.checks.finding import Finding, Ground, ok, problem
from dmp.privacy.audit import AuditLog


def audit(ground: Ground) -> Iterator[Finding]:
    """Verify the audit log against its chain and its signed heads."""
    log = ground.paths.audit / "log.jsonl"
    signing_key = ground.keys.folder / "audit.key"
    if not signing_key.exists():
        if log.exists():
            text = f"cannot be verified: {signing_key} is not there"
            restore = ground.dmp("keys", "restore", "FILE")
            yield problem("audit: chain", text, restore)
        else:
            yield ok("audit: chain", "nothing was logged yet")
        return
    report = AuditLog(ground.paths.audit, ground.keys.heads, signing_key).verify()
    for fault in report.faults:
        yield problem("audit: chain", str(fault), ground.dmp("audit", "verify"))
    if report.ok:
        text = f"{report.records} records and {report.heads} signed heads: whole"
        yield ok("audit: chain", text)
