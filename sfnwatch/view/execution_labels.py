"""Short names for executions, which tell them apart."""

import re
from collections.abc import Iterable, Mapping, Sequence

from sfnwatch.analysis.names import shorten_names
from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.texts import clean

LABEL = 80
"""The most characters of a label."""
ROLE_WORDS = frozenset({"sync", "async", "sdk", "denied"})
_WORD = re.compile(r"[^\W_]+")
_DATE = re.compile(r"[-_]?(?<!\d)\d{8}(?:T?\d{6}Z?)?(?!\d)[-_]?")
_TAIL = 3
"""A cut name keeps a third of its characters from its end."""


def role_names(executions: Iterable[ExecutionAsOf]) -> Mapping[str, str]:
    """Return names from the executions' role words, by ARN; empty if some are equal.

    The name of `three-ways-sync-20261127T112640-c11fa3` is `sync`.
    """
    names = {}
    for each in executions:
        words = _WORD.findall(each.name)
        names[each.arn] = " ".join(w for w in words if w.lower() in ROLE_WORDS)
    return names if _tell_apart(list(names.values())) else {}


def short_names(executions: Iterable[ExecutionAsOf], room: int) -> Mapping[str, str]:
    """Return names of executions, by ARN, with at most `room` characters each.

    The names are role words, or else the parts that differ in the executions' names or
    in their state machines' names. Where these are not different in so few characters,
    the executions are numbered.
    """
    every = list(executions)
    arns = [each.arn for each in every]
    names = [clean(each.name) for each in every]
    machines = [clean(each.state_machine_name or "") for each in every]
    roles = list(role_names(every).values())
    tries = (roles, shorten_names(names), shorten_names(machines))
    for each in tries:
        short = [cut_middle(name, room) for name in each]
        if _tell_apart(short):
            return dict(zip(arns, short, strict=True))
    return {arn: f"no. {n}"[:room] for n, arn in enumerate(arns, 1)}


def execution_labels(arns: Iterable[str]) -> Mapping[str, str]:
    """Return labels of executions by ARN: the parts in which their names differ.

    A single execution has an empty label.
    """
    each = list(dict.fromkeys(arns))
    parsed = [maybe_execution_arn(arn) for arn in each]
    names = [p.name if p else arn for arn, p in zip(each, parsed, strict=True)]
    if len(set(names)) < len(each):
        names = [arn.rpartition("execution:")[2] for arn in each]
    short = shorten_names(names) if len(each) > 1 else [""] * len(each)
    return {arn: clean(name, LABEL) for arn, name in zip(each, short, strict=True)}


def _tell_apart(names: Sequence[str]) -> bool:
    return bool(names) and all(names) and len(set(names)) == len(names)


def cut_middle(name: str, room: int) -> str:
    """Cut a name in its middle if it is too long; a date in it is cut first.

    The beginning and the end of a name tell most about it.
    """
    if len(name) > room:
        name = _DATE.sub("…", name, count=1)
    if len(name) <= room:
        return name
    tail = (room - 1) // _TAIL
    head = name[: max(0, room - 1 - tail)]
    return f"{head}…{name[len(name) - tail :]}"[:room]
