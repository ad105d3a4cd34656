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
from sfnwatch.view.redacted_names import SPACE, Names
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

    def __init__(self, names: Names) -> None:
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
        redacted = {}
        for key, value in record.items():
            if table == RecordKind.HISTORY and key.endswith(_DETAILS):
                redacted[self._details_key(key)] = self._field("in:details", value, key)
            else:
                name = key if key in rules else self.key(key)
                redacted[name] = self._field(rules.get(key, "payload"), value, key)
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
            inner = rule if name == "in" else more
            # Lists in lists have no rule: they may be nested very deep.
            rules = ("" if isinstance(item, list) else inner for item in value)
            return [self._field(r, v, key) for r, v in zip(rules, value, strict=True)]
        if isinstance(value, Mapping) and name == "in":
            return self.record(value, more)
        if isinstance(value, Mapping) and name == "states":
            return {
                self._names.state(state): self._field("in:asl", inner, key)
                for state, inner in value.items()
            }
        return self.value(value, key if name == "payload" else "")

    def _keeps(self, rule: str, value: Any, more: str) -> bool:
        """True if a rule keeps a value as it is."""
        if not isinstance(value, str):
            is_number = isinstance(value, int | float) and -_LARGEST < value < _LARGEST
            is_truth = isinstance(value, bool) and rule == "truth"
            return is_truth or (is_number and rule in _COUNTED)
        if rule == "enum":
            return value in vocabulary().enums
        pattern = more if rule == "words" else _KEPT.get(rule)
        return pattern is not None and re.fullmatch(pattern, value) is not None

    def _text(self, rule: str, value: str, key: str, more: str) -> str:
        if rule in self._rules and not SPACE.search(value):
            return self._rules[rule](value)
        if rule == "state":
            return self._names.state(value)
        if rule in {"name", "words"}:
            return self._names.text(value, more if rule == "name" and more else "name")
        if rule == "agent":
            # A user agent of this tool itself stays recognizable.
            own = "sfnwatch/0 " if _OWN_AGENT.search(value) else ""
            return own + self._names.text(value, "agent")
        record = parse_json(value) if rule == "json" else None
        if isinstance(record, dict):
            return _json_text(self.record(record, more))
        at = maybe_time(value) if rule == "time" else None
        if at is not None:
            return at.isoformat()
        under = {"payload": key, "message": "Cause"}
        return self.string(value, under.get(rule, ""))

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
        if text in {"$", "$$"} or (known in words.enum_keys and text in words.enums):
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
        if value is None or isinstance(value, bool):
            return value if value is None else value and known in words.truth_keys
        limit = _LARGEST if known in words.time_keys else 0
        limit = _LARGEST_CODE if known in words.code_keys else limit
        if -limit < value < limit:
            return value
        number = self._numbers.setdefault(value, len(self._numbers) + 1)
        return -float(number) if isinstance(value, float) else -number


def _json_text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
