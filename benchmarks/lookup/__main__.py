"""Time live look-ups of people by their identifiers, beside the same asked by SQL.

    python -m benchmarks.lookup [--profiles 1000000] [--asked 20000]

Every profile has two subjects, each with an e-mail address in five encodings and a
phone number; one address in ten is shared with another profile. Half of what is asked
is one identifier, half two; one in ten is known to nobody. Printed are how long reading
takes, the times of single look-ups, and what the same sets cost by SQL in one query.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from hashlib import md5
from pathlib import Path

import numpy as np

from dmp.core.sql import Query
from dmp.identity.holdings import Candidate, Identifier, candidates
from dmp.identity.lookup import Lookup
from dmp.identity.settings import IdentifierRule, IdentitySettings
from dmp.storage.lake import Lake
from dmp.storage.migrate import migrate
from dmp.storage.write import append, commit

SETTINGS = IdentitySettings(
    identifiers={
        "email": IdentifierRule(weight_bits=10),
        "phone": IdentifierRule(weight_bits=6),
    }
)
_PERCENTILES = (50, 99, 99.9, 100)


def main() -> None:
    """Read the command line, write a lake in a temporary folder, look up, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profiles", type=int, default=1_000_000)
    parser.add_argument("--asked", type=int, default=20_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Lake(Path(folder) / "lake") as lake:
        migrate(lake)
        write_people(lake, given.profiles)
        run(lake, given.profiles, given.asked)


def write_people(lake: Lake, profiles: int) -> None:
    """Write subjects, identifiers, profiles and assignments, set by set."""
    n = {"n": profiles}
    tables = {
        "identity.subject": Query(_SUBJECT, n),
        "identity.identifier": Query(_IDENTIFIER, n),
        "identity.profile": Query(_PROFILE, n),
        "identity.assignment": Query(_ASSIGNMENT, n),
    }
    for table, rows in tables.items():
        commit(lake, [append(table, rows)], message=table)


def run(lake: Lake, profiles: int, n_asked: int) -> None:
    """Read the look-up, ask one by one, then all by SQL; print and compare."""
    begun = time.perf_counter()
    lookup = Lookup.read(lake, SETTINGS)
    read_s = time.perf_counter() - begun
    rows = len(lookup.columns["head"])
    print(f"{profiles:,} profiles, {rows:,} identifiers: read in {read_s:.1f} s")
    chance = random.Random(1)
    asked = [ask(chance, profiles) for _ in range(n_asked)]
    found = one_by_one(lookup, asked)
    begun = time.perf_counter()
    expected = candidates(lake, SETTINGS, asked)
    print(f"the same by SQL, all at once: {time.perf_counter() - begun:.1f} s")
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    known = sum(map(bool, found)) / n_asked
    print(f"found {known:.0%}; same answers: {found == expected}; {peak_gb:.1f} GB")


def one_by_one(lookup: Lookup, asked: list[list[Identifier]]) -> list[list[Candidate]]:
    """Look up one after the other; print how long each took."""
    took_ms, found = [], []
    for one in asked:
        begun = time.perf_counter()
        found.append(lookup.candidates(one))
        took_ms.append((time.perf_counter() - begun) * 1000)
    times = np.percentile(took_ms, _PERCENTILES)
    shown = (f"p{p:g} {at:.3f} ms" for p, at in zip(_PERCENTILES, times, strict=True))
    print(f"{len(asked):,} live look-ups one by one: {', '.join(shown)}")
    return found


def ask(chance: random.Random, profiles: int) -> list[Identifier]:
    """Return one identifier or two of one profile, known or not."""
    number = chance.randrange(profiles) + profiles * (chance.random() < 0.1)
    email = Identifier("public", "email", "sha256", token("sha256", number))
    phone = Identifier("public", "phone", "plain", token("phone", number))
    return chance.choice([[email], [phone], [email, phone], [phone, email]])


def token(what: str, number: int) -> str:
    """Return the token that the tables have for a profile's identifier."""
    return f"1:{md5(f'{what}{number}'.encode()).hexdigest()}"


_SUBJECT = """
select 2 * i + side as subject_id, 'crm' as source, 'record' as kind,
    'load' as load_id, now() as first_seen_at
from range($n) as t(i), range(2) as s(side)
"""
_IDENTIFIER = """
with said as (
    select i, side, unnest([
        {'type': 'email', 'encoding': 'plain'}, {'type': 'email', 'encoding': 'md5'},
        {'type': 'email', 'encoding': 'sha1'}, {'type': 'email', 'encoding': 'sha256'},
        {'type': 'email', 'encoding': 'sha256_uid2'},
        {'type': 'phone', 'encoding': 'plain'}
    ], recursive := true)
    from range($n) as t(i), range(2) as s(side)
)
select 2 * i + side as subject_id, 'public' as namespace, type, encoding, '1:' || md5(
    case when type = 'phone' then type else encoding end
    || case when i % 10 = 0 and side = 1 and type = 'email' then (i + 1) % $n else i end
) as token, 'crm' as source, 'load' as load_id, now() as first_seen_at,
    now() as last_seen_at, 1 as observations
from said
"""
_PROFILE = """
select i as profile_key, printf('p%015x', i) as profile_id, 1 as generation,
    null::bigint as alias_of
from range($n) as t(i)
"""
_ASSIGNMENT = """
select 2 * i + side as subject_id, 2 * i as component_id, i as profile_key,
    'run' as run_id, now() as valid_from, null::timestamptz as valid_to
from range($n) as t(i), range(2) as s(side)
"""


if __name__ == "__main__":
    main()
