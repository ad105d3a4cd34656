"""Of a trace that grows, the spans that will not change: each once.

A collector takes a span for good when it first comes. So one is given when it is over:
a state or a try that has ended, a call that an id ties. What time may change, the
execution's own span and the calls that are guessed at, comes with the last ones.
"""

from collections.abc import Iterator

from sfnwatch.export.otlp import resource_spans
from sfnwatch.export.otlp_values import Json
from sfnwatch.trace.timeline import Trace

_EXECUTION, _CALL = "execution", "call"


class Settled:
    """Remembers which spans were given."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def take(self, trace: Trace, *, last: bool = False) -> list[Json]:
        """Give the spans that are settled and were not given yet; at last all."""
        return list(self._take(trace, last=last))

    def _take(self, trace: Trace, *, last: bool) -> Iterator[Json]:
        for resource in resource_spans(trace):
            (scope,) = resource["scopeSpans"]
            fresh = [
                span
                for span in scope["spans"]
                if span["spanId"] not in self._given and (last or _is_settled(span))
            ]
            if fresh:
                yield {**resource, "scopeSpans": [{**scope, "spans": fresh}]}
            self._given.update(span["spanId"] for span in fresh)

    def give_back(self, resources: list[Json]) -> None:
        """Have spans that did not arrive be given again."""
        for resource in resources:
            for scope in resource["scopeSpans"]:
                self._given.difference_update(s["spanId"] for s in scope["spans"])


def _is_settled(span: Json) -> bool:
    told = {each["key"]: each["value"] for each in span["attributes"]}
    kind = told["sfnwatch.kind"]["stringValue"]
    if kind == _CALL:
        return bool(told.get("sfnwatch.link.exact", {}).get("boolValue"))
    return kind != _EXECUTION and "sfnwatch.open" not in told
