"""Blocking: which records are compared at all, what that costs, and keys to find them.

A rule is a tuple of fields, each whole or cut to its first letters as `last_name[:3]`;
records are compared where all parts of a rule agree and none is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dmp.core.errors import UsageError
from dmp.core.sql import Name, Query, sql
from dmp.identity.settings import LinkageSettings
from dmp.privacy import PseudonymKey
from dmp.privacy.pseudonyms import digest_uuid_sql
from dmp.storage.lake import Lake

Rule = Sequence[str]


@dataclass(frozen=True)
class BlockingCost:
    """What a blocking rule costs: pairs of records, before anything is scored."""

    rule: str
    pairs: int


def blocking_costs(lake: Lake, settings: LinkageSettings) -> list[BlockingCost]:
    """Count the pairs of each blocking rule over the scratch `linkage_record`.

    Pairs that several rules give are counted by each.
    """
    return [
        BlockingCost(" + ".join(rule), _pairs(lake, rule))
        for rule in settings.blocking_rules
    ]


def check_pair_ceiling(lake: Lake, settings: LinkageSettings) -> None:
    """Refuse blocking rules that would make more pairs at once than `max_pairs`.

    Raises:
        UsageError: names each rule with its count.
    """
    costs = blocking_costs(lake, settings)
    total = sum(cost.pairs for cost in costs)
    if total > settings.max_pairs:
        listed = "; ".join(f"{cost.rule}: {cost.pairs:,}" for cost in costs)
        raise UsageError(
            f"the blocking rules make {total:,} pairs, more than max_pairs = "
            f"{settings.max_pairs:,} ({listed}); narrow the largest or raise max_pairs "
            "in config/identity.yaml"
        )


def stage_blocking_keys(
    lake: Lake, settings: LinkageSettings, key: PseudonymKey
) -> Name:
    """Stage `blocking_key`: one row a record of `linkage_record`, with its keys.

    `blocking_keys`: one 32-bit number for each rule whose parts are all known. Records
    that a rule compares have a number in common; a few others have by chance, one in
    four thousand million.
    """
    keys = [_key(rule, key) for rule in settings.blocking_rules]
    return lake.stage(
        "blocking_key",
        sql(
            "select subject_id, [k for k in [{keys}] if k is not null] as "
            "blocking_keys from linkage_record",
            keys=keys,
        ),
    )


def column_sql(part: str) -> str:
    """Return the SQL of one part of a rule: a field, or its first letters."""
    field, bracket, cut = part.partition("[:")
    if not bracket:
        return field
    return f"substr({field}, 1, {int(cut.rstrip(']'))})"


def _key(rule: Rule, key: PseudonymKey) -> Query:
    values = (f"({column_sql(part)})::varchar" for part in rule)
    return sql(
        "('0x' || left(({digest})::varchar, 8))::uinteger",
        digest=digest_uuid_sql(
            key, f"block {' + '.join(rule)}", Query(" || chr(31) || ".join(values))
        ),
    )


def _pairs(lake: Lake, rule: Rule) -> int:
    keys = ", ".join(column_sql(part) for part in rule)
    known = " and ".join(f"{column_sql(part)} is not null" for part in rule)
    return int(
        lake.value(
            f"select coalesce(sum(n * (n - 1) // 2), 0) from (select count(*) as n "
            f"from linkage_record where {known} group by {keys})"
        )
    )
