"""The screen for a talk: what is changed for it, and put back after it."""

from dataclasses import dataclass

PRESENTED = ("high-contrast", "high-contrast-light")
"""The theme to present a dark one in, and a light one."""


@dataclass(frozen=True, slots=True)
class Before:
    """How things were shown before they were presented."""

    theme: str
    masked: bool


def staged_theme(*, dark: bool) -> str:
    """Choose the theme that the back row can read, as dark or light as before."""
    return PRESENTED[0 if dark else 1]
