"""What a state changed: its output beside its input, path by path."""

import json
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from sfnwatch.analysis.lists import listed
from sfnwatch.analysis.quantities import plural
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.json_difference import Change, PathDifference, json_difference
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.state_payloads import state_payloads
from sfnwatch.model.strict_json import NotJsonError, parse_value
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import StateVisit

_LONGEST_CONTENTS = 60
"""The most characters of an object or array that is shown; a longer one is counted."""


class StateChanges(Struct, frozen=True):
    """The difference of a visit's output and its input."""

    differences: Sequence[PathDifference] = ()
    unknown: str = ""
    """Why the difference is not known, as a sentence; empty if it is."""

    @property
    def sentence(self) -> str:
        """How many paths differ, or why that is not known."""
        if self.unknown:
            return self.unknown
        counts = []
        for change in Change:
            count = sum(each.change is change for each in self.differences)
            if count:
                counts.append(f"{plural(count, 'path')} {change}")
        if not counts:
            return "The output is the input, unchanged."
        return f"From input to output: {listed(counts)}."


def state_changes(
    snapshot: Snapshot, execution: ExecutionAsOf, visit: StateVisit
) -> StateChanges:
    """Return what a visit changed, or why that is not known."""
    payloads = state_payloads(snapshot, execution, visit)
    if payloads.input is None:
        return StateChanges(unknown="Its input is not in the history.")
    if payloads.output is None:
        return StateChanges(unknown=_why_no_output(visit))
    if payloads.is_cut:
        return StateChanges(unknown="AWS has cut its input or its output.")
    try:
        before = parse_value(payloads.input)
        after = parse_value(payloads.output)
    except NotJsonError:
        return StateChanges(unknown="Its input or its output can't be read as JSON.")
    return StateChanges(json_difference(before, after))


def _why_no_output(visit: StateVisit) -> str:
    if visit.running:
        return "It has not ended, so it has no output yet."
    if visit.exited_at is not None or visit.status == "succeeded":
        return "Its output is not in the history."
    if visit.status == "aborted":
        return "It was aborted, so it has no output."
    return "It failed, and nothing caught that: it has no output."


def value_words(value: Any, most: int) -> str:
    """Return a JSON value in at most about `most` characters, safe to show.

    An object or array that is long is counted: `{12 keys}`, `[300 items]`.
    """
    try:
        # msgspec refuses half of a surrogate pair.
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        text = ""  # an object or an array, which is counted
    is_short = 0 < len(text) <= _LONGEST_CONTENTS
    if is_short or not isinstance(value, dict | list):
        return clean(text, most)
    if isinstance(value, dict):
        return f"{{{plural(len(value), 'key')}}}"
    return f"[{plural(len(value), 'item')}]"
