"""How the fields of a record are redacted, one method for each kind.

Whatever is not of the kind its field should be is redacted like a payload.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from sfnwatch.recording.redact_book import has_space
from sfnwatch.recording.redact_names import Names
from sfnwatch.recording.redact_texts import Texts
from sfnwatch.recording.redact_values import Values
from sfnwatch.trace.payload import parse_json

Redact = Callable[[Any], Any]
Table = Mapping[str, Redact]
"""A record's keys to how the value of each is redacted."""

_OWN_AGENT = re.compile(r"\bsfnwatch/\d")
_TYPE = re.compile(r"AWS::(?P<service>[A-Za-z0-9]+)::(?P<thing>[A-Za-z0-9]+)")


class Fields:
    """Redacts the fields of records."""

    def __init__(
        self, names: Names, texts: Texts, values: Values, state: Callable[[str], str]
    ) -> None:
        self.names, self.texts, self.values = names, texts, values
        self._state = state

    def object(self, data: Mapping[str, Any], table: Table) -> dict[str, Any]:
        """Redact an object by its table; a key that is not in it is replaced too."""
        redacted = {}
        for key, value in data.items():
            redact = table.get(key)
            name = key if redact else self.values.key(key)
            redacted[name] = redact(value) if redact else self.values.value(value, key)
        return redacted

    def inside(self, table: Table) -> Redact:
        """Redact an object in an object."""

        def apply(value: Any) -> Any:
            if isinstance(value, Mapping):
                return self.object(value, table)
            return self.values.value(value)

        return apply

    def each(self, redact: Redact) -> Redact:
        """Redact every item of a list."""

        def apply(value: Any) -> Any:
            if isinstance(value, list):
                return [redact(item) for item in value]
            return self.values.value(value)

        return apply

    def json(self, table: Table) -> Redact:
        """Redact an object that is written as a JSON text."""

        def apply(value: Any) -> Any:
            record = parse_json(value)
            if not isinstance(record, dict):
                return self.values.value(value)
            redacted = self.object(record, table)
            return json.dumps(redacted, separators=(",", ":"), allow_nan=False)

        return apply

    def word(self, redact: Callable[[str], str]) -> Redact:
        """Redact a string without spaces."""

        def apply(value: Any) -> Any:
            if isinstance(value, str) and not has_space(value):
                return redact(value)
            return self.values.value(value)

        return apply

    def one_of(self, words: Collection[str]) -> Redact:
        """Keep one of a few words."""
        return lambda v: v if isinstance(v, str) and v in words else self.ident(v)

    def matching(self, pattern: re.Pattern[str]) -> Redact:
        """Keep what a pattern allows."""
        return lambda value: (
            value
            if isinstance(value, str) and pattern.fullmatch(value)
            else self.values.value(value)
        )

    def name(self, kind: str) -> Redact:
        """Redact a name of some kind."""
        return lambda value: self.ident(value, kind)

    def ident(self, value: Any, kind: str = "name") -> Any:
        """Redact an ARN, an id or a name."""
        if isinstance(value, str):
            return self.texts.text(value, kind)
        return self.values.value(value)

    def message(self, value: Any) -> Any:
        """Redact a sentence, or a job or an error as JSON."""
        return self.values.value(value, "Cause")

    def state(self, value: Any) -> Any:
        """Redact a state's name."""
        return self._state(value) if isinstance(value, str) else self.ident(value)

    def agent(self, value: Any) -> Any:
        """Redact a user agent; that a call is this tool's own is still told."""
        redacted = self.ident(value, "agent")
        own = isinstance(value, str) and _OWN_AGENT.search(value)
        return f"sfnwatch/0 {redacted}" if own else redacted

    def type(self, value: Any) -> Any:
        """Keep the type of a resource: `AWS::ECS::Cluster`."""
        match = _TYPE.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            return self.values.value(value)
        service, thing = match["service"], match["thing"]
        known = self.names.service(service.lower()) == service.lower()
        kept = service if known else self.names.part(service, "service")
        return f"AWS::{kept}::{self.names.operation(thing)}"
