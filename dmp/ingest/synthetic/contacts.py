"""E-mail addresses and telephone numbers, each unique to a person or household.

Every e-mail domain ends in `.example`, which can never be registered (RFC 2606).
Landlines lie in or beside the ranges that Ofcom keeps for drama.
"""

from __future__ import annotations

import base64
import hashlib
import random
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np

from dmp.ingest.synthetic.odds import Odds
from dmp.ingest.synthetic.people import Address
from dmp.ingest.synthetic.seeds import Ints, permuted

_PRIVATE = Odds.of(
    [
        f"{name}.example"
        for name in """gmail outlook hotmail yahoo icloud mail btmail sky
        fastmail""".split()
    ],
    (44, 13, 14, 9, 8, 4, 4, 3, 1),
)
_WORK = Odds.of(
    [
        f"{name}.example"
        for name in """company northgate-ltd harrow-finch brightside-care ashdown-legal
        citycouncil uni-mail merlin-foods tyneworks oakridge-homes bluebird-it
        stmarys-school lindenhealth penrose-arch kestrel-logistics""".split()
    ],
    (9, 4, 4, 4, 3, 6, 6, 3, 3, 3, 3, 3, 3, 2, 2),
)
_PATTERNS = Odds.of(
    (
        "{g}.{s}",
        "{g}{s}",
        "{i}{s}",
        "{g}_{s}",
        "{s}.{g}",
        "{g}{j}",
        "{n}{s}",
        "{n}.{s}",
    ),
    (34, 18, 14, 6, 5, 5, 10, 8),
)
_MOBILE_STARTS = [
    start
    for low, high in (
        (7400, 7449),
        (7530, 7599),
        (7710, 7779),
        (7840, 7899),
        (7940, 7969),
    )
    for start in range(low, high + 1)
]
_LANDLINES_PER_CHUNK = 400
_DRAMA_STARTS = {
    "020": 79_460_000,
    "028": 96_496_000,
    "029": 20_180_000,
    "0115": 8_960_000,
}
"""First drama number by dialling code; 496 0000 for all others. Source: Ofcom."""


def plain(word: str) -> str:
    """Return a name as letters a to z: without accents, spaces and marks."""
    folded = unicodedata.normalize("NFKD", word.replace("ø", "o").replace("Ø", "O"))
    return re.sub("[^a-z]", "", folded.lower())


@dataclass
class Mailboxes:
    """Hands out e-mail addresses, no two alike in the whole set.

    The number after a name belongs to one chunk: its remainder by the number of
    chunks says which. So chunks that know nothing of each other never clash.
    """

    chunk: int
    n_chunks: int
    used: set[str] = field(default_factory=set)

    def _numbered(self, base: str, wanted: int) -> str:
        """Return base and the free number of this chunk nearest above `wanted`."""
        mine = (self.chunk - crc32(base.encode())) % self.n_chunks
        number = wanted - wanted % self.n_chunks + mine
        while (local := f"{base}{number or ''}") in self.used:
            number += self.n_chunks
        self.used.add(local)
        return local

    def personal(
        self, dice: random.Random, names: tuple[str, str, str], year: int, work: bool
    ) -> str:
        """Return an address from (given name, nickname or '', surname) and birth."""
        given, nick, last = (plain(name) for name in names)
        pattern = "{g}.{s}" if work else _PATTERNS.pick(dice)
        base = pattern.format(
            g=given or "x", n=nick or given, s=last or "x", i=given[:1], j=last[:1]
        )
        roll = 0.0 if work else dice.random()
        wanted = (
            0
            if roll < 0.48
            else year % 100
            if roll < 0.72
            else year
            if roll < 0.8
            else dice.randint(1, 999)
        )
        domain = (_WORK if work else _PRIVATE).pick(dice)
        return f"{self._numbered(base, wanted)}@{domain}"

    def family(self, dice: random.Random, last: str) -> str:
        """Return an address that a household shares."""
        base = dice.choice(("the{s}s", "{s}family", "{s}.family", "{s}home"))
        local = self._numbered(base.format(s=plain(last) or "x"), 0)
        return f"{local}@{_PRIVATE.pick(dice)}"


def mobiles(person_ids: Ints, seed: int) -> list[str]:
    """Return one valid mobile number a person, `07` and nine digits, all different."""
    slots = permuted(person_ids, len(_MOBILE_STARTS) * 1_000_000, seed, "mobile")
    starts = np.asarray(_MOBILE_STARTS)[slots // 1_000_000]
    return [
        f"0{start}{rest:06d}"
        for start, rest in zip(
            starts.tolist(), (slots % 1_000_000).tolist(), strict=True
        )
    ]


@dataclass
class Landlines:
    """Hands out landline numbers by dialling code, no two alike in the whole set."""

    chunk: int
    given: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def next(self, home: Address) -> str:
        """Return the next number of the code, or '' when the chunk has no more."""
        code = home.dialling_code
        if self.given[code] >= _LANDLINES_PER_CHUNK:
            return ""
        number = self.chunk * _LANDLINES_PER_CHUNK + self.given[code]
        self.given[code] += 1
        return f"{code}{_DRAMA_STARTS.get(code, 4_960_000) + number}"


def sha256_hex(email: str) -> str:
    """Return the SHA-256 of a trimmed, lower-case address, 64 hex digits."""
    return hashlib.sha256(email.strip().lower().encode()).hexdigest()


def uid2(email: str) -> str:
    """Return a made-up UID2 of an address: 44 base64 characters, always the same."""
    seed = b"synthetic uid2 " + email.strip().lower().encode()
    return base64.b64encode(hashlib.sha256(seed).digest()).decode()
