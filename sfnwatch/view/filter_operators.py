"""The operators of the filter language: `~` and a letter."""

from collections.abc import Sequence

from msgspec import Struct

from sfnwatch.view.line_kinds import KINDS, RULES, KnownWords
from sfnwatch.view.line_texts import (
    LineTexts,
    action_texts,
    body_texts,
    error_texts,
    execution_texts,
    service_texts,
    state_texts,
)


class Operator(Struct, frozen=True):
    """An operator of the filter language."""

    token: str
    """`~` and a letter."""
    name: str
    """The property that it tests, in one word."""
    takes: str
    """What follows it; in brackets, what may be left out."""
    words: str
    """Its explanation in the help."""
    looks_at: LineTexts | None = None
    """Returns the texts of a line that it looks at, if it takes a text."""
    known: KnownWords | None = None
    """The words that may follow it, if it takes one of a list."""


OPERATORS = {
    operator.token: operator
    for operator in (
        Operator("~s", "state", "TEXT", "state, by name or path", state_texts),
        Operator("~a", "action", "TEXT", "call, or what a Task runs", action_texts),
        Operator(
            "~e", "error", "[TEXT]", "error or cause; alone, any failure", error_texts
        ),
        Operator("~k", "kind", "KIND", "kind of line", known=KINDS),
        Operator("~l", "link", "RULE", "how a call is matched", known=RULES),
        Operator("~v", "service", "TEXT", "service: ecs, lambda, …", service_texts),
        Operator("~d", "duration", "TIME", "how long it took: 5s, >2m, <0.5s"),
        Operator("~b", "body", "TEXT", "anywhere in the raw record", body_texts),
        Operator("~x", "execution", "TEXT", "execution, by name", execution_texts),
    )
}
HINTS = {
    "TEXT": "a word, “words in quotes” or a /regex/",
    "KIND": f"one of {' '.join(KINDS)}",
    "RULE": f"one of {' '.join(RULES)}",
    "TIME": "write it as 5s, >2m or <0.5s",
}
CAN_FOLLOW = f"a word, or one of {' '.join(OPERATORS)}"
FILTER_HELP: Sequence[tuple[str, str]] = (
    *((f"{each.token} {each.takes}", each.words) for each in OPERATORS.values()),
    *(("KIND", " ".join(KINDS)), ("RULE", " ".join(RULES))),
    ("word  “two words”", "anywhere in the words of the line"),
    ("/regex/", "wherever TEXT may stand, and alone"),
    ("a b  a & b", "both"),
    *(("a | b", "either"), ("!a", "not"), ("( )", "together")),
)
"""The rows of the help: what may be typed, and what it does."""
