"""Which operating-system account a process runs under."""

from __future__ import annotations

import grp
import os
import pwd
from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """An account of this machine, as the kernel knows it.

    Attributes:
        user: its name; `uid-1000` where the machine has no name for the number.
        groups: names of all groups that the process is in, in the same way.
    """

    user: str
    groups: frozenset[str] = frozenset()


def current_account() -> Account:
    """Return the account of this process.

    The kernel is asked and not the environment, where anybody can write another name.
    """
    numbers = {os.getegid(), *os.getgroups()}
    return Account(_user_name(os.geteuid()), frozenset(map(_group_name, numbers)))


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid-{number}"


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return f"gid-{number}"
