"""Redacts records so that they can be shared.

What happened is kept; names and data are replaced. An allow-list decides: a string
stays only if it is one of AWS's own words (types of events, operations, services,
Regions, enumerations, error names), a time, or the key of a field of AWS's. Every other
string gets an alias. Equal strings have equal aliases, so calls stay matched to the
states that made them. Numbers and booleans in payloads are replaced, and the structure
of payloads is kept.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from sfnwatch.model.records import RecordKind
from sfnwatch.model.times import maybe_time
from sfnwatch.model.values import parse_json
from sfnwatch.view.redacted_names import SPACE, RedactedNames
from sfnwatch.view.vocabulary import vocabulary


def _cased(alias: str, original: str) -> str:
    """Return an alias that begins with a capital only where its original does."""
    first = alias[0].upper() if original[:1].isupper() else alias[0].lower()
    return first + alias[1:]


_DEEPEST = 150
"""The most levels that are redacted, with those of JSON texts; deeper values become
null."""
_LARGEST = 10**14
"""No time in milliseconds is larger than this, and no count of AWS's."""
_LARGEST_CODE = 1000
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(Z| UTC|[+-][0-9]{2}:?[0-9]{2})?"
)
_REFERENCE = ".$"
"""The end of a key whose value is a path."""

_OWN_AGENT = re.compile(r"\bsfnwatch/\d")
_KEPT = {
    "time": _TIME,
    "whole": re.compile(r"-?[0-9]{1,9}"),
    "truth": re.compile(r"true|false"),
    "version": re.compile(r"[0-9]\.[0-9]{1,2}"),
}
"""The rules by which strings may stay, and the pattern of the strings that do."""
_COUNTED = frozenset({"time", "whole", "number"})
_DETAILS = "EventDetails"


class Fields:
    """Redacts the fields of records, each by its rule in a table of the vocabulary.

    A field without a rule is redacted as a payload: its key and its value are replaced.
    So is a value that does not have the type that its field should have.

    Payloads keep their structure and AWS's own keys. A JSON text inside a JSON text is
    redacted as JSON. Booleans become false. Numbers become other numbers, and equal
    ones stay equal. The values that the decoder reads are kept: the time at which a job
    stopped, and its exit code.
    """

    def __init__(self, names: RedactedNames) -> None:
        self._names = names
        self._numbers: dict[float, int] = {}
        self._rules: dict[str, Callable[[str], str]] = {
            "service": names.service,
            "resource": names.resource,
            "region": names.region,
            "error": names.error,
            "operation": names.operation,
            "event_source": names.event_source,
            "event_type": names.event_type,
            "resource_type": names.identifier,
        }
        """The functions for strings without spaces, by the names of rules."""

    def record(self, record: Mapping[str, Any], table: str) -> dict[str, Any]:
        """Redact an object by a table of rules; an unknown table has no rules."""
        rules = vocabulary().rules.get(table, {})
        redacted: dict[str, Any] = {}
        for key, value in record.items():
            if table == RecordKind.HISTORY and key.endswith(_DETAILS):
                redacted[self._details_key(key)] = self._field("in:details", value, key)
            elif key in rules:
                redacted[key] = self._field(rules[key], value, key)
            else:
                alias = self.key(key)
                redacted[alias] = self._field("payload", value, key)
        return redacted

    def _details_key(self, key: str) -> str:
        """Redact the key of an event's details, which contains the event's type."""
        stem = key.removesuffix(_DETAILS)
        kind = self._rules["event_type"](stem[:1].upper() + stem[1:])
        return kind[:1].lower() + kind[1:] + _DETAILS

    def _field(self, rule: str, value: Any, key: str) -> Any:
        """Redact a value by a rule: a name, and maybe a detail after a colon."""
        name, _, more = rule.partition(":")
        if self._keeps(name, value, more):
            return value
        if isinstance(value, str):
            return self._text(name, value, key, more)
        if isinstance(value, list) and name in {"in", "each"}:
            return self._items(rule if name == "in" else more, value, key)
        if isinstance(value, Mapping) and name == "in":
            return self.record(value, more)
        if isinstance(value, Mapping) and name == "states":
            return {
                self._names.state(state): self._field("in:asl", definition, key)
                for state, definition in value.items()
            }
        return self.value(value, key if name == "payload" else "")

    def _items(self, rule: str, items: list[Any], key: str) -> list[Any]:
        redacted: list[Any] = []
        for item in items:
            # Lists in lists have no rule: they may be nested very deep.
            item_rule = "" if isinstance(item, list) else rule
            redacted.append(self._field(item_rule, item, key))
        return redacted

    def _keeps(self, rule: str, value: Any, more: str) -> bool:
        """True if a rule keeps a value as it is."""
        if isinstance(value, bool) and rule == "truth":
            return True
        if isinstance(value, int | float):
            return rule in _COUNTED and -_LARGEST < value < _LARGEST
        if not isinstance(value, str):
            return False
        if rule == "enum":
            return value in vocabulary().enums
        pattern = more if rule == "words" else _KEPT.get(rule)
        return pattern is not None and re.fullmatch(pattern, value) is not None

    def _text(self, rule: str, value: str, key: str, more: str) -> str:
        if rule in self._rules and not SPACE.search(value):
            return self._rules[rule](value)
        if rule == "state":
            return self._names.state(value)
        if rule == "name":
            return self._names.text(value, more or "name")
        if rule == "words":
            return self._names.text(value, "name")
        if rule == "agent":
            alias = self._names.text(value, "agent")
            # A user agent of this tool itself stays recognizable.
            return f"sfnwatch/0 {alias}" if _OWN_AGENT.search(value) else alias
        if rule == "json":
            record = parse_json(value)
            if isinstance(record, dict):
                return _json_text(self.record(record, more))
        if rule == "time":
            at = maybe_time(value)
            if at is not None:
                return at.isoformat()
        return self.string(value, _key_of_text(rule, key))

    def value(self, value: Any, key: str = "", depth: int = 0) -> Any:
        """Redact a JSON value under `key`."""
        if depth > _DEEPEST:
            return None
        if isinstance(value, Mapping):
            return {self.key(k): self.value(v, k, depth + 1) for k, v in value.items()}
        if isinstance(value, list):
            return [self.value(item, key, depth + 1) for item in value]
        if isinstance(value, str):
            return self.string(value, key, depth)
        return self._scalar(value, key)

    def key(self, key: str) -> str:
        """Keep a key of AWS's, and replace any other; `.$` at its end stays.

        CloudTrail begins keys with a small letter that begin with a capital in Step
        Functions. So both get the same alias, each with the case of its original.
        """
        stem = key.removesuffix(_REFERENCE)
        if not stem or vocabulary().is_key(stem):
            return key
        small = stem[0].lower() + stem[1:]
        alias = self._names.table.alias(small, "key", space="key").shown
        return _cased(alias, stem) + key[len(stem) :]

    def string(self, text: str, key: str = "", depth: int = 0) -> str:
        """Redact a string under `key`; a JSON text stays a JSON text."""
        inner = parse_json(text) if text[:1] in {"{", "[", '"'} else None
        if isinstance(inner, dict | list | str):
            return _json_text(self.value(inner, key, depth + 1))
        words = vocabulary()
        small = key.lower()
        known = self._known(key)
        if text in {"$", "$$"}:
            return text
        if known in words.enum_keys and text in words.enums:
            return text
        if known in words.time_keys and _TIME.fullmatch(text):
            return text
        if small in words.error_keys and not SPACE.search(text):
            return self._names.error(text)
        if small in words.region_keys:
            return self._names.region(text)
        return self._names.text(text, words.kind_of_key(key) or "value")

    def _known(self, key: str) -> str:
        """Return a key of AWS's in small letters; empty for any other key."""
        return key.lower() if vocabulary().is_key(key) else ""

    def _scalar(self, value: Any, key: str) -> Any:
        """Replace a number or a boolean; null stays null."""
        words = vocabulary()
        known = self._known(key)
        if value is None:
            return None
        if isinstance(value, bool):
            return value and known in words.truth_keys
        limit = 0
        if known in words.code_keys:
            limit = _LARGEST_CODE
        elif known in words.time_keys:
            limit = _LARGEST
        if -limit < value < limit:
            return value
        number = self._numbers.setdefault(value, len(self._numbers) + 1)
        return -float(number) if isinstance(value, float) else -number


def _key_of_text(rule: str, key: str) -> str:
    """Return the key under which a text is redacted; empty for none."""
    match rule:
        case "payload":
            return key
        case "message":
            return "Cause"
        case _:
            return ""


def _json_text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
