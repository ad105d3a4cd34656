"""The table of states: a row for each state, with its times and its calls."""

from collections import Counter
from collections.abc import Hashable, Sequence
from statistics import median

from sfnwatch.analysis.attempt_analysis import AttemptGroup
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.grouping import counts_by_name, grouped, ranked
from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.phases import Phase, length_of, seconds_by_phase
from sfnwatch.analysis.poll_intervals import interval_statistics
from sfnwatch.model.linking.link import role_of_call
from sfnwatch.model.visits import FAILED, StateVisit


class StateRow:
    """One state in one place, with all its visits; lengths are in seconds."""

    def __init__(
        self, case: ExecutionAnalysis, path: str, visits: Sequence[StateVisit]
    ) -> None:
        told = AttemptGroup([a for v in visits for a in case.attempts_of.get(v.id, ())])
        now = case.known_to
        known = list(map(case.as_known, visits))
        lengths = [length_of(visit, now) for visit in known]
        phases: Counter[Phase] = Counter()
        for visit in known:
            phases.update(seconds_by_phase(case.execution, visit, now))
        first = visits[0]
        tries = [each.attempt for each in told.attempts]
        row = tries[0].integration if tries else None
        self.path = path
        """The path in AWS's names: `Parallel[1] / Each[*] / Work`."""
        self.name = first.name
        self.type = first.type
        self.resource = resource_words(tries[0]) if tries else None
        """What it runs, cleaned: `ecs:runTask.sync`; None if it is no Task."""
        self.id_word = row.id_word if row else "id"
        """The word for the id of its job: `task ARN`."""
        self.visits, self.visit = len(visits), first.id
        """The number of visits, and the id of the first one."""
        self.tries = len(tries)
        self.failed_tries = sum(attempt.status in FAILED for attempt in tries)
        self.phases = {p: round(phases[p], 3) for p in Phase if phases[p]}
        """The seconds of all visits together, by phase."""
        self.seconds = round(sum(lengths), 3)
        """The seconds of all visits together; concurrent visits each count in full."""
        self.longest = round(max(lengths), 3)
        self.median = round(median(lengths), 3)
        self.statuses = counts_by_name(visit.status for visit in visits)
        self.calls = CallsOfState(case, told)


class CallsOfState:
    """The calls matched to a state's attempts."""

    def __init__(self, case: ExecutionAnalysis, told: AttemptGroup) -> None:
        sure = told.calls.sure
        link = case.snapshot.link
        self.by_role = counts_by_name(
            str(role_of_call(call, link(call))) for call in sure
        )
        """The number of calls by role (action, poll, stop, other), without zeros."""
        rules = filter(None, map(link, told.calls.every))
        self.by_rule = counts_by_name(str(each.rule) for each in rules)
        self.guessed = len(told.calls.guessed)
        """The number of calls matched by a guess. Only `by_rule` counts them, too."""
        self.denied = len(told.calls.denied.sure)
        self.failed = sum(call.error_code is not None for call in sure) - self.denied
        """The number of calls with another error than a denial."""
        self.poll_call = next(iter(ranked(p.event_name for p in told.polls.sure)), None)
        """The name of the call it polls with; None without a poll."""
        self.poll_mean, self.poll_min, self.poll_max = interval_statistics(
            told.seconds_between_polls
        ).values()


def state_rows(case: ExecutionAnalysis) -> list[StateRow]:
    """Return a row for each state and place, in the order of their first visits.

    All visits of one state in one place are one row: the iterations of a Map, the
    rounds of a loop. Each branch of a Parallel is a place of its own.
    """
    places: dict[int | None, tuple[str, str]] = {None: ("", "")}
    """The path and the type of each visit, by its id."""

    def place(visit: StateVisit) -> Hashable:
        around, kind = places.get(visit.parent, ("", ""))
        index = "*" if kind == "Map" else visit.index
        number = "" if visit.index is None else f"[{index}]"
        path = f"{around}{number} / {visit.name}" if around else visit.name
        places[visit.id] = path, visit.type
        resource = resource_words(visit.attempts[0]) if visit.attempts else ""
        return path, index, visit.type, resource

    rows = grouped(case.visits, place).values()
    return [StateRow(case, places[those[0].id][0], those) for those in rows]
