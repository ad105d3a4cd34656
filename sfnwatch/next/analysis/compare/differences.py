"""At which points two executions did something else, and what nobody can tell.

Of one cause not every consequence is told: an attempt that failed makes another
outcome, and that another next state. So each state tells of what came first in it. What
was aborted comes after all that happened inside the same Map or Parallel: there lies
the reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from sfnwatch.next.analysis.case import AttemptCase
from sfnwatch.next.analysis.compare.values import (
    AttemptPair,
    CallPair,
    CallTally,
    Comparison,
    ComparisonGap,
    DefinitionChanges,
    Difference,
    Side,
    VisitPair,
    status_words,
)
from sfnwatch.next.analysis.completion import DENIED
from sfnwatch.next.analysis.finding import Certainty, evidence
from sfnwatch.next.analysis.wording import (
    listed,
    named,
    plural,
    resource_words,
    spoken,
    times,
)
from sfnwatch.next.model.execution import ExecutionAsOf
from sfnwatch.next.model.integrations import CallRole, Pattern
from sfnwatch.next.model.json_text import canonical, list_of, mapping_of, parse_object
from sfnwatch.next.model.visits import StateVisit

_BEFORE, _AT, _AFTER, _LAST = range(4)
_LATE_OR_MADE = frozenset({CallRole.POLL, CallRole.ACTION})
"""A poll too few is a matter of time. An action that is missing was made all the same,
or the attempt would have failed: CloudTrail has not told of it."""
_WAITING = frozenset({Pattern.SYNC, Pattern.TASK_TOKEN})
_ENDED = {
    "aborted": "was aborted",
    "caught": "failed",
    "running": "is still running",
    "timed_out": "timed out",
}


def find_differences(comparison: Comparison) -> list[Difference]:
    """Find every point at which the two did something else, in the order of A."""
    found = [
        *_in_states(comparison),
        *_in_order(comparison),
        *_iteration_counts(comparison),
        *_endings(comparison),
    ]
    return sorted(found, key=lambda difference: difference.at)


# -- in a state that both went through -------------------------------------------------


def _in_states(comparison: Comparison) -> Iterator[Difference]:
    for place, pair in enumerate(comparison.pairs):
        a, b = pair.a, pair.b
        if a is None or b is None:
            continue
        if a.type != b.type:
            types = (f"a {named(visit.type)} state" for visit in (a, b))
            text = _both(pair.title, "is", *types)
            yield Difference("type", (a.id, _AT), text, place, a.type, b.type)
            continue
        resource = list(_other_resource(place, pair, a.id))
        yield from resource
        if comparison.calls_compared and not resource:
            yield from _other_calls(place, pair)
        attempt = list(_other_attempt(place, pair, a, b))
        yield from attempt
        if not attempt and not pair.running:
            yield from _other_outcome(comparison, place, a, b)


def _both(name: str, verb: str, a: str, b: str) -> str:
    return f"{name} {verb}{' ' if verb else ''}{a} in A and {b} in B."


def _other_resource(place: int, pair: VisitPair, event_id: int) -> Iterator[Difference]:
    first = pair.attempts[0] if pair.attempts else None
    if first is None or first.a is None or first.b is None:
        return
    one, other = first.a.attempt, first.b.attempt
    a, b = resource_words(one), resource_words(other)
    if a != b:
        text, row = _both(pair.title, "runs", a, b), one.integration
        waits = [attempt.pattern in _WAITING for attempt in (one, other)]
        if row is not None and row.starts_job and waits[0] != waits[1]:
            who = "A" if waits[0] else "B"
            text = f"{text[:-1]}: only {who} waits for the {row.job_word} to finish."
        yield Difference("resource", (event_id, _AT), text, place, a, b, attempt=1)


def _other_attempt(
    place: int, pair: VisitPair, a: StateVisit, b: StateVisit
) -> Iterator[Difference]:
    """Find the first attempt that ended otherwise, or that only one side made."""
    for each in pair.attempts:
        if each.a is None or each.b is None:
            # Unless it may yet come.
            if not (a if each.a is None else b).running:
                in_a, in_b = len(a.attempts), len(b.attempts)
                text = _both(pair.title, "was tried", times(in_a), times(in_b))
                at = _end(a), _AT
                yield Difference("try", at, text, place, str(in_a), str(in_b))
            return
        one, other = each.a.attempt, each.b.attempt
        if "running" in {one.status, other.status}:
            return
        at, name = (one.event_ids[-1], _AT), f"Attempt {each.number} of {pair.title}"
        last = each.number == len(pair.attempts)
        said: tuple[str | None, str | None]
        if one.status != other.status and not (each.number == 1 and last):
            ends = (_ended(attempt.status, attempt.error) for attempt in (one, other))
            kind, said, text = "try", (one.status, other.status), _both(name, "", *ends)
        elif one.status == other.status and one.error != other.error and not last:
            kind, said = "error", (one.error, other.error)
            text = _failed(name, *said)
        else:
            continue
        yield Difference(kind, at, text, place, *said, attempt=each.number)
        return


def _other_outcome(
    comparison: Comparison, place: int, a: StateVisit, b: StateVisit
) -> Iterator[Difference]:
    pair = comparison.pairs[place]
    if a.status != b.status:
        at = _end(a), _AFTER
        if "aborted" in {a.status, b.status} and pair.parent is not None:
            at = _end(comparison.pairs[pair.parent].a or a), _BEFORE
        ends = _outcome(a, comparison.a), _outcome(b, comparison.b)
        text = _both(pair.title, "", *ends)
        yield Difference("outcome", at, text, place, a.status, b.status)
    elif a.status != "succeeded" and error_of(a) != error_of(b):
        errors = error_of(a), error_of(b)
        text = _failed(pair.title, *errors)
        yield Difference("error", (_end(a), _AFTER), text, place, *errors)


def error_of(visit: StateVisit) -> str | None:
    """Give the error a state failed with, its own or its last attempt's."""
    return visit.error or (visit.attempts[-1].error if visit.attempts else None)


def _end(visit: StateVisit) -> int:
    return max(visit.event_ids, default=visit.id)


def _outcome(visit: StateVisit, side: Side) -> str:
    """Say how a state ended, and of a caught error which state went on."""
    words, caught = _ended(visit.status, error_of(visit)), side.caught.get(visit.id)
    if caught is None:
        return words
    then = f"; {named(caught.next_state)} was next" if caught.next_state else ""
    return f"{words} (caught{then})"


def _ended(status: str, error: str | None) -> str:
    words = _ENDED.get(status, status_words(status))
    return f"{words} with {named(error)}" if error and status != "succeeded" else words


def _failed(name: str, a: str | None, b: str | None) -> str:
    in_a, in_b = (named(error) if error else "no error named" for error in (a, b))
    return _both(name, "failed", f"with {in_a}", f"with {in_b}")


# -- in its calls ----------------------------------------------------------------------


def _other_calls(place: int, pair: VisitPair) -> Iterator[Difference]:
    for each in pair.attempts:
        for call in each.calls if each.a and each.b else ():
            denied = codes_of(call.a) != codes_of(call.b)
            lone = call.a is None or call.b is None
            if denied or (lone and call.role not in _LATE_OR_MADE):
                kind = "denied" if denied else "call"
                yield _other_call(kind, place, pair, each, call)


def codes_of(tally: CallTally | None) -> frozenset[str]:
    """Name what like calls were refused with."""
    return frozenset(tally.error_codes) if tally is not None else frozenset()


def _other_call(
    kind: str, place: int, pair: VisitPair, attempt: AttemptPair, call: CallPair
) -> Difference:
    polling, name = call.role is CallRole.POLL, call.event_name
    what = f"{named(name)} {'poll' if polling else 'call'}"
    sides = [("A", call.a, attempt.a), ("B", call.b, attempt.b)]
    sides.sort(key=lambda side: not (side[1] and side[1].failed))
    open_ = [polling and case is not None and not case.complete for *_, case in sides]
    words = [
        f"{_calls(letter, tally, what)}{' so far' if so_far else ''}"
        for (letter, tally, _), so_far in zip(sides, open_, strict=True)
    ]
    guessed = any(tally is None or tally.guessed for _, tally, _ in sides)
    number = f" (attempt {attempt.number})" if len(pair.attempts) > 1 else ""
    text = f"For {pair.title}{number}, {words[0]}; {words[1]}."
    if polling and {v and v.status for v in (pair.a, pair.b)} == {"succeeded"}:
        # An event tells of the end as well: the refusals did no harm.
        text += " The state still succeeded in both."
    made = (each for *_, case in sides if case is not None for each in case.calls)
    return Difference(
        kind=kind,
        at=_call_order(attempt.a, call),
        text=text,
        state=place,
        a=name,
        b=name,
        attempt=attempt.number,
        call=call,
        certainty=Certainty.of(fact=not guessed and not any(open_)),
        evidence=evidence(each.event_id for each in made if each.event_name == name),
    )


def _call_order(case: AttemptCase | None, call: CallPair) -> tuple[int, int]:
    if case is None:
        return 0, _BEFORE
    if call.role is CallRole.ACTION:
        return case.attempt.scheduled_id, _AFTER
    return case.attempt.event_ids[-1], _BEFORE


def _calls(letter: str, tally: CallTally | None, what: str) -> str:
    """Say what became of one side's calls: `all 5 … polls of B were denied with …`."""
    if tally is None:
        return f"no {what} is matched to {letter}"
    count, failed = tally.count, tally.failed
    many = f"all {count} {what}s" if count > 1 else f"the {what}"
    if 0 < failed < count:
        many = f"{failed} of {count} {what}s"
    if tally.guessed:
        many = f"up to {plural(failed or count, what)}"
    if not failed:
        return f"{many} of {letter} succeeded"
    codes = listed([named(code) for code in tally.error_codes])
    denied = "was denied" if failed == 1 else "were denied"
    how = denied if all(map(DENIED.search, tally.error_codes)) else "failed"
    return f"{many} of {letter} {how} with {codes}"


# -- in what followed ------------------------------------------------------------------


def _in_order(comparison: Comparison) -> Iterator[Difference]:
    """Compare what follows on each other in each branch or iteration of both."""
    pairs = comparison.pairs
    levels: dict[tuple[int | None, int | None], list[int]] = {}
    for place, pair in enumerate(pairs):
        levels.setdefault((pair.parent, pair.visit.index), []).append(place)
    for (parent, index), places in levels.items():
        in_a = [place for place in places if pairs[place].a is not None]
        in_b = [place for place in places if pairs[place].b is not None]
        in_b.sort(key=lambda place: _id(pairs[place].b))
        if not in_a or not in_b:
            continue
        if in_a[0] != in_b[0]:
            yield _first_state(pairs, parent, index, in_a[0], in_b[0])
        after_b = dict(zip_longest(in_b, in_b[1:]))
        for place, next_a in zip_longest(in_a, in_a[1:]):
            next_b = after_b.get(place)
            if place in after_b and next_a != next_b:
                yield from _next_state(comparison, place, next_a, next_b)


def _id(visit: StateVisit | None) -> int:
    return visit.id if visit is not None else 0


def _first_state(
    pairs: Sequence[VisitPair], parent: int | None, index: int | None, a: int, b: int
) -> Difference:
    visit_a, visit_b = pairs[a].a, pairs[b].b
    in_a, in_b = (visit.name if visit else "" for visit in (visit_a, visit_b))
    where = f"In {pairs[parent].title}" if parent is not None else ""
    bracketed = f"[{index}]" if index is not None else ""
    begin = f"{where}{bracketed}, " if where else ""
    text = f"{begin}A started with {named(in_a)} and B with {named(in_b)}."
    at = _id(visit_a), _BEFORE
    return Difference("first-state", at, text, parent, in_a, in_b, index=index)


def _next_state(
    comparison: Comparison, place: int, next_a: int | None, next_b: int | None
) -> Iterator[Difference]:
    pair = comparison.pairs[place]
    visit_a = comparison.pairs[next_a].a if next_a is not None else None
    visit_b = comparison.pairs[next_b].b if next_b is not None else None
    if pair.a is None or pair.b is None or pair.moved:
        return
    running = [side.execution.running for side in comparison.sides]
    if pair.parent is not None:
        around = comparison.pairs[pair.parent]
        running = [bool(each and each.running) for each in (around.a, around.b)]
    # One that runs may yet go on; another end explains what followed.
    may_go_on = (running[0] and not visit_a) or (running[1] and not visit_b)
    if may_go_on or pair.a.status != pair.b.status:
        return
    a, b = (visit.name if visit else None for visit in (visit_a, visit_b))
    text = f"After {pair.title}, A {_went_on(a)} and B {_went_on(b)}."
    yield Difference("next-state", (_end(pair.a), _LAST), text, place, a, b)


def _went_on(state: str | None) -> str:
    return f"went on to {named(state)}" if state else "went no further"


def _iteration_counts(comparison: Comparison) -> Iterator[Difference]:
    for place, group in comparison.groups.items():
        pair = comparison.pairs[place]
        a, b = (s.count if s is not None else 0 for s in (group.a, group.b))
        if pair.a is not None and pair.b is not None and a != b and not pair.running:
            thing = ("iteration", "iterations")
            if pair.visit.type == "Parallel":
                thing = ("branch", "branches")
            text = _both(pair.title, "had", plural(a, *thing), f"{b:,}")
            at = pair.a.id, _AFTER
            yield Difference("iterations", at, text, place, str(a), str(b))


def _endings(comparison: Comparison) -> Iterator[Difference]:
    if comparison.running:
        return
    one, other = comparison.sides
    a, b = (side.execution.status.lower() for side in comparison.sides)
    at = one.execution.event_count + 1, _LAST
    if a != b:
        text = f"A {_ended(a, one.error)} and B {_ended(b, other.error)}."
        yield Difference("status", at, text, None, a, b)
    elif one.error != other.error:
        text = _failed("The execution", one.error, other.error)
        yield Difference("error", at, text, None, one.error, other.error)


# -- what could not be compared --------------------------------------------------------


def find_gaps(comparison: Comparison) -> Iterator[ComparisonGap]:
    """Yield what could not be compared, what matters most first."""
    a, b = comparison.sides
    if a.is_same(b):
        yield ComparisonGap("same-execution", "A and B are the same execution.")
    elif a.execution.state_machine_arn != b.execution.state_machine_arn:
        yield ComparisonGap("other-machine", _other_machine(comparison))
    for side in (a, b):
        yield from _gaps_of_history(side)
    text = "No API call is matched to {}, so calls and polling are not compared."
    yield from _lacking("no-calls", text, [x for x in (a, b) if x.lacks_calls])
    for side in (a, b):
        yield from _gaps_of_calls(side)
    text = "The definition of {} is not loaded, so definitions are not compared."
    lacking = [side for side in (a, b) if side.execution.defined is None]
    yield from _lacking("no-definition", text, lacking)


def _other_machine(comparison: Comparison) -> str:
    words, pairs = "They ran different state machines", comparison.pairs
    if not all(side.visits for side in comparison.sides):
        return f"{words}."
    if not comparison.shared:
        return f"{words}, and visited no state in common."
    count = f"{comparison.shared:,} of {plural(len(pairs), 'visit')} in both"
    both = f" ({count})" if comparison.shared < len(pairs) else ""
    return f"{words}; visits are matched by state name{both}."


def _lacking(kind: str, text: str, sides: Sequence[Side]) -> Iterator[ComparisonGap]:
    if sides:
        who = " or ".join(side.letter for side in sides)
        one = sides[0].letter.lower() if len(sides) == 1 else None
        yield ComparisonGap(kind, text.format(who), one)


def _gaps_of_history(side: Side) -> Iterator[ComparisonGap]:
    events, who = side.execution.events, side.letter
    if not events:
        text = f"The history of {who} is not loaded, so its states can't be compared."
        yield ComparisonGap("no-history", text, side.letter.lower())
        return
    # Ids are given without a gap, from 1.
    missing = events[-1].id - len(events)
    if missing > 0:
        lacks = f"The history of {who} lacks {plural(missing, 'event')}"
        text = f"{lacks}, so parts of it may be missing here."
        yield ComparisonGap("partial-history", text, side.letter.lower(), missing)
    if side.execution.running:
        text = f"{who} is still running, so it is compared as far as it has come."
        yield ComparisonGap("running", text, side.letter.lower())


def _gaps_of_calls(side: Side) -> Iterator[ComparisonGap]:
    """Tell of calls that may be missing, or be another's.

    How far calls are complete is measured live; of files nobody knows.
    """
    who, count = side.letter, side.ambiguous_calls
    stopped, complete = side.execution.stopped_at, side.coverage.measured
    late = stopped and complete and complete < stopped and stopped - complete
    if late and side.expects_calls and side.calls:
        until = f"only up to {spoken(late.total_seconds())} before the end of {who}"
        text = (
            f"CloudTrail was complete {until} (estimate): later calls may be missing."
        )
        seconds = round(late.total_seconds())
        yield ComparisonGap("late-calls", text, side.letter.lower(), seconds)
    if count:
        told = f"{plural(count, 'call')} that may belong to {who}"
        text = f"{told} may belong to another attempt (ambiguous): not counted."
        yield ComparisonGap("shared-calls", text, side.letter.lower(), count)


# -- definitions -----------------------------------------------------------------------

_INNER = ("ItemProcessor", "Iterator")


def compare_definitions(a: ExecutionAsOf, b: ExecutionAsOf) -> DefinitionChanges | None:
    """Compare what two executions were defined by; None where one is not known.

    A state's name is its own within a whole machine, so states are compared by name,
    those of branches and iterations too; what only stands inside of another state is
    compared as itself, not as a part of that.
    """
    machine_a, machine_b = _machine(a), _machine(b)
    if not machine_a or not machine_b:
        return None
    states_a, states_b = dict(_states(machine_a)), dict(_states(machine_b))
    return DefinitionChanges(
        only_a=[name for name in states_a if name not in states_b],
        only_b=[name for name in states_b if name not in states_a],
        changed={
            name: _changed_fields(state, states_b[name])
            for name, state in states_a.items()
            if states_b.get(name, state) != state
        },
        outside=_outside(machine_a) != _outside(machine_b),
    )


def state_names(execution: ExecutionAsOf) -> frozenset[str]:
    """Name every state that a machine is known to have."""
    defined = (name for name, _ in _states(_machine(execution)))
    return frozenset((*defined, *(visit.name for visit in execution.visits)))


def _machine(execution: ExecutionAsOf) -> Mapping[str, Any]:
    defined = execution.defined
    text = defined.record.get("definition") if defined is not None else None
    return parse_object(text) if isinstance(text, str) else {}


def _outside(machine: Mapping[str, Any]) -> str:
    """Write what is in no state; a comment is for people."""
    return canonical({k: machine[k] for k in machine.keys() - {"States", "Comment"}})


def _changed_fields(a: Mapping[str, str], b: Mapping[str, str]) -> Sequence[str]:
    return sorted(key for key in {*a, *b} if a.get(key) != b.get(key))


def _states(machine: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield every state's name and its fields, without the states inside."""
    machines = [machine]
    while machines:
        for name, value in mapping_of(machines.pop().get("States")).items():
            state = dict(mapping_of(value))
            inner = [mapping_of(branch) for branch in list_of(state.get("Branches"))]
            if inner:
                state["Branches"] = [_outside(branch) for branch in inner]
            for key in _INNER:
                if key in state:
                    inner.append(mapping_of(state[key]))
                    state[key] = _outside(inner[-1])
            state.pop("Comment", None)
            machines.extend(reversed(inner))
            yield name, {key: canonical(field) for key, field in state.items()}
