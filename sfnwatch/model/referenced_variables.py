"""Which states of a definition refer to which variables.

In a JSONata state an expression stands between {% and %}. In a JSONPath state a path
or an intrinsic function is the value of a key that ends in `.$`, or of a field that
takes a path, such as `InputPath` or a rule's `Variable`. In both a variable is `$name`.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from sfnwatch.model.state_language import states_of

_NAME = re.compile(r"(?<![\w$.])\$([^\W\d]\w*)(?!\w*\()")
_EXPRESSION = re.compile(r"\{%(.*)%\}", re.DOTALL)
_STATES_INSIDE = frozenset({"Branches", "ItemProcessor", "Iterator"})
"""Fields that hold other states, which are looked at by themselves."""


@lru_cache(maxsize=64)
def referenced_variables(text: str | None) -> Mapping[str, tuple[str, ...]]:
    """Return, for each `$name`, the names of the states whose expressions have it.

    Not every `$name` is a variable of the execution: JSONata has local names too. Which
    ones are variables, only the history shows.
    """
    states: dict[str, dict[str, None]] = {}
    for state_name, state in states_of(text):
        for variable in _names_in(state):
            states.setdefault(variable, {})[state_name] = None
    return {variable: tuple(names) for variable, names in states.items()}


def _names_in(state: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names that the fields of one state refer to."""
    remaining: list[tuple[str, Any]] = []
    for key, value in state.items():
        if key not in _STATES_INSIDE:
            remaining.append((key, value))
    while remaining:
        key, value = remaining.pop()
        if isinstance(value, Mapping):
            remaining += value.items()
        elif isinstance(value, list):
            remaining += ((key, item) for item in value)
        elif isinstance(value, str):
            yield from _NAME.findall(_expression(key, value))


def _expression(key: str, text: str) -> str:
    """Return the expression in a field's text; empty if it holds none."""
    jsonata = _EXPRESSION.fullmatch(text.strip())
    if jsonata is not None:
        return jsonata[1]
    is_path = key.endswith((".$", "Path")) or key == "Variable"
    return text if is_path else ""
