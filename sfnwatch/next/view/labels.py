"""Short names of several executions, by which they are told apart on a screen.

What their names have in common is cut, and so are dates and hashes; the words for how
something was run stay: they are what a comparison is about.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from sfnwatch.next.analysis import wording
from sfnwatch.next.model.execution import ExecutionAsOf
from sfnwatch.next.model.text import clean

ROLE_WORDS = frozenset({"sync", "async", "sdk", "denied"})
_WORD = re.compile(r"[^\W_]+")
_DATE = re.compile(r"[-_]?(?<!\d)\d{8}(?:T?\d{6}Z?)?(?!\d)[-_]?")
_TAIL = 3
"""A name that is cut keeps one of so many characters at its end."""


def role_names(executions: Iterable[ExecutionAsOf]) -> Mapping[str, str]:
    """Name executions by their role words, by ARN; empty if those don't tell all apart.

    `three-ways-sync-20261127T112640-c11fa3` is `sync`.
    """
    words = {each.arn: _WORD.findall(each.name) for each in executions}
    names = {arn: " ".join(filter(_is_role, each)) for arn, each in words.items()}
    return names if _tell_apart(list(names.values())) else {}


def _is_role(word: str) -> bool:
    return word.lower() in ROLE_WORDS


def short_names(executions: Iterable[ExecutionAsOf], room: int) -> Mapping[str, str]:
    """Name executions, by ARN, in at most `room` characters each.

    By role words, or else by what differs in their names, or in those of their state
    machines; where nothing short tells them apart, they are numbered.
    """
    every = list(executions)
    arns = [each.arn for each in every]
    names = [clean(each.name) for each in every]
    if len(every) == 1:
        return {arns[0]: cut_middle(names[0], room)}
    machines = [clean(each.state_machine_name or "") for each in every]
    roles = list(role_names(every).values())
    tries = (roles, wording.short_names(names), wording.short_names(machines))
    for each in tries:
        short = [cut_middle(name, room) for name in each]
        if _tell_apart(short):
            return dict(zip(arns, short, strict=True))
    return {arn: f"no. {n}"[:room] for n, arn in enumerate(arns, 1)}


def _tell_apart(names: Sequence[str]) -> bool:
    return bool(names) and all(names) and len(set(names)) == len(names)


def cut_middle(name: str, room: int) -> str:
    """Cut what is too long in its middle: names begin and end with what tells most."""
    if len(name) > room:
        name = _DATE.sub("…", name, count=1)
    if len(name) <= room:
        return name
    tail = (room - 1) // _TAIL
    head = name[: max(0, room - 1 - tail)]
    return f"{head}…{name[len(name) - tail :]}"[:room]
