"""Commands that back up a workspace, check a back-up, and restore one."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from dmp.cli.bars import bar, progress_option
from dmp.cli.context import OUT, Context, json_option, show_json

_FOLDER = click.Path(path_type=Path, file_okay=False)


class _CreatesByDefault(click.Group):
    """A group whose first word may be a folder: then a back-up is made there."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command named, or `create`."""
        if args and args[0] not in self.commands:
            args = ["create", *args]
        return super().resolve_command(ctx, args)


@click.group(
    cls=_CreatesByDefault,
    subcommand_metavar="TARGET | verify FOLDER",
    context_settings={"ignore_unknown_options": True},
)
def backup() -> None:
    """Back up the workspace to the folder TARGET, while others work in it.

    TARGET is made and must not be there yet. It holds lake, vault, audit log, models,
    runs, configuration, notebooks and pages as they were at one instant; not what was
    landed or exported, and no key: those go by dmp keys backup.

    Example: dmp backup /backups/2026-07-01

    The next day: dmp backup /backups/2026-07-02 --previous /backups/2026-07-01
    """


@backup.command()
@click.argument("target", type=_FOLDER)
@click.option(
    "--previous",
    type=_FOLDER,
    help="An earlier back-up on the same disk: what is the same takes no more room.",
)
@click.option(
    "--dry-run", is_flag=True, help="Say what would be copied; write nothing."
)
@progress_option
@json_option
@click.pass_obj
def create(
    context: Context,
    target: Path,
    previous: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Back up to the folder TARGET; `dmp backup TARGET` is the same."""
    from dmp.cli.keys import warn_about_keys
    from dmp.flows.backup import back_up

    with context.workspace() as workspace, bar("back up", "B") as tell:
        done = back_up(
            workspace,
            target,
            previous=previous,
            dry_run=dry_run,
            progress=tell,
        )
        warn_about_keys(workspace)
    if as_json:
        show_json(done)
        return
    mark = "would back up to" if dry_run else "[green]✓[/]"
    OUT.print(f"{mark} {escape(str(done.target))}", soft_wrap=True)
    OUT.print(
        f"  snapshot {done.snapshot} · {done.files:,} files · "
        f"{done.size_bytes / 1e6:,.1f} MB, {done.new_bytes / 1e6:,.1f} MB of them new"
    )
    if not dry_run:
        OUT.print("  the vault key is not in it, on purpose: keep it elsewhere")


@backup.command()
@click.argument("folder", type=_FOLDER)
@progress_option
@json_option
def verify(folder: Path, as_json: bool) -> None:
    """Compare every byte and row of the back-up in FOLDER with its manifest."""
    from dmp.flows.backup import verify_backup

    with bar("verify", "B") as tell:
        manifest = verify_backup(
            folder,
            progress=tell,
        )
    if as_json:
        show_json(manifest)
        return
    OUT.print(
        f"[green]✓[/] {escape(str(folder))}: whole, of {manifest.made_at}",
        soft_wrap=True,
    )
    rows = sum(entry.rows for entry in manifest.tables)
    OUT.print(
        f"  {len(manifest.files):,} files · {len(manifest.tables)} tables · "
        f"{rows:,} rows · opened by the vault key {' or '.join(manifest.vault_key)}"
    )


@click.command()
@click.argument("source", type=_FOLDER)
@click.option(
    "--into",
    type=_FOLDER,
    help="The folder to make, absent or empty; default the workspace folder.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
@progress_option
@json_option
@click.pass_obj
def restore(
    context: Context, source: Path, into: Path | None, dry_run: bool, as_json: bool
) -> None:
    """Restore the workspace that was backed up in the folder SOURCE.

    Every file and table is compared with the manifest. Keys of people erased since the
    back-up are destroyed again. Where the workspace that was backed up is still there,
    the restored one gets an id of its own.

    Example: dmp restore /backups/2026-07-01 --into /srv/dmp
    """
    from dmp.flows.restore import restore as make

    with bar("restore", "B") as tell:
        done = make(
            source,
            into or context.home or Path(),
            dry_run=dry_run,
            progress=tell,
        )
    if as_json:
        show_json(done)
        return
    mark = "would restore" if dry_run else "[green]✓[/]"
    OUT.print(f"{mark} {escape(str(done.home))}, as of {done.made_at}", soft_wrap=True)
    OUT.print(
        f"  workspace {done.id} · snapshot {done.snapshot} · {done.files:,} files · "
        f"{done.size_bytes / 1e6:,.1f} MB"
    )
    if done.destroyed:
        OUT.print(f"  keys of erased people destroyed again: {done.destroyed:,}")
    if done.keys_missing:
        OUT.print(f"[yellow]{escape(done.keys_missing)}[/]", soft_wrap=True)
