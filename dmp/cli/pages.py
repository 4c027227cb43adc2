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
@click.option("--port", type=click.IntRange(1, 65535), help="Default: any free port.")
@click.option("--no-browser", is_flag=True, help="Print the address only.")
@click.pass_obj
def lab(context: Context, port: int | None, no_browser: bool) -> None:
    """Open JupyterLab on a start page with the notebooks of the workspace."""
    from dmp.jobs.ladder import SETTINGS, ladder, write_start_page

    with context.workspace() as workspace:
        home = workspace.paths.home
        if not ladder(workspace):
            raise click.UsageError(
                f"{home / 'notebooks'} has no notebook; bring them back by: "
                f"dmp init {home}"
            )
        start = write_start_page(workspace)
    environment = {**os.environ, "DMP_HOME": str(home)}
    arguments = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--notebook-dir={home}",
        f"--LabApp.default_url=/lab/tree/{start.as_posix()}",
        f"--LabApp.app_settings_dir={home / SETTINGS}",
        "--LabApp.extension_manager=readonly",
    ]
    arguments += [f"--port={port}"] if port else []
    arguments += ["--no-browser"] if no_browser else []
    # In a container the only user is often root; the server is on loopback, by token.
    arguments += ["--allow-root"] if os.geteuid() == 0 else []
    os.execve(sys.executable, arguments, environment)
