"""The transitions of a state in a definition, with words for their conditions."""

from collections.abc import Iterator, Mapping
from typing import Any

from sfnwatch.model.texts import clean
from sfnwatch.model.values import (
    encode_json,
    list_of,
    mapping_of,
    text_of,
)

_RULE = 40
_MOST_RULE_PARTS = 3
"""The depth to which nested rules are put into words; deeper ones are hard to read."""
_OPERATORS = (
    ("GreaterThanEquals", "≥"),
    ("LessThanEquals", "≤"),
    ("GreaterThan", ">"),
    ("LessThan", "<"),
    ("Equals", "="),
    ("Matches", "matches"),
)
"""The ends of a Choice's operators, and their signs; they begin with a type's name."""


def transitions(state: Mapping[str, Any]) -> Iterator[tuple[str | None, bool, str]]:
    """Yield a state's transitions: the next state, whether by a Catch, and a label."""
    for rule in map(mapping_of, list_of(state.get("Choices"))):
        yield text_of(rule.get("Next")), False, clean(_rule_words(rule), _RULE)
    yield text_of(state.get("Default")), False, "Default"
    yield text_of(state.get("Next")), False, ""
    for catch in map(mapping_of, list_of(state.get("Catch"))):
        errors = filter(None, map(text_of, list_of(catch.get("ErrorEquals"))))
        yield text_of(catch.get("Next")), True, clean(", ".join(errors), _RULE)


def _rule_words(rule: Mapping[str, Any], depth: int = 0) -> str:
    """Return words for a rule of a Choice: `$.order.total > 1000`."""
    comment = text_of(rule.get("Comment"))
    if comment is not None:
        return comment
    if depth > _MOST_RULE_PARTS:
        return "…"
    if text_of(rule.get("Condition")):
        return str(rule["Condition"]).strip("{}% ")
    for joint in ("And", "Or"):
        if joint in rule:
            rules = map(mapping_of, list_of(rule[joint]))
            words = [_rule_words(inner, depth + 1) for inner in rules]
            return f" {joint.lower()} ".join(words)
    if "Not" in rule:
        return f"not {_rule_words(mapping_of(rule['Not']), depth + 1)}"
    variable = text_of(rule.get("Variable")) or ""
    for key, value in rule.items():
        test = key.removesuffix("Path")
        sign = next((sign for end, sign in _OPERATORS if test.endswith(end)), None)
        if sign is not None:
            operand = value if isinstance(value, str) else encode_json(value).decode()
            return f"{variable} {sign} {operand}"
        if key.startswith("Is"):
            return f"{variable} is {'' if value else 'not '}{key[2:].lower()}"
    return variable
