"""Commands about the HTTP API: api serve, api token, api revoke."""

from __future__ import annotations

from importlib.util import find_spec

import click

from dmp.cli.context import ERR, OUT, Context


@click.group()
def api() -> None:
    """Serve the HTTP API, and say who may use it."""


@api.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; beyond this machine put a proxy with TLS before it.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8787,
    show_default=True,
    help="0 takes any free one.",
)
@click.pass_obj
def serve(context: Context, host: str, port: int) -> None:
    """Serve segments over HTTP, with OpenAPI at /openapi.json; Ctrl-C ends it.

    Who asks is known by token: dmp api token USER.
    """
    from dmp.core.errors import UsageError
    from dmp.flows.api_tokens import users_with_token
    from dmp.privacy import Permission

    with context.workspace() as workspace:
        workspace.allow(Permission.MAINTAIN)
        home = workspace.paths.home
        holders = users_with_token(workspace)
    if not holders:
        raise UsageError("nobody has a token yet; give one: dmp api token USER")
    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        raise UsageError("the API needs two more packages: pip install 'dmp[api]'")
    from dmp.api import serve as serve_api

    if host not in ("127.0.0.1", "::1", "localhost"):
        ERR.print("tokens travel in clear: put a proxy with TLS before this address")
    serve_api(
        home,
        host=host,
        port=port,
        ready=lambda url: OUT.print(
            f"API: {url}/v1, described by {url}/openapi.json\nCtrl-C ends it",
            soft_wrap=True,
        ),
    )


@api.command()
@click.argument("user")
@click.pass_obj
def token(context: Context, user: str) -> None:
    """Print a new token for USER, once; the one held before is good no more.

    What USER may do is what config/roles.yaml says. Only a digest of it is kept.
    """
    from dmp.flows.api_tokens import give_token

    with context.workspace() as workspace:
        made = give_token(workspace, user)
    click.echo(made)


@api.command()
@click.argument("user")
@click.pass_obj
def revoke(context: Context, user: str) -> None:
    """Take the token of USER away; from the next request on it is good no more."""
    from dmp.flows.api_tokens import take_token

    with context.workspace() as workspace:
        take_token(workspace, user)
    OUT.print(f"[green]✓[/] the token of {user} is good no more", soft_wrap=True)
