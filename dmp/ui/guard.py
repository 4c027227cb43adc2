"""What the page says when an action is refused or fails."""

from __future__ import annotations

import functools
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, Literal, ParamSpec, Protocol, TypeVar

from dmp.core.errors import DMPError, NotAllowed

UNFORESEEN = "Something went wrong on our side. The log has the details under this:"

log = logging.getLogger(__name__)

P = ParamSpec("P")


@dataclass(frozen=True)
class Problem:
    """Why an action gave no result.

    Attributes:
        kind: refused by the role, failed on our side, or a link to what is gone.
        reference: the number under which the log holds the details of a failure;
            empty otherwise, for then there is nothing to look up.
    """

    kind: Literal["refused", "failed", "missing"]
    message: str
    reference: str = ""


class TellsProblems(Protocol):
    """Something that can show a problem to the viewer."""

    def tell(self, problem: Problem) -> None:
        """Show the problem."""
        ...


Owner = TypeVar("Owner", bound=TellsProblems)


def problem_of(error: Exception) -> Problem:
    """Return what to show for an error; a failure is logged under its reference.

    The text of an error that is not ours stays in the log, for it may hold values.
    """
    if isinstance(error, NotAllowed):
        return Problem("refused", str(error))
    reference = f"E-{secrets.token_hex(3).upper()}"
    log.error("page action failed reference=%s", reference, exc_info=error)
    ours = isinstance(error, DMPError)
    message = str(error) if ours else UNFORESEEN
    return Problem("failed", message, reference)


def guarded(
    callback: Callable[Concatenate[Owner, P], None],
) -> Callable[Concatenate[Owner, P], None]:
    """Make a callback whose exceptions are logged and shown, never lost."""

    @functools.wraps(callback)
    def run(owner: Owner, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            callback(owner, *args, **kwargs)
        except Exception as error:
            owner.tell(problem_of(error))

    return run
