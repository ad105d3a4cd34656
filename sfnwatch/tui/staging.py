"""What is changed for a while, and put back after it."""

from msgspec import Struct

PRESENTED = ("high-contrast", "high-contrast-light")
"""The theme to present a dark one in, and a light one."""


class Before(Struct, frozen=True):
    """How things were shown before they were presented."""

    theme: str
    masked: bool


class Left(Struct, frozen=True):
    """Where the lanes were left for another view."""

    key: str | None = None
    follow: bool = False
    led_to: str | None = None
    """What that was in the other view; None where it shows no states."""


def staged_theme(*, dark: bool) -> str:
    """Choose the theme that the back row can read, as dark or light as before."""
    return PRESENTED[0 if dark else 1]
