"""Texts in parts that say what they are, never how they look.

A status is a glyph and a word, and only then a color, which each writer decides, the
screen by its theme.
"""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from sfnwatch.analysis import wording
from sfnwatch.analysis.wording import plural


class Role(StrEnum):
    """What a part of a text is."""

    PLAIN = "plain"
    NAME = "name"
    """Of a state, an execution: what a line is about."""
    DIM = "dim"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    """Trouble that did not fail."""
    BUSY = "busy"
    CALL = "call"
    """An API call that does something, or what a state runs."""
    POLL = "poll"
    EVENT = "event"
    """What told Step Functions that a job had stopped."""
    EXACT = "exact"
    """By what a call is matched, where that is sure."""
    GUESS = "guess"
    """The same where it is likely, a guess or ambiguous."""
    FOLD = "fold"
    """What opens and closes a fold."""


class Part(Struct, frozen=True, gc=False):
    """Some cleaned text, and what it is."""

    text: str
    role: Role = Role.PLAIN


STATUS_GLYPHS = {
    "running": Part("●", Role.BUSY),
    "succeeded": Part("✔", Role.GOOD),
    "failed": Part("✘", Role.BAD),
    "timed_out": Part("◷", Role.BAD),
    "aborted": Part("■", Role.WARN),
    "caught": Part("↷", Role.WARN),
    "pending_redrive": Part("●", Role.BUSY),
    "unknown": Part("○", Role.DIM),
}
"""A status in AWS's words, in lower case, to its glyph."""


def plain_text(parts: Iterable[Part]) -> str:
    """Join parts to one line."""
    return "".join([part.text for part in parts]).rstrip()


def status_glyph(status: str) -> Part:
    """Give the glyph of a status, in AWS's words of either case."""
    return STATUS_GLYPHS.get(status.lower(), STATUS_GLYPHS["unknown"])


def status_part(status: str) -> Part:
    """Say a status in words, behind its glyph: `✔ succeeded`."""
    glyph = status_glyph(status)
    return Part(f"{glyph.text} {wording.status_words(status)}", glyph.role)


counted = plural
