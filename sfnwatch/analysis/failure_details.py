"""What the service itself says of a failed job, in few words: an exit code, an error.

A cause holds the job's last answer, each service's in a form of its own [recorded for
ECS and Lambda, documented for the others].
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sfnwatch.model.texts import clean
from sfnwatch.model.values import int_of, list_of, mapping_of, parse_object, text_of

_TEXT_LETTERS = 80

Details = Callable[[Mapping[str, Any]], str]
"""Returns the words for a service's answer; empty for the answer of another one."""


def failure_details(cause: str | None) -> str:
    """Return the words for a cause: `exit 1, container app`; empty without any."""
    body = parse_object(cause) if cause else {}
    for details in _SERVICES:
        words = details(body)
        if words:
            return clean(words, _TEXT_LETTERS)
    return ""


def _ecs(body: Mapping[str, Any]) -> str:
    """Return the exit code of the first container that failed."""
    for container in map(mapping_of, list_of(body.get("Containers"))):
        exit_code = int_of(container.get("ExitCode"))
        name = text_of(container.get("Name")) or "?"
        reason = text_of(container.get("Reason"))
        if exit_code:
            return f"exit {exit_code}, container {name}"
        if reason is not None and exit_code is None:
            return f"{reason}, container {name}"
    return ""


def _batch(body: Mapping[str, Any]) -> str:
    exit_code = int_of(mapping_of(body.get("Container")).get("ExitCode"))
    return f"exit {exit_code}" if exit_code else ""


def _lambda(body: Mapping[str, Any]) -> str:
    """Return the type of the error that a function's code raised."""
    return text_of(body.get("errorType")) or ""


def _glue(body: Mapping[str, Any]) -> str:
    return text_of(body.get("ErrorMessage")) or ""


def _child_execution(body: Mapping[str, Any]) -> str:
    """Return the error of an execution that another one started."""
    is_execution = text_of(body.get("ExecutionArn")) is not None
    return text_of(body.get("Error")) or "" if is_execution else ""


_SERVICES: Sequence[Details] = (_ecs, _batch, _lambda, _glue, _child_execution)
