"""Commands about what people think of a segment: comment, notes, approve, archive."""

from __future__ import annotations

import click

from dmp.cli.context import OUT, Context, json_option, local, show_json, show_table


@click.command()
@click.argument("name")
@click.argument("text")
@click.pass_obj
def comment(context: Context, /, name: str, text: str) -> None:
    """Keep the comment TEXT on segment NAME; personal data do not belong in it."""
    from dmp.flows.approval import comment_segment

    with context.workspace() as workspace:
        comment_segment(workspace, name, text)
    OUT.print(f"noted on {name}")


@click.command()
@click.argument("name")
@json_option
@click.pass_obj
def notes(context: Context, /, name: str, as_json: bool) -> None:
    """List who saved, commented on and approved segment NAME, and when."""
    from dmp.flows.approval import segment_notes

    with context.workspace() as workspace:
        found = segment_notes(workspace, name)
        zone = workspace.settings.timezone
    if as_json:
        show_json(found)
        return
    rows = [[local(one.noted_at, zone), one.kind, one.actor, one.text] for one in found]
    show_table(name, ["when", "what", "by", "text"], rows)


@click.command()
@click.argument("name")
@click.pass_obj
def approve(context: Context, /, name: str) -> None:
    """Approve segment NAME as it is now; its author may not.

    A change of its rule or purpose, or of a segment it refers to, asks for approval
    anew. With `approval: required` in config/dmp.yaml nothing leaves without it.
    """
    from dmp.flows.approval import approve_segment

    with context.workspace() as workspace:
        approve_segment(workspace, name)
    OUT.print(f"{name} is approved as it is now")


@click.command()
@click.argument("name")
@click.pass_obj
def archive(context: Context, /, name: str) -> None:
    """Put segment NAME out of use: it is neither built nor sent; its past stays."""
    from dmp.flows.approval import archive_segment

    with context.workspace() as workspace:
        archive_segment(workspace, name)
    OUT.print(f"{name} is archived; back: dmp segment unarchive {name}")


@click.command()
@click.argument("name")
@click.pass_obj
def unarchive(context: Context, /, name: str) -> None:
    """Bring the archived segment NAME back into use."""
    from dmp.flows.approval import archive_segment

    with context.workspace() as workspace:
        archive_segment(workspace, name, archived=False)
    OUT.print(f"{name} is in use again")


COMMANDS = (comment, notes, approve, archive, unarchive)
