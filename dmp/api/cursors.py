"""Cursors of pages: opaque to who holds one, and good for one rule at one instant."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime

from dmp.core.clock import instant
from dmp.core.errors import UsageError


@dataclass(frozen=True)
class Cursor:
    """Where the next page of a segment's members begins.

    Attributes:
        version: fingerprint of the rule of the first page.
        as_of: the instant at which all pages are evaluated.
        after: the last profile_id given.
    """

    segment: str
    version: str
    as_of: datetime
    after: str

    def text(self) -> str:
        """Return the cursor as it is given out."""
        parts = [self.segment, self.version, self.as_of.isoformat(), self.after]
        return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Return the cursor that a text is.

        Raises:
            UsageError: it is none that was given out.
        """
        try:
            parts = json.loads(base64.urlsafe_b64decode(text.encode()))
            segment, version, as_of, after = map(str, parts)
            return cls(segment, version, instant(as_of), after)
        except (ValueError, TypeError, binascii.Error) as error:
            raise UsageError(
                "cursor: not one that a page gave; leave it out to begin anew"
            ) from error
