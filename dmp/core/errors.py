"""The errors of dmp, and which of them are worth a retry.

    DMPError                       something is wrong, the message says what to do next
    ├── UsageError (ValueError)    the caller's words are wrong; exit code 2
    │   ├── Faulty                 an input has faults, all of them told at once
    │   │   ├── ConfigInvalid      a YAML file under config/ has faults
    │   │   └── RuleInvalid        a segment rule has faults
    │   └── UnknownName (KeyError) a name that does not exist; near names are given
    ├── StorageError               the lake could not read or write
    │   ├── QueryFailed            a statement failed; keeps its SQL, never its values
    │   ├── CommitFailed           nothing of the load was written
    │   ├── GroundFailed           a disk, folder or file cannot be used
    │   └── LakeBusy (Transient)   another process held the lock for too long
    ├── PrivacyError               a fence held
    │   ├── KeyMissing             the key-encryption key or a data key is not there
    │   └── NotAllowed (PermissionError)  the role may not do this
    ├── ModelNotTrained            a linkage model lacks parameters
    └── RunFailed                  a notebook did not reach its end

`Transient` and `Terminal` are mixed in where a retry can or cannot help.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


class DMPError(Exception):
    """The root: the message names the place, what was wrong, and what to do."""


class Transient:
    """Mixed into an error that may pass by itself: trying again can help."""


class Terminal:
    """Mixed into an error that stays until somebody mends its cause."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong in one place of an input.

    Attributes:
        path: where, in the input's own words (`fields.email.type`, `line 12`).
        wrong: what is wrong there, without any personal value.
        right: what would be right.
    """

    path: str
    wrong: str
    right: str = ""

    def __str__(self) -> str:
        """Return `path: wrong; right`."""
        return f"{self.path}: {self.wrong}" + (f"; {self.right}" if self.right else "")


class UsageError(DMPError, ValueError):
    """The caller asked for something that cannot be; exit code 2."""


class Faulty(UsageError):
    """An input with faults, all of them listed at once."""

    def __init__(self, where: str, faults: Iterable[Fault]) -> None:
        """Keep the faults and put each on a line of the message."""
        self.where = where
        self.faults = tuple(faults)
        lines = "".join(f"\n  {fault}" for fault in self.faults)
        count = len(self.faults)
        super().__init__(f"{where}: {count} fault{'s'[: count != 1]}{lines}")


class ConfigInvalid(Faulty):
    """A configuration file has faults; nothing was read from it."""


class RuleInvalid(Faulty):
    """A segment rule has faults; it was neither saved nor evaluated."""


class UnknownName(UsageError, KeyError):
    """A name that does not exist among those that do."""

    def __init__(self, kind: str, name: str, known: Sequence[str]) -> None:
        """Say which names exist, the nearest first."""
        self.near = get_close_matches(name, known, n=3)
        hint = f"did you mean {' or '.join(self.near)}?" if self.near else ""
        listed = ", ".join(sorted(known)) or "none yet"
        message = f"no {kind} named {name!r}; {hint} known: {listed}"
        super().__init__(message.replace("  ", " "))

    def __str__(self) -> str:
        """Return the message without the quotes that KeyError adds."""
        return str(self.args[0])


class StorageError(DMPError):
    """The lake could not be read or written."""


class QueryFailed(StorageError):
    """A statement failed; neither its SQL nor its values are in the message.

    Attributes:
        statement: its SQL, without the values bound to it.
    """

    def __init__(self, message: str, statement: str = "") -> None:
        """Keep the statement beside the message."""
        super().__init__(message)
        self.statement = statement


class CommitFailed(StorageError):
    """A commit failed; nothing of it was written and the connection is closed."""


class GroundFailed(StorageError):
    """The disk is full or read-only, a folder vanished, or rights are missing."""


class LakeBusy(StorageError, Transient):
    """Another process held the commit lock for longer than allowed."""


class PrivacyError(DMPError):
    """A fence around personal data held."""


class KeyMissing(PrivacyError, Terminal):
    """A key is not where the configuration says; nothing was decrypted."""


class NotAllowed(PrivacyError, PermissionError):
    """The caller's role does not include this action; nothing was done."""


class ModelNotTrained(DMPError, Terminal):
    """A linkage model lacks parameters; nothing was scored."""


class RunFailed(DMPError):
    """A notebook stopped before its end; its executed copy shows where."""
