"""The operator's choices for identity and for profiles, as their YAML files say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from dmp.core.config import Document, parse, read_yaml


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class IdentifierRule(Document):
    """How much sharing one type of identifier says, and what it may not join.

    Attributes:
        weight_bits: evidence of one person, in bits of match weight, greater than 0.
        max_subjects: a value on more subjects than this is blocked and reported.
        joins: any two subjects that share it, or only a device with its users; then
            the weight is multiplied by the user's share of the device's rows.
        is_compared: the linkage model compares it too; where the model scored a pair,
            its score counts and this one does not.
        trust: source to the part of the weight that counts where that source showed
            the identifier, in (0, 1]; of two sources the smaller part counts.
        valid_days: an identifier last seen longer ago than this is no evidence; None
            never expires.
        purpose: what the subject's newest decision has to allow for the identifier to
            count, such as analytics for an IP address; no decision allows nothing.
            None asks for no decision.
        blocked: patterns of values that identify nobody, such as `noreply@.*`; a whole
            value has to match. They hold at the door, for what is loaded from then on.
        max_per_profile: different values of one namespace in a profile, at most; 1
            makes them unique. What would break it drops the weakest edges.
        limit_days: count only values first seen within so many days of each other
            against `max_per_profile`; None counts all.
        priority: edges of types with a smaller one are dropped first, whatever they
            weigh.
    """

    weight_bits: float = Field(gt=0)
    max_subjects: int = Field(default=20, ge=2)
    joins: Literal["any", "device"] = "any"
    is_compared: bool = False
    trust: Mapping[str, Annotated[float, Field(gt=0, le=1)]] = {}
    valid_days: float | None = Field(default=None, gt=0)
    purpose: str | None = Field(default=None, min_length=1)
    blocked: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ()
    max_per_profile: int | None = Field(default=None, ge=1)
    limit_days: float | None = Field(default=None, gt=0)
    priority: int = 0

    @field_validator("blocked")
    @classmethod
    def _readable_patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern} is no pattern: {error}") from error
            if _NOT_LINEAR.search(pattern):
                raise ValueError(
                    f"{pattern} looks around or back, which patterns here cannot; "
                    r"right would be noreply@.* or .*@example\.com"
                )
        return patterns

    @model_validator(mode="after")
    def _days_of_a_limit(self) -> IdentifierRule:
        if self.limit_days is not None and self.max_per_profile is None:
            raise ValueError("limit_days says within which time max_per_profile counts")
        return self


_NOT_LINEAR = re.compile(r"\(\?(?:[=!]|<[=!])|\\[1-9]")
"""What Python's patterns know and DuckDB's, which take linear time, do not."""


class Comparison(Document):
    """One comparison of the linkage model.

    Attributes:
        kind: given_name (exact, nickname, close spellings), surname, date, email,
            phone, exact, text, or parts (how many of several correlated fields agree).
    """

    fields: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = Field(min_length=1)
    kind: Literal[
        "given_name", "surname", "date", "email", "phone", "exact", "text", "parts"
    ]

    @model_validator(mode="after")
    def _one_field(self) -> Comparison:
        if self.kind != "parts" and len(self.fields) != 1:
            raise ValueError("only kind: parts takes several fields")
        return self


class LinkageSettings(Document):
    """The probabilistic model: what is compared, which pairs, how it is trained.

    Attributes:
        blocking_rules: a pair is scored when all fields of one rule agree; a field
            may be cut to its first letters as `last_name[:3]`.
        training_rules: blocking rules of the EM sessions; together they must leave
            every comparison free in at least one.
        prior_rules: strict rules by which the share of matching pairs is estimated.
        prior_recall: share of the true matches that the strict rules find, in (0, 1].
        contradictions: field to bits taken off a pair that disagrees fully on it,
            beyond what the model says: members of a household share so much that
            comparisons taken as independent would join them.
        threshold_bits: match weight from which a scored pair speaks for one person, and
            below which for two; 0 where a false merge costs what a missed match does.
        max_pairs: more pairs than this are refused before they are made.
    """

    model: str = "people"
    comparisons: tuple[Comparison, ...] = Field(min_length=1)
    blocking_rules: tuple[tuple[str, ...], ...] = Field(min_length=1)
    training_rules: tuple[tuple[str, ...], ...] = Field(min_length=1)
    prior_rules: tuple[tuple[str, ...], ...] = Field(min_length=1)
    prior_recall: float = Field(default=0.7, gt=0, le=1)
    contradictions: Mapping[str, Annotated[float, Field(gt=0)]] = {}
    threshold_bits: float = Field(default=0.0, ge=-60, le=60)
    max_pairs: int = Field(default=20_000_000, ge=1)
    u_pairs: float = Field(default=2e6, gt=0)

    @model_validator(mode="after")
    def _of_what_is_compared(self) -> LinkageSettings:
        known = {*self.fields}
        wrong = [
            f"contradictions: {name} is not compared"
            for name in self.contradictions
            if name not in known
        ]
        known |= {root_column(n) for n, k in self.fields.items() if k == "given_name"}
        rules = {name: getattr(self, name) for name in _RULES}
        wrong += [
            f"{name}: {part} is not compared"
            for name, some in rules.items()
            for part in dict.fromkeys(part for rule in some for part in rule)
            if _CUT.sub("", part) not in known
        ]
        if wrong:
            right = ", ".join(sorted(known))
            raise ValueError(
                f"{'; '.join(wrong)}; rules take {right}, or the first letters of one "
                "as last_name[:3]"
            )
        return self

    @property
    def fields(self) -> dict[str, str]:
        """The fields compared, each with the kind of its comparison."""
        return {
            name: "text" if comparison.kind == "parts" else comparison.kind
            for comparison in self.comparisons
            for name in comparison.fields
        }

    @property
    def describing_fields(self) -> list[str]:
        """The fields that describe a person, as names do; all, where none does.

        An e-mail, a phone number or a code identifies, but says nothing by which a
        shared one could be told apart.
        """
        fields = self.fields
        return [f for f, kind in fields.items() if kind not in _CODES] or [*fields]


_CODES = ("email", "phone", "exact")
_RULES = ("blocking_rules", "training_rules", "prior_rules")
_CUT = re.compile(r"\[:\d+\]$")
"""What takes the first letters of a field."""


def root_column(field: str) -> str:
    """Return the column that holds a given name with its nicknames made one."""
    return f"{field}_root"


class IdentitySettings(Document):
    """`config/identity.yaml`.

    Attributes:
        clustering: by evidence for and against (docs/adr/0004-clustering.md), or
            everything connected by edges of at least `connected_probability`.
        uncompared_penalty_bits: what each never-compared pair of records costs when
            two clusters join by evidence.
        max_cluster_subjects: clusters do not grow beyond it; what would is reported.
        max_shared_pairs: identifiers that would pair more subjects than this are
            refused before the pairs are made.
    """

    identifiers: Mapping[str, IdentifierRule]
    linkage: LinkageSettings | None = None
    clustering: Literal["evidence", "connected"] = "evidence"
    connected_probability: float = Field(default=0.95, gt=0.5, lt=1)
    uncompared_penalty_bits: float = Field(default=1.0, ge=0)
    max_cluster_subjects: int = Field(default=200, ge=2)
    max_shared_pairs: int = Field(default=50_000_000, ge=1)


def blocked_patterns(config: Path) -> dict[str, tuple[str, ...]]:
    """Return the patterns of values that identify nobody, by type of identifier.

    Reads `identity.yaml` in the folder; without it there are none.

    Raises:
        ConfigInvalid: its faults.
    """
    path = config / "identity.yaml"
    if not path.exists():
        return {}
    settings = parse(IdentitySettings, read_yaml(path), "config/identity.yaml")
    rules = settings.identifiers.items()
    return {type_: rule.blocked for type_, rule in rules if rule.blocked}


class Survivorship(Document):
    """How an attribute of a profile is chosen from its records.

    Attributes:
        rule: the newest value, that of the most trusted source, the most frequent, or
            the union of all as a sorted list.
        sources: for `trusted`, sources from the most to the least trusted; those not
            named come last.
    """

    rule: Literal["newest", "trusted", "most_frequent", "union"] = "newest"
    sources: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _trust_is_named(self) -> Survivorship:
        if (self.rule == "trusted") != bool(self.sources):
            raise ValueError("rule: trusted and sources: [...] go together")
        return self


class ProfileSettings(Document):
    """`config/profile.yaml`; an attribute not named survives by `newest`."""

    attributes: Mapping[str, Survivorship] = {}
