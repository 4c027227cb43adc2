"""The whole run: chunk by chunk, so that memory does not grow with the people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from dmp.ingest.synthetic import crm, partner
from dmp.ingest.synthetic.activity import Activity, make_activity
from dmp.ingest.synthetic.app import app_lines
from dmp.ingest.synthetic.columns import Text, lines
from dmp.ingest.synthetic.files import GrowingTable, Shelf, prepare, write_manifest
from dmp.ingest.synthetic.people import Person
from dmp.ingest.synthetic.population import make_people
from dmp.ingest.synthetic.realism import Tally
from dmp.ingest.synthetic.report import GenerationReport
from dmp.ingest.synthetic.sessions import APP, WEB
from dmp.ingest.synthetic.shop import SCHEMA as SHOP_SCHEMA
from dmp.ingest.synthetic.shop import shop_orders
from dmp.ingest.synthetic.spec import Spec, check, wanted_formats, wanted_sources
from dmp.ingest.synthetic.tables import (
    Refusal,
    csv_bytes,
    halves,
    parquet_bytes,
    text_table,
)
from dmp.ingest.synthetic.truth import (
    CONSENT_SCHEMA,
    PEOPLE_SCHEMA,
    REFUSED_SCHEMA,
    SUBJECT_SCHEMA,
    Subjects,
    consent_table,
    online_subjects,
    people_table,
)
from dmp.ingest.synthetic.web import web_lines

UNTIL = datetime(2026, 6, 30, tzinfo=UTC)


@dataclass
class _Run:
    """What one run has written so far."""

    spec: Spec
    shelf: Shelf
    truth: Mapping[str, GrowingTable]
    tally: Tally = field(default_factory=Tally)
    rows: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def put(
        self,
        source: str,
        name: str,
        data: bytes,
        rows: int,
        refusals: Sequence[Refusal] = (),
    ) -> None:
        """Write one part file of a source and note its planted faults."""
        path = f"{source}/{name}"
        first = 1 if name.endswith(".parquet") else 2
        self.shelf.put(path, data, rows)
        self.rows[source] += rows
        self.refused[source] += len(refusals)
        columns = [
            [source] * len(refusals),
            [path] * len(refusals),
            [refusal.row + first for refusal in refusals],
            [refusal.field for refusal in refusals],
            [refusal.what for refusal in refusals],
        ]
        self.truth["refused"].append(pa.table(columns, schema=REFUSED_SCHEMA))


def _open_run(spec: Spec, out: Path) -> _Run:
    """Return a run with its truth files open."""
    schemas = {
        "people": PEOPLE_SCHEMA,
        "subjects": SUBJECT_SCHEMA,
        "consent": CONSENT_SCHEMA,
        "refused": REFUSED_SCHEMA,
    }
    truth = {
        name: GrowingTable(out, f"truth/{name}.parquet", schema)
        for name, schema in schemas.items()
    }
    truth["refused"].append(REFUSED_SCHEMA.empty_table())
    return _Run(spec, Shelf(out), truth)


def _put_events(run: _Run, chunk: int, activity: Activity, subjects: Subjects) -> None:
    """Write the event files of a chunk."""
    makers: Mapping[str, tuple[int, Callable[[Spec, int, Activity], Text]]] = {
        "web": (WEB, web_lines),
        "app": (APP, app_lines),
    }
    for source, (number, make) in makers.items():
        if source in run.spec.sources:
            rows = make(run.spec, chunk, activity)
            name = f"part-{chunk:05d}.{run.spec.formats[source]}"
            run.put(source, name, lines(rows), len(rows))
            online_subjects(subjects, activity, number)


def _put_crm(run: _Run, chunk: int, people: Sequence[Person], found: Subjects) -> None:
    """Write the two CRM files of a chunk, UTF-8 with a byte order mark and cp1252."""
    files = zip(
        halves(crm.crm_rows(run.spec, chunk, people, found)),
        (("a", "utf-8-sig"), ("b", "cp1252")),
        strict=True,
    )
    for half, (letter, encoding) in files:
        data = csv_bytes(crm.COLUMNS, half.rows, encoding=encoding, line_end="\r\n")
        name = f"part-{chunk:05d}-{letter}.csv"
        run.put("crm", name, data, len(half.rows), half.refusals)


def _put_shop(
    run: _Run,
    chunk: int,
    people: Sequence[Person],
    activity: Activity | None,
    subjects: Subjects,
) -> None:
    """Write the orders of a chunk."""
    orders = shop_orders(run.spec, chunk, people, activity, subjects)
    kind = run.spec.formats["shop"]
    if kind == "parquet":
        data = parquet_bytes(orders.table)
    else:
        columns = [column.to_pylist() for column in orders.table.columns]
        data = csv_bytes(SHOP_SCHEMA.names, zip(*columns, strict=True))
    name = f"part-{chunk:05d}.{kind}"
    run.put("shop", name, data, orders.table.num_rows, orders.refusals)


def _put_partner(
    run: _Run, chunk: int, people: Sequence[Person], subjects: Subjects
) -> None:
    """Write the partner's rows of a chunk."""
    found = partner.partner_rows(run.spec, chunk, people, subjects)
    kind = run.spec.formats["partner"]
    if kind == "parquet":
        data = parquet_bytes(text_table(partner.COLUMNS, found.rows))
    else:
        data = csv_bytes(partner.COLUMNS, found.rows)
    name = f"part-{chunk:05d}.{kind}"
    run.put("partner", name, data, len(found.rows), found.refusals)


def _put_chunk(run: _Run, chunk: int) -> None:
    """Make one chunk, write it and forget it."""
    spec, subjects = run.spec, Subjects()
    people = make_people(spec, chunk)
    online = "web" in spec.sources or "app" in spec.sources
    activity = make_activity(spec, chunk, people) if online else None
    if activity:
        _put_events(run, chunk, activity, subjects)
    if "crm" in spec.sources:
        _put_crm(run, chunk, people, subjects)
    if "shop" in spec.sources:
        _put_shop(run, chunk, people, activity, subjects)
    if "partner" in spec.sources:
        _put_partner(run, chunk, people, subjects)
    run.tally.add(people, activity)
    run.truth["people"].append(people_table(people))
    run.truth["subjects"].append(subjects.table())
    run.truth["consent"].append(consent_table(people))


def _report(run: _Run) -> GenerationReport:
    """Return what the run made; closes the truth files."""
    spec = run.spec
    truth = [table.close() for table in run.truth.values()]
    hours = run.tally.hour_shares() if run.tally.hours.any() else ()
    return GenerationReport(
        people=spec.people,
        seed=spec.seed,
        until=spec.until.astimezone(UTC).isoformat(),
        days=spec.days,
        rows={source: run.rows[source] for source in spec.sources},
        refused={source: run.refused[source] for source in spec.sources},
        files=tuple(sorted([*run.shelf.entries, *truth], key=lambda file: file.path)),
        figures=run.tally.figures(),
        hours=tuple(round(float(share), 5) for share in hours),
    )


def _write(
    spec: Spec, out: Path, progress: Callable[[int, int], None] | None
) -> GenerationReport:
    """Write every chunk of a checked spec and the manifest."""
    prepare(out)
    run = _open_run(spec, out)
    for chunk in range(spec.n_chunks):
        _put_chunk(run, chunk)
        if progress:
            done = min((chunk + 1) * spec.chunk_people, spec.people)
            progress(done, spec.people)
    report = _report(run)
    write_manifest(out, report)
    return report


def generate(
    out: Path,
    *,
    people: int,
    seed: int,
    until: datetime = UNTIL,
    days: int = 180,
    sources: Sequence[str] | None = None,
    formats: Mapping[str, str] | None = None,
    events: bool = True,
    events_per_person: float = 30.0,
    chunk_people: int = 5000,
    progress: Callable[[int, int], None] | None = None,
) -> GenerationReport:
    """Write synthetic people as five sources see them, and the truth beside them.

    Files are `<source>/part-*`, `truth/*.parquet` and `manifest.json`. The same
    arguments give the same bytes. A folder with an earlier set is emptied of it first.

    Args:
        out: folder to write to; made if missing, else empty or an earlier set.
        people: how many people, at least 1.
        seed: 0 or more.
        until: everything happens before this instant; needs a time zone.
        days: events and orders lie in [until - days, until); at least 14.
        sources: any of web, app, crm, shop, partner; all if None.
        formats: file format by source where another than the usual one is wanted.
        events: False leaves out web and app.
        events_per_person: mean over all people, web and app together.
        chunk_people: people held in memory at a time; part of what the bytes follow.
        progress: called with people done and people in all, after each chunk.

    Raises:
        UsageError: an argument is out of range, a format does not suit its source, or
            the folder holds other files; nothing was written.
    """
    kept = wanted_sources(sources, events)
    kinds = wanted_formats(formats, kept)
    spec = Spec(people, seed, until, days, kept, kinds, events_per_person, chunk_people)
    check(spec)
    return _write(spec, out, progress)
