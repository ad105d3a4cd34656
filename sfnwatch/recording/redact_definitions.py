"""Definitions in the States Language: what can happen stays, on what is replaced.

The names of states are replaced alike in Next, Catch and the history, so that branches
are still told apart and the services a machine can call are still known.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sfnwatch.recording.redact_book import has_space
from sfnwatch.recording.redact_names import Names
from sfnwatch.recording.redact_texts import Texts
from sfnwatch.recording.redact_values import Values
from sfnwatch.recording.redact_words import ENUMS
from sfnwatch.trace.payload import mapping_of, parse_json

_DEEPEST = 150
_MACHINES = frozenset({"Branches", "ItemProcessor", "Iterator"})
_PARTS = frozenset({"Retry", "Catch", "Choices", "And", "Or", "Not", "ProcessorConfig"})
"""Keys under which the States Language goes on."""
_STATES = frozenset({"StartAt", "Next", "Default"})
_NUMBERS = frozenset(
    {
        "BackoffRate",
        "HeartbeatSeconds",
        "IntervalSeconds",
        "MaxAttempts",
        "MaxConcurrency",
        "MaxDelaySeconds",
        "Seconds",
        "TimeoutSeconds",
        "ToleratedFailureCount",
        "ToleratedFailurePercentage",
        "MaxItemsPerBatch",
        "MaxInputBytesPerBatch",
    }
)
_OTHERS = frozenset(
    {
        "Arguments",
        "Assign",
        "BatchInput",
        "Cause",
        "CausePath",
        "Comment",
        "Condition",
        "Credentials",
        "End",
        "Error",
        "ErrorEquals",
        "ErrorPath",
        "ExecutionType",
        "HeartbeatSecondsPath",
        "InputPath",
        "ItemBatcher",
        "ItemReader",
        "ItemSelector",
        "ItemsPath",
        "Items",
        "JitterStrategy",
        "Label",
        "MaxConcurrencyPath",
        "Mode",
        "Output",
        "OutputPath",
        "Parameters",
        "QueryLanguage",
        "Resource",
        "Result",
        "ResultPath",
        "ResultSelector",
        "ResultWriter",
        "RoleArn",
        "SecondsPath",
        "States",
        "TimeoutSecondsPath",
        "Timestamp",
        "TimestampPath",
        "Type",
        "Variable",
        "Version",
    }
)
_COMPARISONS = frozenset(
    f"{kind}{how}{path}"
    for kind in ("String", "Numeric", "Boolean", "Timestamp")
    for how in (
        "Equals",
        "LessThan",
        "GreaterThan",
        "LessThanEquals",
        "GreaterThanEquals",
        "Matches",
    )
    for path in ("", "Path")
) | {f"Is{what}" for what in ("Null", "Present", "Numeric", "String", "Boolean")}
LANGUAGE = (
    _MACHINES | _PARTS | _STATES | _NUMBERS | _OTHERS | _COMPARISONS | {"IsTimestamp"}
)


class Definitions:
    """Aliases for what definitions say."""

    def __init__(
        self, names: Names, texts: Texts, values: Values, state: Callable[[str], str]
    ) -> None:
        self._names, self._texts, self._values = names, texts, values
        self._state = state

    def text(self, text: Any) -> Any:
        """Redact a definition's JSON text; one that is none goes as a whole."""
        machine = parse_json(text)
        if not isinstance(machine, dict):
            return self._values.value(text)
        redacted = self._part(machine, 0)
        return json.dumps(redacted, separators=(",", ":"), allow_nan=False)

    def _part(self, value: Any, depth: int) -> Any:
        """Redact a machine, a state or a rule of one."""
        if depth > _DEEPEST:
            return None
        if isinstance(value, list):
            return [self._part(item, depth + 1) for item in value]
        if not isinstance(value, Mapping):
            return self._values.value(value)
        return {
            key if key in LANGUAGE else self._values.key(key): self._field(
                key, v, depth
            )
            for key, v in value.items()
        }

    def _field(self, key: str, value: Any, depth: int) -> Any:
        if key == "States" and isinstance(value, Mapping):
            return {self._state(k): self._part(v, depth + 1) for k, v in value.items()}
        if key in _MACHINES or key in _PARTS:
            return self._part(value, depth + 1)
        if key in _NUMBERS:
            return self._values.number(value)
        if key == "End":
            return self._values.truth(value)
        if isinstance(value, str):
            return self._string(key, value)
        if key == "ErrorEquals" and isinstance(value, list):
            return [self._string(key, v) if isinstance(v, str) else None for v in value]
        return self._values.value(value, key)

    def _string(self, key: str, value: str) -> str:
        if key in _STATES:
            return self._state(value)
        if key == "Resource":
            return self._resource(value)
        if key in {"Error", "ErrorEquals"}:
            return self._names.error(value)
        if key in {"Type", "QueryLanguage", "Mode", "ExecutionType", "JitterStrategy"}:
            return value if value in ENUMS else self._texts.text(value)
        return self._values.string(value, key)

    def _resource(self, value: str) -> str:
        known = not has_space(value)
        return self._names.resource(value) if known else self._texts.text(value)


def state_names(definition: Any) -> Iterator[str]:
    """Yield the names of a definition's states, in its order, outermost first."""
    parts = [parse_json(definition)]
    while parts:
        part = parts.pop(0)
        if isinstance(part, list):
            parts.extend(part)
        elif isinstance(part, Mapping):
            states = mapping_of(part.get("States"))
            yield from states
            inner = (part[key] for key in part if key in _MACHINES)
            parts += [*states.values(), *inner]
