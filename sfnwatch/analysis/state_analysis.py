"""The visits of one state that use the same resource."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.names import named
from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.model.api_call import ApiCall, CallName
from sfnwatch.model.arns import role_name
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.visits import StateVisit


class StateAnalysis:
    """The visits of one state that use the same resource."""

    def __init__(
        self,
        trace_analysis: TraceAnalysis,
        execution: ExecutionAsOf,
        visits: Sequence[StateVisit],
    ) -> None:
        self.trace_analysis = trace_analysis
        self.execution = execution
        self.visits = visits
        self.name = named(visits[0].name)
        self.first = visits[0].attempts[0]
        self.integration = self.first.integration
        self.starts_job = self.integration is not None and self.integration.starts_job

    @cached_property
    def attempts(self) -> Sequence[AttemptAnalysis]:
        attempts: list[AttemptAnalysis] = []
        for visit in self.visits:
            numbers = range(1, len(visit.attempts) + 1)
            attempts += [AttemptAnalysis(self, visit, number) for number in numbers]
        return attempts

    def unproven_calls(self, name: CallName, error_code: str | None) -> list[ApiCall]:
        """Return the calls of a name, and of an error, that its attempts may have made.

        A role of these attempts made them. One of the attempts ran at the time, or is a
        candidate. Nothing proves who made them: the SDK itself tries a call again.
        Calls that are matched to one of the attempts by a guess are left out.
        """
        keys = set()
        roles = set()
        for attempt in self.attempts:
            keys.add(attempt.key)
            roles.add(role_name(attempt.attempt.role_arn or self.execution.role_arn))
        calls = []
        for call in self.trace_analysis.unproven_by_name.get(name, ()):
            link = self.trace_analysis.snapshot.link(call)
            is_other_error = error_code is not None and call.error_code != error_code
            if call.role not in roles or is_other_error:
                continue
            if link is None or link.key in keys:
                continue
            is_candidate = not keys.isdisjoint(link.candidates)
            if is_candidate or self._ran_at(call.event_time):
                calls.append(call)
        return calls

    def _ran_at(self, at: datetime) -> bool:
        return any(attempt.ran_at(at) for attempt in self.attempts)
