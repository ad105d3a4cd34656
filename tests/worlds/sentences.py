"""Holds the sentences that the analysis calls facts against the truth of a world.

Checked are counts (polls, calls, denials, tries, errors caught), intervals, how long it
took to learn of a job's end, how executions ended, and who made the calls that are
given as evidence. A record that got lost is not held against a sentence: it says what
the records have. That they end too early is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from sfnwatch.analysis.evidence import MOST_PROOFS as _MOST
from sfnwatch.analysis.finding import FactOrInference, Finding
from sfnwatch.analysis.findings import find
from sfnwatch.model.trace import Trace
from tests.worlds.executions import Attempt, Call, Execution
from tests.worlds.world import World

_DENIED = "AccessDenied"
_WAITS = 60.0
"""Seconds after an attempt's end in which a poll is yet one of its wait."""
_ROUNDED = 0.0015
"""Seconds by which figures may differ for being rounded."""


class Checked(Struct, frozen=True):
    """A fact, and what is false about it."""

    kind: str
    text: str
    faults: tuple[str, ...]


def check_facts(world: World, trace: Trace) -> list[Checked]:
    """Check each fact that says something which the truth of a world has, too."""
    facts = _Facts(world)
    checked: list[Checked] = []
    for finding in find(trace.as_of()):
        check = _CHECKS.get(finding.kind)
        if finding.certainty is FactOrInference.FACT and check is not None:
            faults = tuple(check(facts, finding))
            checked.append(Checked(finding.kind, finding.text, faults))
    return checked


class _Facts:
    """What is true of a world, as sentences ask for it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.calls = {
            event_id: world.call(own)
            for own, event_ids in world.ids.items()
            for event_id in event_ids
        }
        """The calls, by each event id that their records have."""
        missing = {call.event_id for call in world.missing}
        self.made: dict[Attempt, list[Call]] = {}
        """All calls of each attempt that are not lost, come or not."""
        self.come: dict[Attempt, list[Call]] = {}
        """Those of them that have come."""
        for call in world.made:
            if call.attempt is not None and call.event_id not in missing:
                self.made.setdefault(call.attempt, []).append(call)
        for call in world.calls:
            if call.attempt is not None:
                self.come.setdefault(call.attempt, []).append(call)

    # -- whom a finding is about -------------------------------------------------------

    def run(self, finding: Finding) -> Execution | None:
        return self.world.watched.get(finding.execution_arn or "")

    def attempts(self, finding: Finding) -> list[Attempt]:
        """Give the attempts of the state that a finding is about."""
        run = self.run(finding)
        visit = finding.data.get("visit")
        if run is None or visit is None:
            return []
        told = [a for a in self.world.attempts if a.run is run]
        first = [a for a in told if a.entered is not None and a.entered.id == visit]
        if not first:
            return []
        return [a for a in told if _use(a) == _use(first[0])]

    def polled(self, finding: Finding) -> list[Attempt]:
        """Give the one attempt that is named, or all of the state where many are."""
        attempts = self.attempts(finding)
        if "tries" in finding.data:
            return attempts
        named = finding.data.get("attempt")
        return [each for each in attempts if each.key[1] == named]

    def of(self, attempts: Sequence[Attempt], *, whole: bool) -> list[Call]:
        """Give the calls of attempts: all that were made, or all that have come."""
        known = self.made if whole else self.come
        return [call for each in attempts for call in known.get(each, ())]

    def seconds(self, calls: Sequence[Call]) -> list[int]:
        return sorted(self.world.second_of(call) for call in calls)

    # -- who made the calls ------------------------------------------------------------

    def strangers(self, finding: Finding, own: Sequence[Attempt]) -> Iterator[str]:
        """Say which calls that are given as evidence were made by others."""
        for each in finding.evidence:
            call = self.calls.get(each)
            if call is not None and call.attempt not in own:
                yield f"{call.name} at {call.at:.0f} is not its own"


def _use(attempt: Attempt) -> tuple[str, str, str]:
    name = attempt.state.name if attempt.state else ""
    return name, attempt.pattern, attempt.service.name


def _differ(what: str, said: object, true: object) -> Iterator[str]:
    if said != true:
        yield f"{what} {said}, truth {true}"


def _is_poll(call: Call, name: str) -> bool:
    attempt = call.attempt
    if attempt is None or call.name != name or call.kind != "poll":
        return False
    return attempt.end is None or call.at - attempt.end < _WAITS


# -- by kind ---------------------------------------------------------------------------


def _polling(facts: _Facts, finding: Finding) -> Iterator[str]:
    data = finding.data
    if finding.execution_arn is None:
        yield from _alone(facts, finding)
        return
    attempts = facts.polled(finding)
    yield from facts.strangers(finding, attempts)
    whole = "so_far" not in data
    name = str(data["call"])
    polls = [c for c in facts.of(attempts, whole=whole) if _is_poll(c, name)]
    waited = {call.attempt for call in polls}
    if len(waited) > data.get("tries", 1):
        return  # of all that waited only some are meant, and not named
    if whole or not facts.world.wish.live:
        yield from _differ("polls", data["count"], len(polls))
    denied = [c for c in polls if c.error and c.error[0].startswith(_DENIED)]
    if len(polls) == data["count"]:
        yield from _differ("denied", data["denied"], len(denied))
        if len(attempts) == 1 and not facts.world.wish.live:
            yield from _intervals(facts, finding, polls)


def _intervals(facts: _Facts, finding: Finding, polls: list[Call]) -> Iterator[str]:
    """Compare the seconds between polls, from the action on where that is told."""
    said = list(finding.data.get("intervals", ()))
    snapshots = facts.seconds(polls)
    if finding.data.get("from"):
        made = facts.of(facts.polled(finding), whole=True)
        accepted = [c for c in made if c.kind == "action" and c.error is None]
        snapshots = [*facts.seconds(accepted)[-1:], *snapshots]
    gaps = [float(after - before) for before, after in pairwise(snapshots)]
    if said:
        yield from _differ("intervals", said, gaps[: len(said)])


def _calls(facts: _Facts, finding: Finding) -> Iterator[str]:
    if finding.execution_arn is None:
        yield from _alone(facts, finding)
        return
    attempts = facts.attempts(finding)
    yield from facts.strangers(finding, attempts)
    name = finding.data["call"]
    actions = [
        call
        for call in facts.of(attempts, whole=False)
        if call.kind == "action" and call.name == name
    ]
    yield from _differ("calls", finding.data["count"], len(actions))


def _failed_calls(facts: _Facts, finding: Finding) -> Iterator[str]:
    data = finding.data
    if finding.execution_arn is None:
        yield from _alone(facts, finding)
        return
    attempts = facts.attempts(finding)
    yield from facts.strangers(finding, attempts)
    failed = [
        call
        for call in facts.of(attempts, whole=False)
        if call.error
        and (call.name, call.error[0]) == (data["call"], data["error_code"])
    ]
    yield from _differ("failed calls", data["count"], len(failed))


def _alone(facts: _Facts, finding: Finding) -> Iterator[str]:
    """Check what is said of calls that belong to no execution: how many there are."""
    known = [facts.calls[each] for each in finding.evidence if each in facts.calls]
    distinct = {call.event_id for call in known}
    if len(known) == len(finding.evidence) < _MOST:
        yield from _differ("distinct calls", len(known), len(distinct))


def _conclusion(facts: _Facts, finding: Finding) -> Iterator[str]:
    arns = finding.data["executions"]
    own = [a for a in facts.world.attempts if a.run.arn in arns]
    yield from facts.strangers(finding, own)
    told = {a for each in finding.evidence if (a := _maker(facts, each)) is not None}
    is_part = "so_far" in finding.data or len(finding.evidence) >= _MOST
    if is_part or not finding.data["polls"]:
        return  # that none is matched does not say that there was none
    polls = [call for call in facts.of([*told], whole=True) if call.kind == "poll"]
    yield from _differ("polls", finding.data["polls"], len(polls))


def _maker(facts: _Facts, event_id: str) -> Attempt | None:
    call = facts.calls.get(event_id)
    return call.attempt if call is not None else None


def _denied_unknown(facts: _Facts, finding: Finding) -> Iterator[str]:
    yield from facts.strangers(finding, facts.polled(finding))


def _retries(facts: _Facts, finding: Finding) -> Iterator[str]:
    data = finding.data
    attempts = facts.attempts(finding)
    if not attempts:
        return  # a Map or a Parallel
    if data["visits"] == 1:
        entered = data["visit"]
        attempts = [a for a in attempts if a.entered and a.entered.id == entered]
        yield from _differ("tries", data["tries"], len(attempts))
    spans = facts.world.spans
    ended = [a for a in attempts if spans[a.key].end is not None]
    failed = [a for a in ended if a.status in {"failed", "timed_out"}]
    if data["visits"] == 1:
        yield from _differ("failed tries", data["failed"], len(failed))


def _caught(facts: _Facts, finding: Finding) -> Iterator[str]:
    run = facts.run(finding)
    attempts = facts.attempts(finding)
    if run is None or not attempts or attempts[0].state is None:
        return
    name = attempts[0].state.name
    errors = [error for state, error in run.caught if state == name]
    if finding.data["error"] not in errors:
        yield f"error {finding.data['error']}, truth {errors}"
    if finding.data["count"] > len(errors):
        yield f"caught {finding.data['count']}, truth {len(errors)}"


def _noticed(facts: _Facts, finding: Finding) -> Iterator[str]:
    if "tries" in finding.data:
        return
    for attempt in facts.polled(finding):
        if attempt.job_ended is None or attempt.end is None:
            yield "its job does not say when it ended"
        elif abs(attempt.end - attempt.job_ended - finding.data["seconds"]) > _ROUNDED:
            true = attempt.end - attempt.job_ended
            yield f"lag {finding.data['seconds']}, truth {true:.3f}"


def _child_failed(facts: _Facts, finding: Finding) -> Iterator[str]:
    arn = finding.data["execution"]
    for run in facts.world.executions:
        if run.arn == arn:
            yield from _differ("status", finding.data["status"], run.status)
            if run.status == "FAILED":
                yield from _differ("error", finding.data["error"], run.error)


def _other_executions(facts: _Facts, finding: Finding) -> Iterator[str]:
    run = facts.run(finding)
    if run is None:
        return
    others = [
        each
        for each in facts.world.executions
        if each.machine.arn == run.machine.arn and not each.watched
        if each.begin <= run.end and run.begin <= each.end
        if each.begin <= facts.world.now
    ]
    yield from _differ("other executions", finding.data["count"], len(others))


def _slowest(_facts: _Facts, finding: Finding) -> Iterator[str]:
    steps = finding.data["steps"]
    if "took most of the time" in finding.text and len(steps) == finding.data["count"]:
        longest = max(step["seconds"] for step in steps)
        if longest * 2 <= finding.data["seconds"]:
            yield f"{longest} s are not most of {finding.data['seconds']} s"


def _other_calls(facts: _Facts, finding: Finding) -> Iterator[str]:
    for each in finding.evidence:
        attempt = _maker(facts, each)
        if attempt is not None and attempt in facts.world.attempts:
            yield f"{facts.calls[each].name} is of a watched execution"


_CHECKS: Mapping[str, Callable[[_Facts, Finding], Iterator[str]]] = {
    "polling": _polling,
    "calls": _calls,
    "failed-calls": _failed_calls,
    "throttled-calls": _failed_calls,
    "denied-unknown": _denied_unknown,
    "conclusion": _conclusion,
    "retries": _retries,
    "caught": _caught,
    "noticed": _noticed,
    "child-failed": _child_failed,
    "other-executions": _other_executions,
    "slowest-path": _slowest,
    "other-calls": _other_calls,
}
