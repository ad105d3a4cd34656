"""Data: tables, templates, style sheets, schemas."""

from pathlib import Path


def read_template(name: str) -> str:
    """Read one of the files that lie here."""
    # Not importlib.resources, which takes 10 ms to be imported.
    return (Path(__file__).parent / name).read_text("utf-8")
