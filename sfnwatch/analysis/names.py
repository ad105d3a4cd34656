"""Names as part of a sentence, cleaned, and shortened to the part that differs."""

import re
from collections.abc import Iterable, Sequence
from os.path import commonprefix

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import ROOT, StateVisit

_NAME_LETTERS = 80
"""The most letters of a name in a sentence: AWS's limit for the names of states."""
_DATE = re.compile(r"-\d{8}")
_SEPARATORS = "-_. "


def named(name: str | None) -> str:
    """Return a name that strangers chose, cleaned; `?` if there is none."""
    return clean(name or "?", _NAME_LETTERS)


def cleaned_path(visit: StateVisit) -> str:
    """Return a visit's path, cleaned: `Each[3] / Work`, or `Work` at the top level."""
    return named(visit.path.removeprefix(f"{ROOT} / "))


def short_names_of(executions: Iterable[ExecutionAsOf]) -> dict[str, str]:
    """Return short names of executions by ARN: the part in which their names differ.

    If executions share a name but not a state machine, the machines' names are used.
    """
    arns = []
    names = []
    machines = []
    for execution in executions:
        arns.append(execution.arn)
        names.append(execution.name)
        machines.append(execution.state_machine_name or "")
    if len(set(names)) < len(arns) == len(set(machines)):
        names = machines
    return dict(zip(arns, map(named, shorten_names(names)), strict=True))


def shorten_names(names: Sequence[str]) -> list[str]:
    """Shorten names: cut their common beginning and their random ends.

    `three-ways-sync-20261127T133053-f3235d` beside `three-ways-sdk-20261127T…` becomes
    `sync`. The common beginning is cut up to a hyphen or another separator. A date is
    cut with all that follows it. Names that would become equal or empty stay whole.
    """
    if len(set(names)) < 2:  # noqa: PLR2004 - nothing to tell apart
        return list(names)
    common = commonprefix(names)  # noqa: RUF071 - letter by letter is what is meant
    begin = max(map(common.rfind, _SEPARATORS)) + 1
    short_names = [_DATE.split(name[begin:], maxsplit=1)[0] for name in names]
    if all(short_names) and len(set(short_names)) == len(set(names)):
        return short_names
    return list(names)
