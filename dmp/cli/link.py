"""The command that links people files: link."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dmp.cli.bars import one_by_one, progress_option
from dmp.cli.context import OUT, json_option, show_json

if TYPE_CHECKING:
    from dmp.identity.link import Linked

_EXISTING = click.Path(path_type=Path, exists=True, dir_okay=False)
_NEW = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("files", nargs=-1, required=True, type=_EXISTING)
@click.option(
    "--id",
    "id_column",
    metavar="COLUMN",
    help="Column of unique record ids; default: one called record_id or the like, "
    "else records are numbered from 1.",
)
@click.option(
    "--source",
    "source_column",
    metavar="COLUMN",
    help="Column that names each record's source; default: one called source, else "
    "each file is a source.",
)
@click.option("--out", type=_NEW, help="Clusters to write: .parquet or .csv.")
@click.option(
    "--labels",
    type=_EXISTING,
    multiple=True,
    help="Judged pairs, as --pairs wrote them; may be given again for each round.",
)
@click.option("--model", type=_EXISTING, help="Take the choices of an earlier run.")
@click.option("--model-out", type=_NEW, help="Write all choices, as JSON.")
@click.option("--report", type=_NEW, help="Write a report to look at, as HTML.")
@click.option(
    "--ask",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Choose the N pairs whose answers are worth most.",
)
@click.option("--pairs", type=_NEW, help="Write them here, as CSV.")
@json_option
@progress_option
def link(
    files: tuple[Path, ...],
    id_column: str | None,
    source_column: str | None,
    out: Path | None,
    labels: tuple[Path, ...],
    model: Path | None,
    model_out: Path | None,
    report: Path | None,
    ask: int,
    pairs: Path | None,
    as_json: bool,
) -> None:
    """Find the records of the same person in people FILES (CSV or Parquet).

    Needs no workspace, no settings and no labels: what each column holds is found from
    its values. Writes record_id, cluster_id and confidence.

    \b
      dmp link people.csv --out clusters.parquet --report report.html

    With a few labels it gets better. Have the most useful pairs chosen, fill `match`
    with 1 or 0 in any spreadsheet, and give them back; as often as you like:

    \b
      dmp link people.csv --ask 50 --pairs pairs.csv
      dmp link people.csv --labels pairs.csv --out clusters.parquet
    """  # noqa: D301
    from dmp.identity.link import check_places, link_files

    results = [path for path in (out, model_out, pairs, report) if path is not None]
    check_places((*files, *labels), results)
    with one_by_one() as tell:
        linked = link_files(
            files,
            out=out,
            id_column=id_column,
            source_column=source_column,
            labels=labels,
            model=model,
            model_out=model_out,
            ask=ask,
            pairs=pairs,
            tell=tell,
        )
    if report is not None:
        from dmp.ui.link_report import write_report

        write_report(linked, report)
    if as_json:
        show_json({k: v for k, v in asdict(linked).items() if k != "model"})
        return
    _show(linked, results)


def _show(linked: Linked, results: list[Path]) -> None:
    OUT.print(
        f"{linked.records:,} records are {linked.clusters:,} people "
        f"({linked.compared_pairs:,} pairs compared)."
    )
    OUT.print(_estimated(linked))
    for line in (*_labels(linked), *_unread(linked), *linked.notes):
        OUT.print(line)
    for path in results:
        OUT.print(f"Written: {path}")
    if linked.asked:
        OUT.print("Fill `match` with 1 or 0, then give the file back by --labels.")


def _estimated(linked: Linked) -> str:
    found = linked.estimates
    if found.recall > 0:
        return (
            "Estimated without the truth, of the compared pairs: "
            f"{found.precision:.1%} of those joined are right, "
            f"{found.recall:.1%} of the matches are joined."
        )
    if linked.clusters == linked.records:
        return "No two records look like one person."
    return "Only records that say the same in every compared column were joined."


def _labels(linked: Linked) -> Iterator[str]:
    if linked.labels:
        yield f"{linked.labels:,} judged pairs used."
    for n, why in (
        (linked.contradicting, "contradict others"),
        (linked.unknown, "are of records that are not here"),
        (linked.unanswered, "have no answer yet"),
    ):
        if n:
            yield f"{n:,} judged pairs {why}; left out."


def _unread(linked: Linked) -> Iterator[str]:
    for field, cells in linked.unread.items():
        yield f"{field}: {cells:,} filled cells could not be read; they count as empty."
