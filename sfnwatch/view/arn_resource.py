"""The parts of an ARN's resource, and what each of them names."""

import re
from collections.abc import Iterator, Sequence

from sfnwatch.view.vocabulary import vocabulary

APART = re.compile(r"([/:])")
"""Separates the parts of a name."""
_ANY_PATH = "path*"
"""Stands for any number of parts of a path."""


def resource_parts(service: str, resource: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of an ARN's resource, each with the kind of its name.

    The resource's type and the signs `/` and `:` have an empty kind. The parts of the
    path before a role's name have the kind `path`. In the ARNs of Map Runs and of their
    executions, the part behind the slash has the kind `label`: a Map state's label.
    """
    parts = APART.split(resource)
    kinds: Sequence[str] = ()
    if len(parts) > 1:
        kinds = vocabulary().arn_kinds.get(parts[0], ())
    # A known type of resource comes first, with the sign behind it.
    first = 2 if kinds else 0
    yield "".join(parts[:first]), ""
    names = parts[first::2]
    kinds = kinds or vocabulary().service_kinds.get(service, ("name",))
    if kinds[0] == _ANY_PATH:
        kinds = ["path"] * (len(names) - 1) + list(kinds[1:])
    elif first and len(names) < len(kinds) and parts[1] == "/":
        kinds = kinds[-len(names) :]
    left = list(kinds)
    for place in range(first, len(parts), 2):
        separator = parts[place - 1] if place > first else ""
        yield separator, ""
        if service == "states" and separator == "/":
            yield parts[place], "label"
        else:
            # The last kind is also that of all further parts.
            yield parts[place], left.pop(0) if len(left) > 1 else left[0]
