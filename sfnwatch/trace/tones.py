"""What a piece of text is, for the theme to colour: a tone, never a colour.

Status is a glyph and a word, and only then a colour.
"""

from enum import StrEnum


class Tone(StrEnum):
    """What a piece of text is, for the theme to colour."""

    PLAIN = "plain"
    STRONG = "strong"
    DIM = "dim"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    BUSY = "busy"
    ACTION = "action"
    EXACT = "exact"
    GUESS = "guess"


Piece = tuple[str, Tone]
"""Some cleaned text and its tone."""

STATUS_GLYPHS = {
    "running": ("●", Tone.BUSY),
    "succeeded": ("✔", Tone.GOOD),
    "failed": ("✘", Tone.BAD),
    "timed_out": ("◷", Tone.BAD),
    "aborted": ("■", Tone.WARN),
    "caught": ("↷", Tone.WARN),
    "pending_redrive": ("●", Tone.BUSY),
    "unknown": ("○", Tone.DIM),
}
"""A status in AWS's words, in lower case, to its glyph and tone."""
