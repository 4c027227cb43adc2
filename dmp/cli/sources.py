"""Commands about sources: source infer."""

from __future__ import annotations

from pathlib import Path

import click

from dmp.cli.context import Context, json_option, show_json

STDOUT = Path("-")


@click.group()
def source() -> None:
    """Draft contracts of sources: what their files hold, and how it is kept."""


@source.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(path_type=Path, exists=True),
)
@click.option("--name", default="", help="Of the source; default: that of the file.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Where to write; - prints it. Default: config/sources/NAME.yaml.",
)
@click.option(
    "--rows",
    type=click.IntRange(min=0),
    default=100_000,
    show_default=True,
    help="Rows of each file to look at; 0 for all.",
)
@json_option
@click.pass_obj
def infer(
    context: Context,
    files: tuple[Path, ...],
    name: str,
    out: Path | None,
    rows: int,
    as_json: bool,
) -> None:
    """Draft the contract of a source from its FILEs, to start from.

    Reads CSV with any delimiter, JSON lines and Parquet, and finds types, how dates
    are written, keys, events, purchases, consent, and the class of personal data of
    each column, by its values and by its name in several languages. Comments say why
    each choice was made and what to check. No value of anybody is in the draft.

    \b
    dmp source infer orders.csv
    dmp source infer export/*.jsonl --name web --out -
    dmp ingest orders orders.csv --dry-run
    """  # noqa: D301
    from dmp.flows.sources import infer_source, write_contract

    with context.workspace() as workspace:
        inferred = infer_source(workspace, files, name=name, rows=rows or None)
        written = None
        if out != STDOUT and not (as_json and out is None):
            written = write_contract(workspace, inferred, out)
    if as_json:
        contract = inferred.contract.model_dump(
            mode="json", by_alias=True, exclude_defaults=True
        )
        show_json({"written": written, "rows": inferred.rows, "contract": contract})
    elif written is None:
        click.echo(inferred.text, nl=False)
    else:
        click.echo(f"written to {written}: read its comments, above all the CHECKs")
        files_shown = " ".join(str(path) for path in files[:3])
        click.echo(
            f"next: dmp ingest {inferred.contract.source} {files_shown} --dry-run"
        )
