"""Payloads: their structure stays, and AWS's own keys; everything else is replaced.

A JSON text inside a JSON text is redacted as JSON. Numbers become 0 and truths false,
except where the decoder reads them: when a job stopped, what it exited with.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sfnwatch.recording.redact_book import has_space
from sfnwatch.recording.redact_names import Names
from sfnwatch.recording.redact_texts import Texts
from sfnwatch.recording.redact_words import (
    CODES,
    ENUM_KEYS,
    ENUMS,
    ERROR_KEYS,
    KEYS,
    OTHER_KEYS,
    TIMES,
)
from sfnwatch.trace.alias_names import kind_of_key
from sfnwatch.trace.payload import parse_json
from sfnwatch.trace.times import maybe_time

_DEEPEST = 150
"""Levels that are walked, those of JSON texts included; what is below is left out."""
_LARGEST = 10**14
"""No time in milliseconds is larger, nor anything that AWS counts."""
_LARGEST_CODE = 1000
_SHORT = 1 << 13
"""Characters of a JSON text whose alias is kept: states pass theirs on and on."""
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(Z| UTC|[+-][0-9]{2}:?[0-9]{2})?"
)
_REFERENCE = ".$"
"""What ends a key whose value is a path."""
_KEPT_STRINGS = frozenset({"$", "$$"})
_REGION_KEYS = frozenset({"awsregion", "availabilityzone", "region"})


class Values:
    """Aliases for JSON values."""

    def __init__(self, names: Names, texts: Texts) -> None:
        self._names, self._texts = names, texts
        self._short_text = lru_cache(maxsize=1 << 12)(self._text)

    def value(self, value: Any, key: str = "", depth: int = 0) -> Any:
        """Redact a JSON value that stands under `key`."""
        if depth > _DEEPEST:
            return None
        if isinstance(value, Mapping):
            return {
                self.key(str(k)): self.value(v, str(k), depth + 1)
                for k, v in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(item, key, depth + 1) for item in value]
        if isinstance(value, str):
            return self.string(value, key, depth)
        return self._scalar(value, key)

    def string(self, text: str, key: str = "", depth: int = 0) -> str:
        """Redact a string that stands under `key`; a JSON text stays one."""
        if len(text) <= _SHORT:
            return self._short_text(text, key, depth)
        return self._text(text, key, depth)

    def _text(self, text: str, key: str, depth: int) -> str:
        inner = parse_json(text) if text[:1] in {"{", "[", '"'} else None
        if isinstance(inner, dict | list | str):
            redacted = self.value(inner, key, depth + 1)
            return json.dumps(redacted, separators=(",", ":"), allow_nan=False)
        return self._leaf(text, key)

    def _leaf(self, text: str, key: str) -> str:
        known = self.is_known(key)
        small = key.lower()
        if text in _KEPT_STRINGS or (known and small in ENUM_KEYS and text in ENUMS):
            return text
        if known and small in TIMES and _TIME.fullmatch(text):
            return text
        if small in ERROR_KEYS and not has_space(text):
            return self._names.error(text)
        if small in _REGION_KEYS:
            return self._names.region(text)
        return self._texts.text(text, kind_of_key(key) or "value")

    def _scalar(self, value: Any, key: str) -> Any:
        """Replace a number or a truth; nothing stays nothing."""
        if value is None or isinstance(value, bool):
            return None if value is None else False
        small = key.lower() if self.is_known(key) else ""
        limit = _LARGEST if small in TIMES else _LARGEST_CODE if small in CODES else 0
        return value if -limit < value < limit else 0

    def key(self, key: str) -> str:
        """Keep a key if it is one of AWS's; a path's sign behind it stays too."""
        stem = key.removesuffix(_REFERENCE)
        if self.is_known(stem):
            return key
        return self._texts.text(stem, "key") + key[len(stem) :]

    @staticmethod
    def is_known(key: str) -> bool:
        return key in OTHER_KEYS or key in KEYS or key[:1].upper() + key[1:] in KEYS

    # -- fields of known records ---------------------------------------------------

    def time(self, value: Any) -> Any:
        """Keep a time, however it is written; anything else is redacted."""
        if isinstance(value, int | float):
            return self.number(value)
        if isinstance(value, str) and _TIME.fullmatch(value):
            return value
        at = maybe_time(value)
        return self.value(value) if at is None else at.isoformat()

    def whole(self, value: Any) -> Any:
        """Keep a whole number, or one in digits."""
        if value is None or isinstance(value, int | float):
            return self.number(value)
        digits = isinstance(value, str) and re.fullmatch("-?[0-9]{1,9}", value)
        return value if digits else self.value(value)

    def number(self, value: Any) -> Any:
        """Keep a number that counts or measures something."""
        if value is None or isinstance(value, bool):
            return value
        kept = isinstance(value, int | float) and -_LARGEST < value < _LARGEST
        return value if kept else self.value(value)

    def truth(self, value: Any) -> Any:
        """Keep true and false, written either way."""
        kept = isinstance(value, bool) or str(value) in {"true", "false"}
        return value if kept else self.value(value)

    def enum(self, value: Any) -> Any:
        """Keep a word AWS chooses from a list."""
        kept = isinstance(value, str) and value in ENUMS
        return value if kept else self.value(value)
