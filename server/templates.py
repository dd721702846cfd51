"""Jinja for the pages of the service: strict and escaping, over templates/web."""

from __future__ import annotations

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from qujat.rendering import TEMPLATES


def environment() -> Environment:
    """A new one, for a part of the service to put its own names and filters into, and to keep."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES / "web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
