"""Finds the calls that may have the same parameters as an attempt.

A role that is shared with other executions may make thousands of calls within minutes.
To compare each of them with each attempt would take minutes.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from sfnwatch.model.linking.calls_in_order import CallsInOrder, Member
from sfnwatch.model.linking.leaf_comparison import is_plain
from sfnwatch.model.linking.leaves import Leaves

_PATHS = 32
"""Calls are looked up by their texts at no more than this many paths."""


class CallsByText:
    """Calls by their parameters."""

    def __init__(self, parameters: Mapping[Member, Leaves]) -> None:
        """`parameters` has those of each call, in the order of the calls' times."""
        self._parameters = parameters
        self._all = CallsInOrder(parameters)
        texts_of: dict[Member, dict[str, Any]] = {}
        counts = Counter[str]()
        for member, called in parameters.items():
            texts: dict[str, Any] = {}
            for path, (_, text) in called.items():
                if is_plain(path, text):
                    texts[path] = text
            texts_of[member] = texts
            counts.update(texts.keys())
        self._paths = {path for path, _ in counts.most_common(_PATHS)}
        self._by_text = defaultdict[tuple[str, Any], CallsInOrder](CallsInOrder)
        """The calls by a path and the text at it; None where a call has none there."""
        for member, texts in texts_of.items():
            for path in self._paths:
                self._by_text[path, texts.get(path)].append(member)

    def like(self, parameters: Leaves, begin: float, end: float) -> list[Leaves]:
        """Return the calls' parameters that may equal an attempt's, within a time."""
        fewest = self._all.between(begin, end)
        for path in self._paths & parameters.keys():
            value = parameters[path][1]
            if is_plain(path, value):
                same = self._by_text[path, value].between(begin, end)
                silent = self._by_text[path, None].between(begin, end)
                fewest = min(fewest, same + silent, key=len)
        return [self._parameters[member] for member in fewest]
