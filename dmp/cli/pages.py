"""Commands that open something to look at: dashboards, lab."""

from __future__ import annotations

import os
import sys

import click

from dmp.cli.context import OUT, Context


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Default: any free port.")
@click.option("--no-browser", is_flag=True, help="Print the address only.")
@click.option(
    "--preheat",
    type=click.IntRange(0, 8),
    default=1,
    show_default=True,
    help="Kernels kept warm for each page, so that it opens at once.",
)
@click.option(
    "--behind-proxy",
    metavar="ORIGIN",
    help="For many people: the address at which a proxy signs them in. It sends "
    "X-Forwarded-User and -Groups, and DMP_PROXY_SECRET as X-Dmp-Proxy-Secret.",
)
@click.pass_obj
def dashboards(
    context: Context,
    port: int | None,
    no_browser: bool,
    preheat: int,
    behind_proxy: str | None,
) -> None:
    """Open the pages of the workspace in a browser; Ctrl-C ends them."""
    from dmp.privacy import Permission
    from dmp.ui.serve import serve, trusted_proxy

    proxy = trusted_proxy(behind_proxy) if behind_proxy else None

    with context.workspace() as workspace:
        workspace.allow(Permission.COUNT)
        home = workspace.paths.home
    serve(
        home,
        port=port,
        open_browser=not no_browser and proxy is None,
        preheat=preheat,
        proxy=proxy,
        ready=lambda url: OUT.print(f"pages: {url}\nCtrl-C ends them", soft_wrap=True),
    )


@click.command()
@click.pass_obj
def lab(context: Context) -> None:
    """Open JupyterLab on the notebooks of the workspace."""
    from dmp.privacy import Permission

    with context.workspace() as workspace:
        workspace.allow(Permission.RUN_NOTEBOOK)
        home = workspace.paths.home
    start = home / "notebooks" / "00_quickstart.ipynb"
    if not start.exists():
        raise click.UsageError(
            f"{start} is not there; bring the notebooks back by: dmp init {home}"
        )
    environment = {**os.environ, "DMP_HOME": str(home)}
    arguments = [
        sys.executable,
        "-m",
        "jupyterlab",
        str(start),
        f"--notebook-dir={home}",
        "--LabApp.extension_manager=readonly",
    ]
    os.execve(sys.executable, arguments, environment)
