"""The attempts of two paired visits, with the calls that each made."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from msgspec import Struct

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.compare.length_pair import LengthPair
from sfnwatch.analysis.grouping import ranked
from sfnwatch.analysis.matched_calls import MatchedCalls
from sfnwatch.analysis.poll_intervals import intervals_between
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import role_of_call

_CallKind = tuple[CallRole, str, str]
"""The role, the event source and the event name of calls."""


class CallTally:
    """The calls of one name that an attempt made, or may have made.

    Its attributes are written as JSON.
    """

    def __init__(self, calls: MatchedCalls, intervals: Sequence[float]) -> None:
        """`intervals` has the seconds from one call to the next."""
        every = calls.every
        self.count = len(every)
        self.error_codes = ranked(call.error_code for call in every if call.error_code)
        """The number of calls by error code, the most frequent first."""
        self.failed = sum(self.error_codes.values())
        self.interval_mean = fmean(intervals) if intervals else None
        self.interval_min = min(intervals, default=None)
        self.interval_max = max(intervals, default=None)
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

    @property
    def differ_in_errors(self) -> bool:
        """True if the calls of one side failed with other error codes."""
        codes_a = self.a.error_codes if self.a else {}
        codes_b = self.b.error_codes if self.b else {}
        return codes_a.keys() != codes_b.keys()


class AttemptPair:
    """The n-th attempts of a visit and of its counterpart, from 1."""

    def __init__(
        self, number: int, a: AttemptAnalysis | None, b: AttemptAnalysis | None
    ) -> None:
        self.number = number
        self.a = a
        self.b = b
        tallies_a = _tallies(a)
        tallies_b = _tallies(b)
        self.calls: list[CallPair] = []
        """In the order in which A first made them; then those that only B made."""
        for kind in {**tallies_a, **tallies_b}:
            pair = CallPair(*kind, tallies_a.get(kind), tallies_b.get(kind))
            self.calls.append(pair)
        self.seconds = LengthPair(_seconds(a), _seconds(b))


def _seconds(attempt: AttemptAnalysis | None) -> float | None:
    return None if attempt is None else attempt.seconds


def _tallies(attempt: AttemptAnalysis | None) -> Mapping[_CallKind, CallTally]:
    """Count the calls of an attempt by role, source and name."""
    if attempt is None:
        return {}
    polls = set(attempt.polls.ids)

    def kind(call: ApiCall) -> _CallKind:
        role = role_of_call(call, attempt.snapshot.link(call))
        if role is CallRole.POLL and call.event_id not in polls:
            role = CallRole.OTHER  # it came too late to be a poll of this attempt
        return role, call.event_source, call.event_name

    tallies = {}
    for (role, source, name), calls in attempt.calls.grouped(kind).items():
        intervals: Sequence[float] = intervals_between(calls.sure)
        if role is CallRole.POLL and len(calls.every) == len(polls):
            # These are all the polls: from the action call on, as in a report.
            intervals = attempt.intervals.seconds
        tallies[role, source, name] = CallTally(calls, intervals)
    return tallies
