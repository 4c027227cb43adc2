"""Draft the contract of a source from its files, under roles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from dmp.core.errors import UsageError
from dmp.flows.ingest import contracts
from dmp.flows.workspace import Workspace
from dmp.ingest.infer import Inferred, infer, taken_by
from dmp.ingest.infer.naming import snake
from dmp.privacy import Permission
from dmp.storage.temporary import temporary_folder

LOOK_ROWS = 100_000
_GENERIC = frozenset({"data", "export", "file", "input", "part", "dump", "source", ""})
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def infer_source(
    workspace: Workspace,
    files: Sequence[Path],
    *,
    name: str = "",
    rows: int | None = LOOK_ROWS,
) -> Inferred:
    """Return a contract to start from, for files that hold one source.

    What other contracts of the workspace store keeps its type. Nothing is written.

    Args:
        name: of the source; empty takes it from the first file or its folder.
        rows: how many rows of each file to look at; None looks at all.

    Raises:
        UsageError: the name cannot be one, or a file cannot be read.
        NotAllowed: the caller may not ingest.
    """
    workspace.allow(Permission.INGEST)
    chosen = name or name_of(files[0])
    if not _NAME.fullmatch(chosen):
        raise UsageError(
            "a source is named by lower-case letters, digits and _, such as "
            "shop_orders; name it: --name NAME"
        )
    known = contracts(workspace)
    scratch = workspace.stores.scratch
    with temporary_folder("infer-", scratch) as folder:
        return infer(
            workspace.lake,
            files,
            name=chosen,
            landing=_landing(files, workspace.paths.home),
            scratch=folder,
            taken=taken_by(c for n, c in known.items() if n != chosen),
            rows=rows,
        )


def write_contract(workspace: Workspace, inferred: Inferred, path: Path | None) -> Path:
    """Write the drafted contract; return where.

    Args:
        path: None for the place where contracts of the workspace lie.

    Raises:
        UsageError: a file is there already; it was left as it is.
    """
    workspace.allow(Permission.INGEST)
    usual = workspace.paths.config / "sources" / f"{inferred.contract.source}.yaml"
    target = path or usual
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(inferred.text)
    except FileExistsError as error:
        raise UsageError(
            f"{target} is there already and was left as it is; look at the draft by "
            "--out -, or give it another place by --name or --out"
        ) from error
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error
    return target


def name_of(file: Path) -> str:
    """Return a name for the source of a file: its own, or its folder's.

    >>> name_of(Path("Orders-2026-05.csv")), name_of(Path("landing/crm/part-00000.csv"))
    ('orders', 'crm')
    """
    for part in (file.stem, file.resolve().parent.name):
        words = [w for w in snake(part).split("_") if w.isalpha() and len(w) > 1]
        name = "_".join(words)
        if name not in _GENERIC:
            return name
    return "source"


def _landing(files: Sequence[Path], home: Path) -> str:
    """Return the pattern of files that lie together in the workspace, else nothing."""
    folders = {path.resolve().parent for path in files}
    suffixes = {path.suffix for path in files}
    folder = next(iter(folders))
    if len(folders) > 1 or len(suffixes) > 1 or home not in (folder, *folder.parents):
        return ""
    if folder == home:
        return ""
    return f"{folder.relative_to(home).as_posix()}/*{suffixes.pop()}"
