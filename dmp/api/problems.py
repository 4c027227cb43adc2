"""Errors as problem documents: what was wrong, where, what would be right.

Source: RFC 9457, `application/problem+json`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from dmp.core.errors import (
    DMPError,
    Fault,
    Faulty,
    NotAllowed,
    RuleInvalid,
    Transient,
    UnknownName,
    UsageError,
)
from dmp.flows.segment_answers import UnknownProfile

_LOG = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_S = 5


class FaultShape(BaseModel):
    """One thing wrong in one place."""

    path: str
    wrong: str
    right: str = ""


class Problem(BaseModel):
    """What an error answers.

    Attributes:
        type: names the kind of problem; `about:blank` where the status says it all.
        faults: all that is wrong in what was sent.
        near: names that exist and look like the one asked for.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    faults: list[FaultShape] = []
    near: list[str] = []


class Refused(Exception):
    """A request that ends here, with its status and words."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        """Keep both."""
        super().__init__(detail)
        self.status = status


def problem(
    status: HTTPStatus,
    detail: str,
    *,
    type_: str = "about:blank",
    faults: Sequence[Fault] = (),
    near: Sequence[str] = (),
) -> JSONResponse:
    """Return an error as a problem document."""
    shape = Problem(
        type=type_,
        title=status.phrase,
        status=status.value,
        detail=detail,
        faults=[FaultShape(path=f.path, wrong=f.wrong, right=f.right) for f in faults],
        near=list(near),
    )
    headers = {}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(_RETRY_AFTER_S)
    content = shape.model_dump(mode="json")
    return JSONResponse(content, status.value, headers, MEDIA_TYPE)


def add_handlers(app: FastAPI) -> None:
    """Let every error of this application be told as a problem document."""
    app.add_exception_handler(DMPError, _told)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _misread)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(Exception, _failed)


def _told(request: Request, error: Any) -> JSONResponse:
    """Tell an error of ours; where the fault is the server's, in its log alone."""
    if isinstance(error, RuleInvalid):
        return problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            str(error).partition("\n")[0],
            type_="urn:dmp:rule-invalid",
            faults=error.faults,
        )
    if isinstance(error, UnknownName):
        return problem(HTTPStatus.NOT_FOUND, str(error), near=error.near)
    if isinstance(error, UnknownProfile):
        return problem(HTTPStatus.NOT_FOUND, str(error))
    if isinstance(error, NotAllowed):
        return problem(HTTPStatus.FORBIDDEN, str(error))
    if isinstance(error, UsageError) and not isinstance(error, Faulty):
        return problem(HTTPStatus.BAD_REQUEST, str(error))
    if isinstance(error, Transient):
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
    return _failed(request, error)


def _failed(request: Request, error: Exception) -> JSONResponse:
    _LOG.error("request failed path=%s", request.url.path, exc_info=error)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "the server could not answer; its log says why",
    )


def _refused(request: Request, error: Any) -> JSONResponse:
    return problem(error.status, str(error))


def _plain(request: Request, error: Any) -> JSONResponse:
    return problem(HTTPStatus(error.status_code), str(error.detail))


def _misread(request: Request, error: Any) -> JSONResponse:
    faults = [Fault(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
    return problem(
        HTTPStatus.BAD_REQUEST, "the request's parameters have faults", faults=faults
    )
