"""When a Wait state ends, by the definition and the state's input."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.reference_path import value_at
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.state_language import states_of
from sfnwatch.model.state_payloads import state_payloads
from sfnwatch.model.times import maybe_time
from sfnwatch.model.values import int_of, parse_json, text_of
from sfnwatch.model.visits import StateVisit

_INPUT_FIELD = re.compile(r"\{%\s*\$states\.input(?P<steps>(?:\.[A-Za-z_]\w*)+)\s*%\}")
"""A JSONata expression that only names a field of the state's input."""
_NEVER_YEAR = 9998
"""From this year on a timestamp means never, and may be off the calendar."""
_LONGEST_SECONDS = 99_999_999
"""The most that `Seconds` may be [documented]."""


def wait_end(
    snapshot: Snapshot, execution: ExecutionAsOf, visit: StateVisit
) -> datetime | None:
    """Return when a Wait state that still runs ends.

    None if that is not known: without a definition, with an expression that would have
    to be evaluated, and after a redrive.
    """
    if visit.type != "Wait" or not visit.running or visit.pauses:
        return None
    state = _wait_states(execution.definition_text).get(visit.name)
    if state is None:
        return None
    given = parse_json(state_payloads(snapshot, execution, visit).input)
    input_path = state.get("InputPath", "$")
    if input_path is None:
        given = {}
    elif text_of(input_path):
        given = value_at(given, input_path)
    seconds = _field(state, "Seconds", given)
    if seconds is not None:
        return _later(visit.entered_at, seconds)
    ends_at = maybe_time(text_of(_field(state, "Timestamp", given)))
    if ends_at is None or ends_at.year >= _NEVER_YEAR:
        return None
    return ends_at


@lru_cache(maxsize=64)
def _wait_states(text: str | None) -> Mapping[str, Mapping[str, Any]]:
    states = states_of(text)
    return {name: state for name, state in states if state.get("Type") == "Wait"}


def _field(state: Mapping[str, Any], name: str, given: Any) -> Any:
    """Return a field's value: as written, or from the input that a path leads into."""
    value = state.get(name)
    path = text_of(state.get(f"{name}Path"))
    if path is not None:
        return value_at(given, path)
    expression = _INPUT_FIELD.fullmatch(value) if isinstance(value, str) else None
    if expression is not None:
        return value_at(given, f"${expression['steps']}")
    return value


def _later(entered_at: datetime, seconds: Any) -> datetime | None:
    """Return the time some seconds later; None for what is no number of seconds.

    The numbers of a redacted recording are negative.
    """
    whole = int_of(seconds)
    if whole is None or not 0 <= whole <= _LONGEST_SECONDS:
        return None
    try:
        return entered_at + timedelta(seconds=whole)
    except OverflowError:
        return None
