"""The words of the filter language: its operators, kinds and rules, and its errors."""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum

from msgspec import Struct

from sfnwatch.trace.links import Rule


class Takes(StrEnum):
    """What may follow an operator."""

    TEXT = "text"
    TEXT_OR_NOTHING = "text or nothing"
    KIND = "kind"
    RULE = "rule"
    SPAN = "seconds"


class Operator(Struct, frozen=True):
    """`~` and a letter."""

    token: str
    name: str
    """What it looks at, in one word."""
    takes: Takes
    usage: str
    words: str


OPERATORS = {
    operator.token: operator
    for operator in (
        Operator("~s", "state", Takes.TEXT, "~s TEXT", "state, by its name or path"),
        Operator("~a", "action", Takes.TEXT, "~a TEXT", "call, or what a Task runs"),
        Operator(
            "~e",
            "error",
            Takes.TEXT_OR_NOTHING,
            "~e [TEXT]",
            "error or cause; alone, all that failed or was denied",
        ),
        Operator("~k", "kind", Takes.KIND, "~k KIND", "kind of row"),
        Operator("~l", "link", Takes.RULE, "~l RULE", "how a call is tied to a state"),
        Operator("~v", "service", Takes.TEXT, "~v TEXT", "service: ecs, lambda, …"),
        Operator(
            "~d",
            "duration",
            Takes.SPAN,
            "~d [<|>]TIME",
            "state or try that took so long: 5s, >2m, <0.5s",
        ),
        Operator("~b", "body", Takes.TEXT, "~b TEXT", "anywhere in the raw record"),
        Operator("~x", "execution", Takes.TEXT, "~x TEXT", "execution, by its name"),
    )
}

KINDS = {
    "execution": "start and end of the execution",
    "entered": "a state is entered",
    "exited": "a state is left",
    "phase": "scheduled, started, submitted, ended",
    "other": "iterations, branches, all else",
    "call": "API calls",
    "task": "what ECS told of a task",
    "poll": "calls that ask how a job is",
    "action": "calls that a state makes",
    "stop": "calls that stop a job",
    "failed": "what failed or was denied",
    "denied": "what was not allowed",
    "caught": "failures that a Catch took on",
    "running": "what is under way",
    "redriven": "a redrive, and what it runs",
}
"""What may follow `~k`."""

RULES = {
    Rule.REQUEST_ID.value: "tied by the request id",
    Rule.RESOURCE_ID.value: "tied by the id of the job",
    Rule.UNIQUE_CANDIDATE.value: "a guess: only one fits",
    Rule.AMBIGUOUS.value: "several fit",
    Rule.ROLE_ONLY.value: "of the role, but of no state",
    "exact": "tied by an id",
    "guess": "one fits, or several",
    "none": "tied to nothing",
}
"""What may follow `~l`."""

FILTER_HELP: tuple[tuple[str, str], ...] = (
    *((operator.usage, operator.words) for operator in OPERATORS.values()),
    ("KIND", " ".join(KINDS)),
    ("RULE", " ".join(RULES)),
    ("word  “two words”", "anywhere in the words of the row"),
    ("/regex/", "wherever TEXT may stand, and alone"),
    ("a b  a & b", "both"),
    ("a | b", "either"),
    ("!a", "not"),
    ("( )", "together"),
)
"""A token, and what it does: for the help."""


class FilterError(ValueError):
    """A filter that can't be read: what is wrong, where, and what would do."""

    def __init__(self, message: str, position: int, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.position = position
        """Where in the text, from 0."""
        self.hint = hint


def unknown_operator(token: str, position: int) -> FilterError:
    """Say which operators there are; of a long name, which letter it has."""
    names = {operator.name: operator for operator in OPERATORS.values()}
    near = get_close_matches(token[1:].lower(), names, n=1)
    if near:
        hint = f"the {near[0]} is {names[near[0]].token}"
    else:
        hint = f"there are {' '.join(OPERATORS)}"
    message = f"unknown {token}" if len(token) > 1 else "a letter must follow ~"
    return FilterError(message, position, hint)


def unknown_word(
    thing: str, word: str, known: Iterable[str], position: int
) -> FilterError:
    """Say which word was probably meant, or which there are."""
    words = list(known)
    near = get_close_matches(word.lower(), words, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {' '.join(words)}"
    return FilterError(f"unknown {thing} {word}", position, hint)
