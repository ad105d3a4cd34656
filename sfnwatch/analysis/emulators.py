"""Findings on emulators of AWS: what was watched there instead of on AWS."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.lists import listed
from sfnwatch.model.snapshot import Snapshot

_NOT_AWS = (
    "What answered is {endpoints}, not AWS: states and calls may differ from what AWS"
    " would show."
)
_SAMPLE = (
    "This history is the sample that moto returns for every execution: nothing was"
    " executed. Set execute_state_machine to true in moto's configuration."
)
_SAMPLE_STARTED = datetime(2020, 1, 1, tzinfo=UTC)
_SAMPLE_STATE = "A State"
_SAMPLE_EVENT_TYPES = (
    (
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ),
    ("ExecutionStarted", "FailStateEntered", "ExecutionFailed"),
)
"""The types of the events of moto's two samples, as moto 5.2 has them: of a success and
of a failure."""


def endpoints(
    snapshot: Snapshot, analyses: Iterable[ExecutionAnalysis]
) -> Iterator[Finding]:
    """Name what answered with events of these executions, if that is not AWS."""
    if not any(analysis.execution.events for analysis in analyses):
        return
    hosts = {health.endpoint for health in snapshot.each_health if health.endpoint}
    if hosts:
        text = _NOT_AWS.format(endpoints=listed(sorted(hosts)))
        yield finding("endpoint", text, endpoints=sorted(hosts))


def moto_sample(analysis: ExecutionAnalysis) -> Iterator[Finding]:
    """Say that a history is moto's sample, which moto returns for any execution."""
    execution = analysis.execution
    types = tuple(event.type for event in execution.events)
    if types not in _SAMPLE_EVENT_TYPES:
        return
    started, entered, *_ = execution.events
    details = analysis.snapshot.trace.details(entered)
    if started.at == _SAMPLE_STARTED and details.get("name") == _SAMPLE_STATE:
        proofs = [f"#{event.id}" for event in execution.events]
        yield finding("sample-history", _SAMPLE, proofs)
