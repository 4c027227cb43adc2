"""The command line: argument parsing only, each command calls one public function."""

from __future__ import annotations

from dmp.cli.main import cli, main

__all__ = ["cli", "main"]
