"""Reads the value that a reference path of the Amazon States Language leads to.

A reference path names one node of a JSON value: `$.order.items[0]['unit price']`.
"""

import re
from typing import Any

_STEP = re.compile(
    r"\.(?P<name>[^\W\d][\w-]*)|\[(?P<index>\d{1,9})\]|\['(?P<quoted>[^'\\]*)'\]"
)


def value_at(value: Any, path: str) -> Any:
    """Return the value at a reference path; None for none, and for any other path.

    A path into the context object (`$$.`) or into a variable (`$name`) is another one.
    """
    if not path.startswith("$"):
        return None
    position = 1
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return None
        position = step.end()
        if step["index"] is not None:
            index = int(step["index"])
            if not isinstance(value, list) or index >= len(value):
                return None
            value = value[index]
        else:
            key = step["quoted"] if step["name"] is None else step["name"]
            if not isinstance(value, dict) or key not in value:
                return None
            value = value[key]
    return value
