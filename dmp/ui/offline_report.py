"""A report as one HTML file: a template, filled and styled, that loads nothing."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def filled(template: str, **values: Any) -> str:
    """Return a template of `dmp.ui.templates` with its values, all escaped.

    The template is given the design tokens as `tokens`; a value that it names and is
    not given is an error.
    """
    environment = Environment(
        loader=PackageLoader("dmp.ui", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    styles = files("dmp.ui") / "widgets" / "tokens.css"
    tokens = styles.read_text("utf-8")
    return environment.get_template(template).render(tokens=tokens, **values)
