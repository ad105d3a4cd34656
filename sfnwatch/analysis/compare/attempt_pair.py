"""The attempts of two paired visits, with the calls that each made."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from msgspec import Struct

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.compare.length_pair import LengthPair
from sfnwatch.analysis.grouping import ranked
from sfnwatch.analysis.matched_calls import MatchedCalls
from sfnwatch.analysis.poll_intervals import seconds_between
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import role_of_call


class CallTally:
    """The calls of one name that an attempt made, or may have made."""

    def __init__(self, calls: MatchedCalls, apart: Sequence[float]) -> None:
        """`apart` has the seconds from one call to the next."""
        every = calls.every
        self.count = len(every)
        self.error_codes = ranked(c.error_code for c in every if c.error_code)
        """The number of calls by error code, the most frequent first."""
        self.failed = sum(self.error_codes.values())
        self.interval_mean = fmean(apart) if apart else None
        self.interval_min = min(apart, default=None)
        self.interval_max = max(apart, default=None)
        self.guessed = len(calls.guessed)
        """The number of calls matched by a guess."""
        self.first = every[0].event_id
        """The event id of the first call."""


class CallPair(Struct, frozen=True):
    """The calls of one name that a pair of attempts made."""

    role: CallRole
    event_source: str
    event_name: str
    a: CallTally | None
    b: CallTally | None


class AttemptPair:
    """The n-th attempts of a visit and of its counterpart, from 1."""

    def __init__(self, number: int, cases: Sequence[AttemptAnalysis | None]) -> None:
        self.number = number
        self.cases = cases
        self.a, self.b = cases
        in_a, in_b = map(_tallies, cases)
        self.calls = [CallPair(*k, in_a.get(k), in_b.get(k)) for k in {**in_a, **in_b}]
        """In the order in which A first made them; then those that only B made."""
        self.seconds = LengthPair(*(case.seconds if case else None for case in cases))


def _tallies(
    case: AttemptAnalysis | None,
) -> Mapping[tuple[CallRole, str, str], CallTally]:
    """Count the calls of an attempt by role, source and name."""
    if case is None:
        return {}
    link = case.snapshot.link
    polls = set(case.polls.ids)

    def kind(call: ApiCall) -> tuple[CallRole, str, str]:
        role = role_of_call(call, link(call))
        late = role is CallRole.POLL and call.event_id not in polls
        return CallRole.OTHER if late else role, call.event_source, call.event_name

    def apart(role: CallRole, calls: MatchedCalls) -> Sequence[float]:
        # If these are all the polls, from the action call on, as in a report.
        every = role is CallRole.POLL and len(calls.every) == len(case.polls.every)
        return case.intervals.seconds if every else seconds_between(calls.sure)

    found = case.calls.grouped(kind)
    return {
        each: CallTally(calls, apart(each[0], calls)) for each, calls in found.items()
    }
