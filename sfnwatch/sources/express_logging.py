"""What a state machine logs of its executions, where, and what that leaves out."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from msgspec import Struct

from sfnwatch.trace.log_groups import LogGroupName, parse_log_group
from sfnwatch.trace.payload import mapping_of, text_of
from sfnwatch.trace.text import clean

_MOST_GAPS = 5
_LEVELS = {
    "ERROR": "Its log level is ERROR: only failures are logged, so that states which"
    " succeed are missing here, and so is the start.",
    "FATAL": "Its log level is FATAL: only fatal errors are logged, so that its states"
    " are missing here.",
}
_NO_DATA = (
    "Its log has no execution data. Without request ids and task ARNs, calls are tied"
    " by role, action and time only."
)
_CONFIGURATION = (
    "level=ALL,includeExecutionData=true,destinations=[{cloudWatchLogsLogGroup="
    "{logGroupArn=LOG_GROUP_ARN:*}}]"
)


class Logging(Struct, frozen=True):
    """A state machine's logging, as far as it is known."""

    group: LogGroupName | None = None
    """None where nothing is logged, or nobody knows where."""
    level: str = ""
    """ALL, ERROR, FATAL or OFF; empty where it is not known."""
    remarks: tuple[str, ...] = ()
    """What a reader should know of what is missing."""

    @property
    def has_all(self) -> bool:
        """True where every event is to be logged, so that a gap is a loss."""
        return self.level == "ALL"

    @property
    def no_end(self) -> str:
        """Say what it means that no end of an execution was logged."""
        if self.level in _LEVELS:
            return "No failure ended it, as far as was logged."
        return "No end of it was logged; delivery to a log is best effort."

    @property
    def nothing(self) -> str:
        """Say what it may mean that nothing at all was logged."""
        if self.level in _LEVELS:
            return "One that succeeds leaves nothing there."
        return "It may be older, or have been logged elsewhere."


def logging_of(answer: Mapping[str, Any], group: LogGroupName | None) -> Logging:
    """Read DescribeStateMachine's answer; a `group` that is given takes precedence."""
    found = mapping_of(answer.get("loggingConfiguration"))
    level = text_of(found.get("level")) or "OFF"
    if level == "OFF" and group is None:
        return Logging(None, level)
    remarks = [_LEVELS[level]] if level in _LEVELS else []
    if level == "OFF":
        remarks.append("Its state machine logs nothing by now.")
    elif not found.get("includeExecutionData"):
        remarks.append(_NO_DATA)
    return Logging(group or _destination(found), level, tuple(remarks))


def _destination(found: Mapping[str, Any]) -> LogGroupName | None:
    destinations = found.get("destinations")
    for each in destinations if isinstance(destinations, list) else []:
        group = mapping_of(mapping_of(each).get("cloudWatchLogsLogGroup"))
        try:
            return parse_log_group(text_of(group.get("logGroupArn")) or "")
        except ValueError:
            continue
    return None


def refusal(state_machine_arn: str) -> str:
    """Say why there is nothing to watch, and how there would be."""
    return (
        f"{clean(state_machine_arn)} logs nothing, and AWS keeps no other history of an"
        " Express execution. For executions to come, turn logging on: aws stepfunctions"
        f" update-state-machine --state-machine-arn {clean(state_machine_arn)}"
        f" --logging-configuration '{_CONFIGURATION}'"
    )


def holes(missing: list[int]) -> str:
    """Say which events a log lacks: `4 events (2, 5–7)`."""
    spans = list(_spans(missing))
    shown = [f"{a}" if a == b else f"{a}–{b}" for a, b in spans[:_MOST_GAPS]]
    more = ", …" if len(spans) > _MOST_GAPS else ""
    count = f"{len(missing)} events" if len(missing) != 1 else "1 event"
    return (
        f"The log lacks {count} ({', '.join(shown)}{more}); delivery to it is best"
        " effort."
    )


def _spans(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Put numbers that follow each other together."""
    breaks = [i + 1 for i, (a, b) in enumerate(pairwise(numbers)) if b != a + 1]
    for begin, end in pairwise([0, *breaks, len(numbers)]):
        if begin < end:
            yield numbers[begin], numbers[end - 1]
