"""An execution laid out by state and attempt, for findings, tables and comparisons.

Ten thousand iterations of a Map run the same state. They are one `StateAnalysis`, and
are reported together. With so many attempts the layout takes a while, so it is `Work`
that may pause after each step.
"""

from collections.abc import Hashable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from math import inf

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.names import named
from sfnwatch.analysis.state_analysis import StateAnalysis
from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.analysis.work import Work
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.visits import StateVisit

_NEVER = datetime.min.replace(tzinfo=UTC)


class ExecutionAnalysis(Struct, frozen=True, dict=True):
    """One execution, divided by the resources that its states use."""

    trace_analysis: TraceAnalysis
    execution: ExecutionAsOf
    visits: Sequence[StateVisit]
    """In the order in which they were entered."""
    states: Sequence[StateAnalysis]
    """In the order of their first visits."""

    @property
    def snapshot(self) -> Snapshot:
        return self.trace_analysis.snapshot

    @cached_property
    def known_to(self) -> datetime:
        """The last time of which something is known of the execution."""
        return self.trace_analysis.known_to(self.execution) or _NEVER

    @cached_property
    def attempts_of(self) -> Mapping[int, Sequence[AttemptAnalysis]]:
        """The attempts of each visit that has any, by the visit's id."""
        attempts: dict[int, list[AttemptAnalysis]] = {}
        for state in self.states:
            for attempt in state.attempts:
                attempts.setdefault(attempt.visit.id, []).append(attempt)
        return attempts

    def state_name(self, visit_id: int | None) -> str:
        """Return the name of a visit's state; without a visit, that of a Map Run's."""
        visit = self.execution.visit(visit_id) if visit_id else None
        return named(visit.name) if visit else "A Map state"

    @property
    def is_cut(self) -> bool:
        """True if the execution is over, but the event that ended it is missing."""
        return not self.execution.running and self.execution.ending is None

    @cached_property
    def lost_to(self) -> float:
        """The id of the last missing event of an execution that is over; 0 if none.

        Infinite for a history that was cut: its number of events is not known.
        """
        if self.is_cut:
            return inf
        lost_to = 0
        if not self.execution.running:
            ids = [0, *(event.id for event in self.execution.events)]
            for before, after in pairwise(ids):
                if after - before > 1:
                    lost_to = max(lost_to, after - 1)
        return lost_to

    def is_end_lost(self, visit: StateVisit) -> bool:
        """True if the event that ended a visit may be among the missing events."""
        last = max(visit.event_ids, default=visit.id)
        return visit.exited_at is None and last < self.lost_to

    def as_known(self, visit: StateVisit) -> StateVisit:
        """Return a visit that ends with its last known event, if its end is missing.

        Otherwise it would seem to last until the execution was over.
        """
        if not self.is_end_lost(visit):
            return visit
        last = visit.entered_at
        for number in visit.event_ids:
            event = self.execution.event(number)
            if event is not None:
                last = max(last, event.at)
        return replace(visit, ended_at=last)


def analyse_execution(
    trace_analysis: TraceAnalysis, execution: ExecutionAsOf
) -> Work[ExecutionAnalysis]:
    """Group the visits of one execution by state and resource."""
    visits: list[StateVisit] = []
    visits_by_state: dict[Hashable, list[StateVisit]] = {}
    # A copy: more visits may come in between two steps.
    for visit in list(execution.visits):
        yield
        visits.append(visit)
        if visit.attempts:
            first = visit.attempts[0]
            state = visit.name, first.pattern, first.resource_type, first.resource
            visits_by_state.setdefault(state, []).append(visit)
    states = [
        StateAnalysis(trace_analysis, execution, visits_of_state)
        for visits_of_state in visits_by_state.values()
    ]
    return ExecutionAnalysis(trace_analysis, execution, visits, states)
