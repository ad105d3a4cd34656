"""The table of states: a row for each state, with its times and its calls."""

from collections import Counter
from collections.abc import Hashable, Sequence
from statistics import median

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.attempt_group import AttemptGroup
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.grouping import counts_by_name, grouped, ranked
from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.phases import Phase, seconds_by_phase, seconds_taken
from sfnwatch.analysis.poll_intervals import interval_statistics
from sfnwatch.model.linking.link import role_of_call
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.visits import FAILED, StateVisit


class StateRow:
    """One state in one place, with all its visits; lengths are in seconds."""

    def __init__(
        self, analysis: ExecutionAnalysis, path: str, visits: Sequence[StateVisit]
    ) -> None:
        now = analysis.known_to
        attempts: list[AttemptAnalysis] = []
        lengths: list[float] = []
        phases: Counter[Phase] = Counter()
        for visit in visits:
            attempts += analysis.attempts_of.get(visit.id, ())
            known_visit = analysis.as_known(visit)
            lengths.append(seconds_taken(known_visit, now))
            phases.update(seconds_by_phase(analysis.execution, known_visit, now))
        first = visits[0]
        self.path = path
        """The path in AWS's names: `Parallel[1] / Each[*] / Work`."""
        self.name = first.name
        self.type = first.type
        attempt = attempts[0].attempt if attempts else None
        self.resource = resource_words(attempt) if attempt else None
        """What it runs, cleaned: `ecs:runTask.sync`; None if it is no Task."""
        integration = attempt.integration if attempt else None
        self.id_word = integration.id_word if integration else "id"
        """The word for the id of its job: `task ARN`."""
        self.visits = len(visits)
        """The number of visits."""
        self.visit = first.id
        """The id of the first visit."""
        self.tries = len(attempts)
        self.failed_tries = sum(item.attempt.status in FAILED for item in attempts)
        self.phases = {
            phase: round(phases[phase], 3) for phase in Phase if phases[phase]
        }
        """The seconds of all visits together, by phase."""
        self.seconds = round(sum(lengths), 3)
        """The seconds of all visits together; concurrent visits each count in full."""
        self.longest = round(max(lengths), 3)
        self.median = round(median(lengths), 3)
        self.statuses = counts_by_name(visit.status for visit in visits)
        self.calls = CallsOfState(analysis.snapshot, AttemptGroup(attempts))


class CallsOfState:
    """The calls matched to a state's attempts."""

    def __init__(self, snapshot: Snapshot, attempts: AttemptGroup) -> None:
        sure = attempts.calls.sure
        roles = [role_of_call(call, snapshot.link(call)) for call in sure]
        self.by_role = counts_by_name(map(str, roles))
        """The number of calls by role (action, poll, stop, other), without zeros."""
        rules = []
        for call in attempts.calls.every:
            link = snapshot.link(call)
            if link is not None:
                rules.append(str(link.rule))
        self.by_rule = counts_by_name(rules)
        self.guessed = len(attempts.calls.guessed)
        """The number of calls matched by a guess. Only `by_rule` counts them, too."""
        self.denied = len(attempts.calls.denied.sure)
        self.failed = sum(call.error_code is not None for call in sure) - self.denied
        """The number of calls with another error than a denial."""
        poll_names = ranked(poll.event_name for poll in attempts.polls.sure)
        self.poll_call = next(iter(poll_names), None)
        """The name of the call it polls with; None without a poll."""
        intervals = interval_statistics(attempts.seconds_between_polls)
        self.poll_mean = intervals["interval_mean"]
        self.poll_min = intervals["interval_min"]
        self.poll_max = intervals["interval_max"]


def state_rows(analysis: ExecutionAnalysis) -> list[StateRow]:
    """Return a row for each state and place, in the order of their first visits.

    All visits of one state in one place are one row: the iterations of a Map, the
    rounds of a loop. Each branch of a Parallel is a place of its own.
    """
    paths: dict[int | None, str] = {}
    """The path of each visit's place, by the visit's id."""
    maps: set[int | None] = set()
    """The ids of the visits to a Map: all its iterations are one place."""

    def place(visit: StateVisit) -> Hashable:
        path = visit.name
        index = "*" if visit.parent in maps else visit.index
        if visit.parent in paths:
            branch = "" if visit.index is None else f"[{index}]"
            path = f"{paths[visit.parent]}{branch} / {path}"
        paths[visit.id] = path
        if visit.type == "Map":
            maps.add(visit.id)
        resource = resource_words(visit.attempts[0]) if visit.attempts else ""
        return path, index, visit.type, resource

    rows = []
    for visits in grouped(analysis.visits, place).values():
        path = paths[visits[0].id]
        rows.append(StateRow(analysis, path, visits))
    return rows
