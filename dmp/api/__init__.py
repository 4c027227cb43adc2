"""The HTTP API: segments of one workspace, asked by people and programs with tokens.

It holds no rule logic: every answer is one call of `dmp.flows`. Needs the extra `api`.
"""

from __future__ import annotations

from dmp.api.app import create_app
from dmp.api.serving import serve

__all__ = ["create_app", "serve"]
