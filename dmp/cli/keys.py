"""Commands about keys: back-up, check, restore, rotation."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from dmp.cli.bars import bar, progress_option
from dmp.cli.context import ERR, OUT, Context, json_option, show_json

if TYPE_CHECKING:
    from dmp.flows.workspace import Workspace

NOT_BACKED_UP = (
    "the keys are not backed up: without them nobody, not even you, can read the names "
    "and addresses kept here. Next: dmp keys backup FILE, and keep FILE elsewhere"
)
_FILE = click.Path(path_type=Path, dir_okay=False)
passphrase_file_option = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Its first line is the passphrase; without it you are asked.",
)


def warn_about_keys(workspace: Workspace) -> None:
    """Say on stderr that the keys are not backed up, while that is so."""
    from dmp.flows.key_backup import are_keys_backed_up

    if not are_keys_backed_up(workspace.key_files):
        ERR.print(f"[yellow]{NOT_BACKED_UP}", soft_wrap=True)


@click.group()
def keys() -> None:
    """Back up, check, restore and rotate the keys of the workspace."""


@keys.command()
@click.argument("file", type=_FILE)
@passphrase_file_option
@click.pass_obj
def backup(context: Context, file: Path, passphrase_file: Path | None) -> None:
    """Write all keys into FILE, encrypted under a passphrase.

    Keep FILE away from this machine and from the back-ups of the data, and the
    passphrase away from FILE. Do it again after each rotation.

    Example: dmp keys backup /media/usb/dmp.keys
    """
    from dmp.flows.key_backup import back_up_keys

    passphrase = _passphrase(passphrase_file, is_new=True)
    with context.workspace() as workspace:
        made = back_up_keys(workspace, file, passphrase)
    OUT.print(f"[green]✓[/] the keys are in {escape(str(made))}", soft_wrap=True)
    OUT.print("  keep it away from this machine, and the passphrase away from it")
    OUT.print(f"  try it: dmp keys verify {escape(str(made))}", soft_wrap=True)


@keys.command()
@click.argument("file", type=_FILE)
@passphrase_file_option
@json_option
@click.pass_obj
def verify(
    context: Context, file: Path, passphrase_file: Path | None, as_json: bool
) -> None:
    """Open FILE and try its keys on this workspace; nothing is written.

    Exit code 1 where they do not open it.

    Example: dmp keys verify /media/usb/dmp.keys --passphrase-file pass.txt
    """
    from dmp.flows.key_backup import verify_key_backup

    passphrase = _passphrase(passphrase_file, is_new=False)
    with context.workspace() as workspace:
        found = verify_key_backup(workspace, file, passphrase)
    if as_json:
        show_json(found)
    elif found.opens_vault:
        state = "" if found.is_current else "; other keys have changed, back up anew"
        OUT.print(f"[green]✓[/] of {found.made_at}: opens the vault{state}")
    else:
        OUT.print(
            f"[red]✗[/] of {found.made_at}: its vault key was rotated since and opens "
            "older back-ups alone; run dmp keys backup"
        )
    if not found.opens_vault:
        raise click.exceptions.Exit(1)


@keys.command()
@click.argument("file", type=_FILE)
@passphrase_file_option
@json_option
@click.pass_obj
def restore(
    context: Context, file: Path, passphrase_file: Path | None, as_json: bool
) -> None:
    """Put the keys of FILE back where they are missing; none is ever replaced.

    Example: dmp keys restore /media/usb/dmp.keys
    """
    from dmp.flows.key_backup import restore_keys

    passphrase = _passphrase(passphrase_file, is_new=False)
    with context.workspace() as workspace:
        done = restore_keys(workspace, file, passphrase)
    if as_json:
        show_json(done)
        return
    OUT.print(f"[green]✓[/] written: {', '.join(done.written) or 'none'}")
    OUT.print(f"  there already: {', '.join(done.kept) or 'none'}")
    if done.heads_signed:
        OUT.print(f"  audit heads were lost: {done.heads_signed:,} signed anew")
    if done.destroyed:
        OUT.print(f"  keys of erased people destroyed again: {done.destroyed:,}")


@keys.command()
@click.option("--kek", is_flag=True, help="The vault key, which wraps all others.")
@click.option("--pseudonyms", is_flag=True, help="The key of identifiers' tokens.")
@click.option(
    "--new-key-file",
    type=_FILE,
    help="With --kek: the new key, made there if absent; needed where the key comes "
    "from DMP_VAULT_KEY or a command.",
)
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@progress_option
@json_option
@click.pass_obj
def rotate(
    context: Context,
    kek: bool,
    pseudonyms: bool,
    new_key_file: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Put new keys in the place of those in use, while loads and readers go on.

    Cut short, the same command goes on where it was. Afterwards: dmp keys backup.

    Example: dmp keys rotate --kek
    """
    if kek == pseudonyms:
        raise click.UsageError("say one of --kek and --pseudonyms")
    if new_key_file and not kek:
        raise click.UsageError("--new-key-file goes with --kek")
    with context.workspace() as workspace:
        if kek:
            done, told = _rotate_vault_key(workspace, new_key_file, dry_run)
        else:
            done, told = _rotate_pseudonyms(workspace, dry_run)
        if not dry_run:
            warn_about_keys(workspace)
    if as_json:
        show_json(done)
        return
    mark = "would rotate:" if dry_run else "[green]✓[/]"
    for line in filter(None, told):
        OUT.print(f"{mark} {line}", soft_wrap=True)
        mark = "[yellow]next:[/]"


def _rotate_vault_key(
    workspace: Workspace, new_key_file: Path | None, dry_run: bool
) -> tuple[object, list[str]]:
    from dmp.flows.rotate import rotate_vault_key

    with bar("rewrap keys") as tell:
        done = rotate_vault_key(
            workspace,
            new_key_file=new_key_file,
            dry_run=dry_run,
            progress=tell,
        )
    line = (
        f"vault key {done.former} → {done.newest or 'a new one'} · "
        f"{done.keys:,} keys, {done.rewrapped:,} wrapped anew"
    )
    return done, [line, done.next_step]


def _rotate_pseudonyms(workspace: Workspace, dry_run: bool) -> tuple[object, list[str]]:
    from dmp.flows.rotate import rotate_pseudonyms

    with bar("rewrite tokens"):
        done = rotate_pseudonyms(workspace, dry_run=dry_run)
    line = f"key of tokens {done.former} → {done.newest} · {done.tokens:,} tokens"
    return done, [line]


def _passphrase(file: Path | None, *, is_new: bool) -> str:
    """Return the passphrase, by prompt or from a file that is its owner's alone."""
    if file is None:
        return str(
            click.prompt("Passphrase", hide_input=True, confirmation_prompt=is_new)
        )
    if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise click.UsageError(
            f"others than its owner can use {file}; run: chmod 600 {file}"
        )
    lines = file.read_text(encoding="utf-8").splitlines()
    if not lines or not lines[0]:
        raise click.UsageError(f"{file} is empty: its first line is the passphrase")
    return lines[0]
