"""Whose request it is: from its bearer token to a workspace opened for its user."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from dmp.api.desk import Desk
from dmp.api.problems import Refused
from dmp.core.documents import MAX_BYTES
from dmp.flows.workspace import Workspace

_BEARER = HTTPBearer(
    auto_error=False, description="The token that `dmp api token USER` printed."
)
_SAY_WHO = (
    "say who asks: Authorization: Bearer TOKEN, with the token that "
    "`dmp api token USER` printed"
)


def _calling(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> Iterator[Workspace]:
    """Give the workspace as the token's user's, for one request.

    Roles and settings are read anew each time: one taken away ends at once.
    """
    desk: Desk = request.app.state.desk
    if given is None:
        raise Refused(HTTPStatus.UNAUTHORIZED, _SAY_WHO)
    user = desk.user_of(given.credentials)
    if user is None:
        raise Refused(HTTPStatus.UNAUTHORIZED, f"this token is nobody's; {_SAY_WHO}")
    with desk.open_for(user) as workspace:
        yield workspace


async def _text(request: Request) -> str:
    """Return the body as text, at most as long as a segment's file may be."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BYTES:
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a rule has at most 1 MiB"
            )
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(HTTPStatus.BAD_REQUEST, "the body is not UTF-8") from error


Calling: TypeAlias = Annotated[Workspace, Depends(_calling, scope="function")]
RuleText: TypeAlias = Annotated[str, Depends(_text)]
