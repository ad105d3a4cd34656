"""Short names for executions, which tell them apart."""

import re
from collections.abc import Collection, Iterable, Mapping

from sfnwatch.analysis.names import shorten_names
from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.texts import clean

LABEL = 80
"""The most characters of a label."""
ROLE_WORDS = frozenset({"sync", "async", "sdk", "denied"})
_WORD = re.compile(r"[^\W_]+")
_DATE = re.compile(r"[-_]?(?<!\d)\d{8}(?:T?\d{6}Z?)?(?!\d)[-_]?")
_TAIL_DIVISOR = 3
"""A cut name keeps a third of its characters from its end."""


def role_names(executions: Iterable[ExecutionAsOf]) -> Mapping[str, str]:
    """Return names from the executions' role words, by ARN; empty if some are equal.

    The name of `three-ways-sync-20261127T112640-c11fa3` is `sync`.
    """
    names: dict[str, str] = {}
    for execution in executions:
        words = _WORD.findall(execution.name)
        role_words = [word for word in words if word.lower() in ROLE_WORDS]
        names[execution.arn] = " ".join(role_words)
    return names if _are_distinct(names.values()) else {}


def short_names(executions: Iterable[ExecutionAsOf], room: int) -> Mapping[str, str]:
    """Return names of executions, by ARN, with at most `room` characters each.

    The names are role words, or else the parts that differ in the executions' names or
    in their state machines' names. Where these are not different in so few characters,
    the executions are numbered.
    """
    listed = list(executions)
    arns = [execution.arn for execution in listed]
    names = [clean(execution.name) for execution in listed]
    machines = [clean(execution.state_machine_name or "") for execution in listed]
    roles = list(role_names(listed).values())
    for choice in (roles, shorten_names(names), shorten_names(machines)):
        short = [cut_middle(name, room) for name in choice]
        if _are_distinct(short):
            return dict(zip(arns, short, strict=True))
    return {arn: f"no. {number}"[:room] for number, arn in enumerate(arns, 1)}


def execution_labels(arns: Iterable[str]) -> Mapping[str, str]:
    """Return labels of executions by ARN: the parts in which their names differ.

    A single execution has an empty label.
    """
    listed = list(dict.fromkeys(arns))
    if len(listed) <= 1:
        return dict.fromkeys(listed, "")
    names: list[str] = []
    for arn in listed:
        parsed = maybe_execution_arn(arn)
        names.append(parsed.name if parsed is not None else arn)
    if len(set(names)) < len(names):
        names = [arn.rpartition("execution:")[2] for arn in listed]
    short = [clean(name, LABEL) for name in shorten_names(names)]
    return dict(zip(listed, short, strict=True))


def _are_distinct(names: Collection[str]) -> bool:
    return bool(names) and all(names) and len(set(names)) == len(names)


def cut_middle(name: str, room: int) -> str:
    """Cut a name in its middle if it is too long; a date in it is cut first.

    The beginning and the end of a name tell most about it.
    """
    if len(name) > room:
        name = _DATE.sub("…", name, count=1)
    if len(name) <= room:
        return name
    tail = (room - 1) // _TAIL_DIVISOR
    head = name[: max(0, room - 1 - tail)]
    return f"{head}…{name[len(name) - tail :]}"[:room]
