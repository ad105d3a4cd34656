"""Texts in parts, each with a role: what it is, and not how it looks.

A status always has a glyph and a word. Its color depends on the writer; the screen
takes it from the theme.
"""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from sfnwatch.analysis.quantities import plural
from sfnwatch.analysis.statuses import status_words


class Role(StrEnum):
    """The role of a part of a text."""

    PLAIN = "plain"
    NAME = "name"
    """The name of a state or an execution: the thing that a line is about."""
    DIM = "dim"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    """Trouble that is no failure."""
    BUSY = "busy"
    CALL = "call"
    """An API call that is no poll, or the resource that a state runs."""
    POLL = "poll"
    EVENT = "event"
    """The event by which Step Functions learned that a job had stopped."""
    EXACT = "exact"
    """The rule by which a call is matched, where that is sure."""
    GUESS = "guess"
    """The rule of a match that is likely, a guess or ambiguous."""
    FOLD = "fold"
    """The sign that opens or closes a fold."""


class Part(Struct, frozen=True, gc=False):
    """A piece of cleaned text, and its role."""

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
"""The glyph of each status; statuses are in AWS's words, in lower case."""


def plain_text(parts: Iterable[Part]) -> str:
    """Return the text of parts as one line, without blanks at its end."""
    return "".join([part.text for part in parts]).rstrip()


def status_glyph(status: str) -> Part:
    """Return the glyph of a status in AWS's words; case does not matter."""
    return STATUS_GLYPHS.get(status.lower(), STATUS_GLYPHS["unknown"])


def status_part(status: str) -> Part:
    """Return a status as a glyph and words: `✔ succeeded`."""
    glyph = status_glyph(status)
    return Part(f"{glyph.text} {status_words(status)}", glyph.role)


counted = plural
