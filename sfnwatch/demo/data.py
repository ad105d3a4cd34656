"""How data flows through a state: as much of it as the demo's machines use."""

import operator
import re
from collections.abc import Mapping
from typing import Any

_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_TESTS = {
    "BooleanEquals": operator.eq,
    "NumericGreaterThan": operator.gt,
    "StringEquals": operator.eq,
}


def at(path: str, data: Any, context: Mapping[str, Any]) -> Any:
    """Return what a path names: in the context object after `$$`, else in the data."""
    value: Any = context if path.startswith("$$") else data
    for name, index in _STEP.findall(path):
        value = value[name] if name else value[int(index)]
    return value


def filled(template: Any, data: Any, context: Mapping[str, Any]) -> Any:
    """Return a payload template with the values of its paths: keys ending in `.$`."""
    match template:
        case dict():
            return {
                key.removesuffix(".$"): at(value, data, context)
                if key.endswith(".$")
                else filled(value, data, context)
                for key, value in template.items()
            }
        case list():
            return [filled(value, data, context) for value in template]
        case _:
            return template


def given(state: Mapping[str, Any], data: Any, context: Mapping[str, Any]) -> Any:
    """Return what a state works with."""
    if "Parameters" not in state:
        return data
    return filled(state["Parameters"], data, context)


def passed_on(
    state: Mapping[str, Any], data: Any, result: Any, context: Mapping[str, Any]
) -> Any:
    """Return a state's output: its result selected, and put where it belongs."""
    if "ResultSelector" in state:
        result = filled(state["ResultSelector"], result, context)
    whole = placed(data, result, state.get("ResultPath", "$"))
    return at(state.get("OutputPath", "$"), whole, context)


def placed(data: Any, result: Any, path: str | None) -> Any:
    """Return the data with the result at the path, which is `$` or one member.

    With a path of null the result is thrown away.
    """
    if path is None:
        return data
    return result if path == "$" else data | {path.removeprefix("$."): result}


def chosen(state: Mapping[str, Any], data: Any, context: Mapping[str, Any]) -> str:
    """Return the state that a Choice goes on with."""
    for rule in state["Choices"]:
        value = at(rule["Variable"], data, context)
        if all(_TESTS[key](value, rule[key]) for key in rule.keys() & _TESTS.keys()):
            following: str = rule["Next"]
            return following
    default: str = state["Default"]
    return default
