"""Every table of the lake, declared once: columns, key, personal data, retention.

`docs/tables.md` is generated from this module. DuckLake enforces no keys and no
allowed values; `quality.checks` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Personal(StrEnum):
    """How near a column is to a person.

    Direct identifiers (name, e-mail, phone, …) have no class here: they are never in
    the lake, only in the vault.
    """

    PSEUDONYM = "pseudonym"
    QUASI = "quasi"
    ORDINARY = "ordinary"


@dataclass(frozen=True)
class Column:
    """A column: DuckDB type, what it holds (with unit), and its class of data."""

    name: str
    type: str
    doc: str
    personal: Personal = Personal.ORDINARY


@dataclass(frozen=True)
class TableSpec:
    """A table of the lake.

    Attributes:
        name: `schema.table`, singular.
        doc: one row is one what.
        key: the columns that together name a row.
        holder: the package that finds, forgets and proves rows about a person;
            empty where no row is about a person.
        retention_days: rows older than this are deleted; None keeps them as long as
            the person's profile.
    """

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    holder: str = ""
    retention_days: int | None = None

    @property
    def schema(self) -> str:
        """The zone the table belongs to."""
        return self.name.partition(".")[0]

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)


def _table(
    name: str,
    doc: str,
    key: str,
    columns: str,
    *,
    holder: str = "",
    retention_days: int | None = None,
) -> TableSpec:
    """Read a table from lines of `name | type | doc | class`."""
    cells = [
        [cell.strip() for cell in line.split("|")]
        for line in columns.strip().splitlines()
    ]
    read = tuple(
        Column(c[0], c[1], c[2], Personal(c[3]) if len(c) > 3 else Personal.ORDINARY)
        for c in cells
    )
    return TableSpec(name, doc, read, tuple(key.split()), holder, retention_days)


_SUBJECT = (
    "subject_id | bigint | the subject the row is about: identity.subject | pseudonym"
)
_ORIGIN = """
source | varchar | the source it came from: the name of a file in config/sources
load_id | varchar | the load that wrote the row: ops.load"""
_VALIDITY = """
valid_from | timestamptz | instant from which the row holds, included
valid_to | timestamptz | instant from which it no longer holds; null while it does"""

OPS = (
    _table(
        "ops.load",
        "One committed load of one source.",
        "load_id",
        """
load_id | varchar | source, content hash and contract version, and a number where the input came again after another
source | varchar | the source loaded
file_name | varchar | base name of the file, empty for other connectors
content_hash | varchar | SHA-256 of the input's bytes, hex
contract_version | varchar | fingerprint of the contract used
loaded_at | timestamptz | instant of the commit
place | varchar | digest of the path of the file; null for other inputs
replay_of | varchar | the load whose refused rows were tried again; null for other inputs
rows_read | bigint | rows in the input
rows_accepted | bigint | rows that gave something new
rows_unchanged | bigint | rows that were already here, in this or an earlier load
rows_refused | bigint | rows kept in raw.refused
fields_undeclared | varchar[] | fields met in the input that the contract does not declare; they were not stored""",
    ),
    _table(
        "ops.migration",
        "One change of the lake's layout.",
        "version",
        """
version | integer | number of the layout, counted from 1
applied_at | timestamptz | instant of the change
description | varchar | what changed""",
    ),
    _table(
        "ops.key_version",
        "One version of the key of identifiers' tokens; the newest is in use.",
        "version",
        """
version | integer | number of the version; where no row is, version 1 is in use
applied_at | timestamptz | instant from which all tokens are of this version
tokens | bigint | rows of identity.identifier whose token was brought to it""",
    ),
    _table(
        "ops.quality_result",
        "One check of data quality, asked once of one thing.",
        "run_id check_name scope",
        """
run_id | varchar | the run of the checks
checked_at | timestamptz | instant of the run
check_name | varchar | freshness, volume, nulls, duplicates, late_events, match_rate, cluster_size, bridges, consent_missing or rejection_rate
scope | varchar | what was checked: a source, a field of one, a destination; empty for the whole lake
status | varchar | passed, failed, or not_measured: there was nothing to measure
measured | double | what was found; null where there was nothing to measure
unit | varchar | of measured and bound: hours, rows, share or subjects
bound | double | the most allowed; the least for volume and match_rate
failing | bigint | rows, people or subjects at fault; null where the check does not count any
snapshot | bigint | the lake snapshot read""",
    ),
    _table(
        "ops.quality_alert",
        "One stretch of time in which one check failed.",
        "check_name scope opened_at",
        """
check_name | varchar | as in ops.quality_result
scope | varchar | as in ops.quality_result
opened_at | timestamptz | instant of the run that first failed
closed_at | timestamptz | instant of the run that passed again; null while it fails
told_at | timestamptz | instant at which somebody was told of the failure; null until then
recovery_told_at | timestamptz | instant at which somebody was told that it passed again; null until then""",
    ),
)

RAW = (
    _table(
        "raw.refused",
        "One fault of one refused row; its body is encrypted under a key of the day.",
        "load_id line field reason",
        """
load_id | varchar | the load that refused it
source | varchar | the source
file_name | varchar | base name of the file
line | bigint | line or row in the file, counted from 1
field | varchar | the field at fault, in the contract's words; empty when the row itself is broken
action | varchar | refused: the row is not in the lake; dropped: the row is, without this field
reason | varchar | what was wrong
expected | varchar | what would be right
masked_value | varchar | shape of the value: letters as a, digits as 9, at most 24 characters
refused_at | timestamptz | instant of the load
replayed_by | varchar | the load that accepted the row after the contract was mended; null until then
ordinal | bigint | where purchases repeat their id: which of the rows with this id it is; else null""",
        holder="ingest",
        retention_days=14,
    ),
)

_PURCHASE = f"""
transaction_id | uuid | keyed digest of source and order id | pseudonym
{_SUBJECT}{_ORIGIN}
occurred_at | timestamptz | instant of the purchase
amount | double | in units of the currency
currency | varchar | ISO 4217
quantity | bigint | items bought
category | varchar | what was bought, in the source's words
recorded_at | timestamptz | instant the source gives for this version; the load's instant where it gives none
is_clamped | boolean | it claimed to be from the future; occurred_at was set to the load's instant"""

CORE = (
    _table(
        "core.record",
        "One version of what a source says about a person.",
        "subject_id load_id",
        f"""
{_SUBJECT}{_ORIGIN}
recorded_at | timestamptz | instant the source gives for this version; the load's instant where it gives none
content_token | varchar | keyed digest of what lies in the vault, to tell a change from a repeat; null without direct fields | pseudonym
attributes | struct(_ boolean) | declared quasi and ordinary fields, one typed field each; `_` is always null | quasi""",
        holder="ingest",
    ),
    _table(
        "core.event",
        "One thing that somebody did, in one shape for all sources.",
        "event_id",
        f"""
event_id | uuid | keyed digest of source and message id: the same event again is the same id | pseudonym
{_SUBJECT}{_ORIGIN}
event | varchar | canonical event name
occurred_at | timestamptz | instant it happened, corrected for clock skew
received_at | timestamptz | instant the source received it
platform | varchar | web, app, shop, …
is_clamped | boolean | it claimed to be from the future; occurred_at was set to received_at
properties | struct(_ boolean) | declared properties, one typed field each; `_` is always null
extra | json | always null unless the contract keeps undeclared properties""",
        holder="ingest",
        retention_days=790,
    ),
    _table(
        "core.transaction",
        "One purchase, as its newest version tells it.",
        "transaction_id",
        _PURCHASE,
        holder="ingest",
        retention_days=2557,
    ),
    _table(
        "core.transaction_version",
        "One version of a purchase that a later one took the place of.",
        "transaction_id load_id",
        f"""{_PURCHASE}
replaced_by | varchar | the load that brought the later version
replaced_at | timestamptz | instant of that load""",
        holder="ingest",
        retention_days=2557,
    ),
)

IDENTITY = (
    _table(
        "identity.subject",
        "One person or device as one source knows it, named at the door.",
        "subject_id",
        f"""
{_SUBJECT}
source | varchar | the source that knows it
kind | varchar | user, device or record
load_id | varchar | the load that met it first
first_seen_at | timestamptz | instant of that load""",
        holder="identity",
    ),
    _table(
        "identity.identifier",
        "One identifier seen on one subject in one load.",
        "subject_id namespace type encoding token load_id",
        f"""
{_SUBJECT}
namespace | varchar | who gives such identifiers out: `public` for e-mail and phone, else a source or vendor
type | varchar | email, phone, account_id, anonymous_id, install_id, ad_id, uid2, …
encoding | varchar | plain, md5, sha1, sha256, sha256_uid2: which form of the value the token stands for
token | varchar | keyed pseudonym of the normalised value, with its key version | pseudonym
source | varchar | the source that showed it
load_id | varchar | the load that showed it
first_seen_at | timestamptz | instant at which the load saw it first
last_seen_at | timestamptz | instant at which the load saw it last
observations | bigint | rows of the load that showed it""",
        holder="identity",
    ),
    _table(
        "identity.edge",
        "One reason why two subjects are, or are not, one person.",
        "subject_id_l subject_id_r kind",
        """
subject_id_l | bigint | the smaller subject_id | pseudonym
subject_id_r | bigint | the larger subject_id | pseudonym
kind | varchar | deterministic, probabilistic or decision
type | varchar | what they share (identifier type), or the linkage model, or the decision
match_weight | double | bits; positive for, negative against; infinite for human decisions
counted_weight | double | bits of it that count; of shared identifiers, those that no score of the pair replaces; null where all do
match_probability | double | in [0, 1]
is_used | boolean | whether the two ended in one cluster
dropped_by | varchar | the type of identifier of which a profile would hold too many by it; null unless dropped for that
held_alone | bigint | subjects that only the evidence of the pair holds to the rest of the cluster; null where other evidence would
run_id | varchar | the resolve run that wrote it""",
        holder="identity",
    ),
    _table(
        "identity.decision",
        "What one human decision says of two subjects; it wins over all evidence.",
        "subject_id_l subject_id_r decision_id decided_at",
        """
subject_id_l | bigint | the smaller subject_id | pseudonym
subject_id_r | bigint | the larger subject_id | pseudonym
decision | varchar | must_link, cannot_link, or withdrawn: the decision no longer counts
decision_id | varchar | the decision it is part of, `d…`; a split says something of many pairs
reason | varchar | why, in the words of who decided; empty where none was given
actor | varchar | pseudonymous id of who decided | pseudonym
decided_at | timestamptz | instant of the decision""",
        holder="identity",
    ),
    _table(
        "identity.label",
        "What one reviewer said of one pair; labels measure linkage and move nobody.",
        "label_id verdict",
        """
label_id | varchar | its name, `l…`; taking it back adds a row of the same name
subject_id_l | bigint | the smaller subject_id | pseudonym
subject_id_r | bigint | the larger subject_id | pseudonym
verdict | varchar | match, no_match, unsure, or withdrawn: the label no longer counts
origin | varchar | review: given on a page; file: read from one
reviewer | varchar | pseudonymous id of who judged | pseudonym
labelled_at | timestamptz | instant of the judgement, or of its withdrawal""",
        holder="identity",
    ),
    _table(
        "identity.assignment",
        "One stay of a subject in a profile.",
        "subject_id valid_from",
        f"""
{_SUBJECT}
component_id | bigint | the smallest subject of its deterministic component: consent never crosses a probabilistic edge | pseudonym
profile_key | bigint | the profile: identity.profile | pseudonym
run_id | varchar | the resolve run that placed it{_VALIDITY}""",
        holder="identity",
    ),
    _table(
        "identity.profile",
        "One profile id ever given; never deleted, an alias resolves for ever.",
        "profile_key",
        """
profile_key | bigint | integer name of the profile inside the lake | pseudonym
profile_id | varchar | its lasting public name | pseudonym
generation | bigint | number of the resolve run that gave it, counted from 1; a smaller one is older
alias_of | bigint | the profile_key it was merged into; null while it stands | pseudonym""",
        holder="identity",
    ),
    _table(
        "identity.change",
        "One append-only line of the history of profile ids.",
        "run_id profile_key action other_profile_key",
        """
run_id | varchar | the resolve run
changed_at | timestamptz | instant of the run
action | varchar | assign, merge, split or revive
profile_key | bigint | the id given, merged away, split from or revived | pseudonym
other_profile_key | bigint | the surviving id (merge), the new id (split); null otherwise | pseudonym
subjects | bigint | how many subjects moved
cause | varchar | of a merge the strongest evidence, of a split what parts them: types of identifier, linkage, `decision d…`, `limit …`, `settings` or `evidence`; null for others
model | varchar | the linkage model used
actor | varchar | pseudonymous id of who ran it | pseudonym""",
        holder="identity",
    ),
    _table(
        "identity.resolution",
        "One resolve run, with what it saw and gave.",
        "run_id",
        """
run_id | varchar | the run
generation | bigint | its number, counted from 1
resolved_at | timestamptz | instant of the run
model | varchar | the linkage model used; `none` for deterministic edges alone
input_fingerprint | varchar | digest of the identifiers, records, decisions, model and settings it used
basis_fingerprint | varchar | digest of model and settings alone: while it stays, the next run looks only at what changed
subjects | bigint | subjects there were
profiles | bigint | profiles standing after it
report | json | counts of edges, blocked values, guard rails held, largest clusters""",
    ),
    _table(
        "identity.seen_subject",
        "One subject as the last resolve run saw it, by which the next finds what changed.",
        "subject_id",
        f"""
{_SUBJECT}
signal_digest | ubigint | digest of its identifiers and of what people decided about it
record_digest | ubigint | digest of the version of its record that held; null without one
neighbourhood_id | bigint | the smallest subject of all that evidence for, through any others, connects it with | pseudonym
blocking_keys | uinteger[] | 32 bits of a keyed digest of each blocking rule's value; subjects without one in common are never compared | pseudonym""",
        holder="identity",
    ),
    _table(
        "identity.blocked_value",
        "One identifier on too many people to say who they are, as of the last resolve run.",
        "namespace type encoding token",
        """
namespace | varchar | as in identity.identifier
type | varchar | as in identity.identifier
encoding | varchar | as in identity.identifier
token | varchar | as in identity.identifier | pseudonym
subjects | bigint | how many subjects showed it""",
        holder="identity",
    ),
    _table(
        "identity.term_frequency",
        "One value's share of a field among the records that a linkage model was trained on.",
        "model field token",
        """
model | varchar | the model that froze it
field | varchar | the field compared
token | uuid | keyed digest of the value; null for every value met once or never
frequency | double | share of the records that give the field, in (0, 1]""",
    ),
)

PROFILE = (
    _table(
        "profile.profile",
        "What is known of one person, as one version; the current one has no valid_to.",
        "profile_key valid_from",
        f"""
profile_key | bigint | the profile: identity.profile | pseudonym
subjects | bigint | how many subjects it joins
sources | varchar[] | the sources that know the person, sorted
attributes | struct(_ boolean) | surviving attributes and computed traits, one typed field each; `_` is always null | quasi
provenance | json | for each attribute the source it came from{_VALIDITY}""",
        holder="identity",
    ),
)

SEGMENT = (
    _table(
        "segment.definition",
        "One version of a segment's rule, or of where a static list comes from.",
        "segment version",
        f"""
segment | varchar | id of the segment; of a static list `list:` and its id
version | varchar | fingerprint of the rule
name | varchar | what people call it
purpose | varchar | consent purpose for anything that leaves
rule | json | the whole definition{_VALIDITY}""",
    ),
    _table(
        "segment.result",
        "One evaluation of one segment: its funnel.",
        "segment version as_of",
        """
segment | varchar | id of the segment
version | varchar | fingerprint of the rule
as_of | timestamptz | the instant the rule was evaluated at
snapshot | bigint | the lake snapshot it read
members | bigint | people that the rule admits
consented | bigint | of these, people with consent for the purpose
after_exclusions | bigint | of these, people left after exclusions, priorities and holdout
losses | json | for each step of the funnel, people lost by reason
people | bigint | everyone there was
computed_at | timestamptz | instant of the evaluation
conditions | json | for each condition how many people it alone admits
basis | varchar | fingerprint of all that the rule rests on: the rules it refers to, the attributes there were""",
    ),
    _table(
        "segment.membership",
        "One stay of a person in a segment, or on a static list.",
        "segment profile_key entered_at",
        """
segment | varchar | id of the segment; of a static list `list:` and its id
profile_key | bigint | the person | pseudonym
entered_at | timestamptz | as_of of the evaluation that admitted the person
left_at | timestamptz | as_of of the evaluation that no longer did; null while a member
cause_entered | varchar | event, tick, merge, rule_change, consent or erasure
cause_left | varchar | the same words; null while a member""",
        holder="segments",
    ),
    _table(
        "segment.note",
        "One thing that somebody said of a segment: that it was saved, a comment, or an approval.",
        "segment noted_at actor kind",
        """
segment | varchar | id of the segment
kind | varchar | saved, comment or approval
form | varchar | fingerprint of all that decides who gets what: the rule, those it refers to, the purpose
text | varchar | of a comment; null otherwise
actor | varchar | pseudonym of whoever said it
noted_at | timestamptz | instant it was said""",
    ),
)

ACTIVATION = (
    _table(
        "activation.sync",
        "One sync of one segment to one destination.",
        "sync_id",
        """
sync_id | varchar | destination, segment, as_of and content: the same sync again is the same id
destination | varchar | name of a file in config/destinations
segment | varchar | the segment sent
as_of | timestamptz | the instant the members were computed at
snapshot | bigint | the lake snapshot read
purpose | varchar | the consent purpose that allowed it
members | bigint | people in the segment
consented | bigint | of these, with consent for the purpose
after_exclusions | bigint | of these, left after exclusions and holdout
addressable | bigint | of these, with an identifier the destination takes
sent | bigint | people whose identifiers were sent
accepted | bigint | people whose identifiers the destination accepted
added | bigint | identifiers new at the destination
removed | bigint | identifiers taken away there
kept | bigint | identifiers that stayed as they were
losses | json | (step, reason, people): whom each step of the funnel lost, and why
files | json | for each file its name, rows and SHA-256
status | varchar | written, or held: nothing was sent
reason | varchar | why somebody was held back; empty otherwise
synced_at | timestamptz | instant it ended""",
    ),
    _table(
        "activation.ledger",
        "One identifier of one person at one destination, in its last known state.",
        "destination segment destination_value",
        f"""
destination | varchar | the destination
segment | varchar | the segment
{_SUBJECT}
profile_key | bigint | the person when it was sent | pseudonym
destination_value | varchar | the destination's own hash, never a raw identifier | pseudonym
operation | varchar | add or remove
status | varchar | queued, sent, accepted or rejected
reason | varchar | why it was rejected; null otherwise
sync_id | varchar | the sync that last touched it""",
        holder="activation",
    ),
)

PRIVACY = (
    _table(
        "privacy.consent",
        "One append-only consent decision of one subject for one purpose.",
        "subject_id purpose captured_at status",
        f"""
{_SUBJECT}
purpose | varchar | what the data may be used for
status | varchar | granted or denied
legal_basis | varchar | consent, legitimate_interest, …
source_string | varchar | which signal said so: a field of the contract
captured_at | timestamptz | instant of the decision{_ORIGIN}""",
        holder="privacy",
    ),
)

TABLES: tuple[TableSpec, ...] = (
    *OPS,
    *RAW,
    *CORE,
    *IDENTITY,
    *PROFILE,
    *SEGMENT,
    *ACTIVATION,
    *PRIVACY,
)


def table(name: str) -> TableSpec:
    """Return the declaration of a table.

    Raises:
        KeyError: no table of that name is declared.
    """
    return {spec.name: spec for spec in TABLES}[name]
