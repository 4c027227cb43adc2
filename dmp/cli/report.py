"""The command that writes a segment's report: report."""

from __future__ import annotations

from pathlib import Path

import click

from dmp.cli.context import OUT, Context


@click.command()
@click.argument("segment")
@click.option(
    "--html",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The file to write; one that is there is replaced.",
)
@click.option(
    "--attribute",
    "attributes",
    multiple=True,
    help="Whose make-up to show; may be repeated; default: the first six.",
)
@click.pass_obj
def report(
    context: Context, segment: str, path: Path, attributes: tuple[str, ...]
) -> None:
    """Write what is known of SEGMENT as one HTML file, to mail or to print.

    It needs no server and no network. It holds aggregates only: counts below
    minimum_cell are left out and all others are rounded to ten, whoever writes it.
    """
    from dmp.core.result_file import check_result
    from dmp.ui.segment_report import write_segment_report

    check_result(path)
    with context.workspace() as workspace:
        write_segment_report(workspace, segment, path, attributes=attributes)
    OUT.print(f"report: {path}", markup=False, soft_wrap=True)
