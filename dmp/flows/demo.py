"""The whole main job on synthetic people, measured against the known truth."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dmp.core.clock import instant
from dmp.core.errors import UsageError
from dmp.core.sql import Query, join, quote_text, sql
from dmp.flows.workspace import Workspace
from dmp.identity.evaluation import Scores, pairwise_scores
from dmp.ingest.synthetic import GenerationReport, generate
from dmp.privacy import Permission
from dmp.privacy.pseudonyms import subject_id_sql
from dmp.privacy.root_keys import FOUNDING
from dmp.storage.lake import Lake
from dmp.storage.loads import LOADS_BY_SOURCE

LANDING = "landing"


@dataclass(frozen=True)
class SourceRows:
    """What became of one source's rows, over all its loads."""

    source: str
    rows_read: int
    rows_accepted: int
    rows_unchanged: int
    rows_refused: int


@dataclass(frozen=True)
class PeopleFound:
    """How well people were found, against the truth.

    `scores` are over everybody who could be known: records, accounts, and devices on
    which somebody logged in. `anonymous` devices, on which nobody ever did, stand
    alone by nature and are left out.
    """

    people: int
    true_people: int
    subjects: int
    anonymous: int
    scores: Scores


@dataclass(frozen=True)
class FunnelRow:
    """The funnel of one segment at one destination; each loss with its reason."""

    segment: str
    destination: str
    members: int
    consented: int
    after_exclusions: int
    addressable: int
    exported: int
    losses: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Landed:
    """The files of the sources.

    Attributes:
        until: the end of synthetic data, ISO 8601; of other data the instant of now.
    """

    folder: Path
    until: str


@dataclass(frozen=True)
class Summary:
    """What the whole job came to; recomputed by a second path in the tests."""

    home: str
    as_of: str
    snapshot: int
    sources: tuple[SourceRows, ...]
    found: PeopleFound
    funnels: tuple[FunnelRow, ...]
    files: tuple[dict[str, Any], ...]
    audit_records: int
    audit_ok: bool
    seconds: dict[str, float]
    changed: bool

    def to_json(self) -> str:
        """Return the same facts as JSON."""
        return json.dumps(asdict(self), indent=1)


def generate_people(
    workspace: Workspace,
    *,
    people: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> tuple[GenerationReport | None, Path]:
    """Put synthetic sources where the contracts look for them, once.

    A set of the same people and seed that is there already is kept: None is returned.

    Raises:
        NotAllowed: the caller may not generate.
        UsageError: the folder holds something else; it was left as it is.
    """
    workspace.allow(Permission.GENERATE)
    folder = workspace.paths.data / LANDING
    manifest = folder / "manifest.json"
    wanted = {"people": people, "seed": seed, **options}
    if manifest.exists():
        made = json.loads(manifest.read_text())
        if all(made.get(name, value) == value for name, value in wanted.items()):
            return None, folder
        raise UsageError(
            f"{folder} holds {made['people']:,} people of seed {made['seed']}; ask for "
            f"those (--people {made['people']} --seed {made['seed']}), or make another "
            "workspace: dmp init DIR"
        )
    report = generate(folder, people=people, seed=seed, progress=progress, **options)
    return report, folder


def ensure_people(workspace: Workspace, *, people: int, seed: int) -> Landed:
    """Return what lies in `data/landing`; where nothing does, make synthetic people.

    Raises:
        NotAllowed: people are to be made, and the caller may not.
    """
    folder = workspace.paths.data / LANDING
    if not any(path.is_file() for path in folder.rglob("*")):
        generate_people(workspace, people=people, seed=seed)
    manifest = folder / "manifest.json"
    if not manifest.exists():
        return Landed(folder, workspace.clock().isoformat())
    return Landed(folder, str(json.loads(manifest.read_text())["until"]))


def summarise(
    workspace: Workspace, *, seconds: dict[str, float], changed: bool
) -> Summary:
    """Gather what a whole run came to, from the lake and the truth beside the data."""
    landing = workspace.paths.data / LANDING
    manifest = json.loads((landing / "manifest.json").read_text())
    lake = workspace.lake
    audit = workspace.audit.verify()
    return Summary(
        home=str(workspace.paths.home),
        as_of=manifest["until"],
        snapshot=lake.snapshot(),
        sources=_sources(lake),
        found=_found(workspace, landing / "truth"),
        funnels=_funnels(lake, manifest["until"]),
        files=_files(lake),
        audit_records=audit.records,
        audit_ok=audit.ok,
        seconds=seconds,
        changed=changed,
    )


def _sources(lake: Lake) -> tuple[SourceRows, ...]:
    rows = lake.rows(
        sql(
            "select source, rows_read, rows_accepted, rows_unchanged, rows_refused "
            "from ({loads}) order by source",
            loads=LOADS_BY_SOURCE,
        )
    )
    return tuple(SourceRows(*row) for row in rows)


def _found(workspace: Workspace, truth: Path) -> PeopleFound:
    stage_truth(workspace, truth / "subjects.parquet")
    lake = workspace.lake
    known = "where is_knowable"
    scores = pairwise_scores(
        lake,
        Query(
            f"select profile_key as cluster, person_id as truth from labelled {known}"
        ),
    )
    people, true_people, subjects = lake.row(
        "select count(distinct profile_key), count(distinct person_id), count(*) "
        f"from labelled {known}"
    )
    anonymous = lake.value("select count(*) from labelled where not is_knowable")
    return PeopleFound(people, true_people, subjects, anonymous, scores)


def stage_truth(workspace: Workspace, file: Path) -> None:
    """Stage `labelled`: each resolved subject with its profile and true person.

    A shared device belongs to the person who used it most.
    """
    lake = workspace.lake
    key = workspace.keys.pseudonym_key("subject", FOUNDING)
    lake.stage(
        "truth",
        f"select * from read_parquet({quote_text(str(file))}) "
        "qualify row_number() over (partition by source, kind, key "
        "order by share desc, person_id) = 1",
    )
    sources = [
        row[0] for row in lake.rows("select distinct source from truth order by 1")
    ]
    parts = [
        sql(
            f"select {{id}} as subject_id, person_id, kind from truth "
            f"where source = $source_{n}",
            id=subject_id_sql(key, source, Query("kind || ':' || key")),
            **{f"source_{n}": source},
        )
        for n, source in enumerate(sources)
    ]
    lake.stage("true_subject", join(parts, " union all "))
    lake.stage("labelled", _LABELLED)


_LABELLED = """
with logged_in as (
    select distinct d.subject_id
    from identity.identifier as d
    join identity.identifier as u using (namespace, type, encoding, token)
    join identity.subject as s on s.subject_id = u.subject_id
    where s.kind = 'user'
)
select t.subject_id, t.person_id, t.kind, a.profile_key,
    t.kind <> 'device' or t.subject_id in (from logged_in) as is_knowable
from true_subject as t join identity.assignment as a using (subject_id)
where a.valid_to is null
"""


def _funnels(lake: Lake, as_of: str) -> tuple[FunnelRow, ...]:
    rows = lake.records(
        """
        select s.segment, s.destination, s.members, s.consented, s.after_exclusions,
            s.addressable, s.accepted as exported, s.losses::varchar as losses
        from activation.sync as s where s.as_of = $as_of
        qualify row_number() over (
            partition by s.segment, s.destination order by s.synced_at desc) = 1
        order by s.destination, s.segment
        """,
        as_of=instant(as_of),
    )
    return tuple(
        FunnelRow(**row | {"losses": tuple(map(tuple, json.loads(row["losses"])))})
        for row in rows
    )


def _files(lake: Lake) -> tuple[dict[str, Any], ...]:
    rows = lake.rows(
        "select destination, files::varchar from activation.sync qualify row_number() "
        "over (partition by segment, destination order by synced_at desc) = 1 "
        "order by destination, segment"
    )
    return tuple(
        {"destination": destination, **file}
        for destination, files in rows
        for file in json.loads(files)
    )


class Stopwatch:
    """Seconds by stage, in the order in which the stages ended."""

    def __init__(self) -> None:
        """Begin."""
        self.seconds: dict[str, float] = {}
        self._begun = time.monotonic()

    def lap(self, stage: str) -> None:
        """End a stage; the next one begins now."""
        now = time.monotonic()
        self.seconds[stage] = round(now - self._begun, 2)
        self._begun = now
