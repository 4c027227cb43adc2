"""The application: addresses, errors, and OpenAPI at /openapi.json."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

import dmp
from dmp.api.desk import Desk
from dmp.api.problems import add_handlers
from dmp.api.segments import router

_ABOUT = """\
Segments of one workspace: validate, count, preview, members, explain. The numbers are
those of the command line. Roles are those of config/roles.yaml; a denial is written to
the audit log. Errors are problem documents (RFC 9457).
"""


def create_app(home: Path, environ: Mapping[str, str] = os.environ) -> FastAPI:
    """Return the API over one workspace, for any ASGI server.

    Opens nothing: the first request of a user opens the workspace as that user. The
    pages that FastAPI would load from elsewhere are left out.
    """
    desk = Desk(home, environ)

    @asynccontextmanager
    async def closing(app: FastAPI) -> AsyncIterator[None]:
        yield
        desk.close()

    app = FastAPI(
        title="dmp",
        version=dmp.__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=closing,
    )
    app.state.desk = desk
    app.include_router(router)
    add_handlers(app)
    return app
