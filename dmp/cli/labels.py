"""Commands about labels: import, export, list, undo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dmp.cli.context import OUT, Context, json_option, local, show_json, show_table

if TYPE_CHECKING:
    from dmp.flows.labels import LabelImport
    from dmp.identity.agreement import Agreement


@click.group()
def labels() -> None:
    """Keep what people said of pairs: match, no match, unsure.

    Labels measure how right the linkage is (notebook 22_evaluate) and move nobody;
    dmp identity merge and split do. The page Match review asks for the pairs that are
    worth most.
    """


@labels.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", default="", help="Source of the ids, if the file has none.")
@click.option(
    "--reviewer", default="", help="User name of who judged; default: whoever imports."
)
@json_option
@click.pass_obj
def import_(
    context: Context, file: Path, source: str, reviewer: str, as_json: bool
) -> None:
    """Take the judged pairs of FILE, CSV or Parquet.

    Read are the pairs.csv of dmp link --ask, labels as Splink 3 and later read them,
    and what dmp identity labels export wrote. With a source an id is what the source
    calls a person, without one it is a subject's number.

    \b
    Examples:
      dmp identity labels import pairs.csv --source crm
      dmp identity labels import splink_labels.csv --reviewer jo
    """  # noqa: D301
    from dmp.flows.labels import import_labels

    with context.workspace() as workspace:
        found = import_labels(workspace, file, source=source, reviewer=reviewer)
    if as_json:
        show_json({"given": found.given, "reviewer": found.reviewer, **_counts(found)})
        return
    told = [f"{n:,} {what}" for what, n in _counts(found).items() if n]
    OUT.print(f"[bold]{found.given:,}[/] labels new · {' · '.join(told)}")


@labels.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def export(context: Context, file: Path) -> None:
    """Write the labels in force to FILE as CSV, by subjects' numbers."""
    from dmp.flows.labels import export_labels

    with context.workspace() as workspace:
        written = export_labels(workspace, file)
    OUT.print(f"[bold]{written:,}[/] labels in {file}")


@labels.command("list")
@json_option
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """List the labels in force, the newest first, and how far reviewers agree."""
    from dmp.flows.labels import label_list

    with context.workspace() as workspace:
        found, agreed = label_list(workspace)
        zone = workspace.settings.timezone
    if as_json:
        show_json({"labels": found, "agreement": agreed})
        return
    if not found:
        OUT.print("nobody has labelled anything yet: dmp dashboards, Match review")
        return
    rows = [
        [
            label.label_id,
            label.verdict.replace("_", " "),
            local(label.labelled_at, zone),
            label.reviewer,
            label.origin,
            str(label.subject_id_l),
            str(label.subject_id_r),
        ]
        for label in found
    ]
    show_table("", ["label", "", "when", "by", "from", "subject", "subject"], rows)
    if agreed:
        show_table("agreement", ["", "", "pairs", "alike", "kappa"], _agreement(agreed))


@labels.command()
@click.argument("label_id")
@click.pass_obj
def undo(context: Context, label_id: str) -> None:
    """Take back the label LABEL_ID, one of your own."""
    from dmp.flows.labels import take_label_back

    with context.workspace() as workspace:
        take_label_back(workspace, label_id)
    OUT.print(f"label [bold]{label_id}[/] is taken back")


def _counts(found: LabelImport) -> dict[str, int]:
    file = found.file
    return {
        "rows": file.rows,
        "unanswered": file.unanswered,
        "unknown": file.unknown,
        "contradicting": file.contradicting,
    }


def _agreement(agreed: list[Agreement]) -> list[list[object]]:
    return [
        [
            each.one,
            each.other,
            each.pairs,
            each.agreed,
            "one verdict only"
            if each.kappa is None or each.interval is None
            else f"{each.kappa:.2f} ({each.interval[0]:.2f} to {each.interval[1]:.2f})",
        ]
        for each in agreed
    ]
