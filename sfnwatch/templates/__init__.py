"""Data: tables, templates, style sheets, schemas."""

from importlib.resources import files


def read_template(name: str) -> str:
    """Read one of the files that lie here."""
    return (files(__name__) / name).read_text("utf-8")
