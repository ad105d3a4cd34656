"""Finds what two executions did differently, state by state.

Not every consequence of a cause is reported: an attempt that failed leads to another
outcome, and that leads to another next state. So each state reports what came first.
An aborted state comes after all that happened inside the same Map or Parallel, since
the reason lies there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sfnwatch.analysis.compare.call_differences import call_differences
from sfnwatch.analysis.compare.compared_execution import ExecutionPair
from sfnwatch.analysis.compare.difference import Difference, Position, Rank, difference
from sfnwatch.analysis.compare.end import End, attempt_end, visit_end
from sfnwatch.analysis.compare.iterations import IterationGroup
from sfnwatch.analysis.compare.visit_pair import VisitPair
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import plural, times
from sfnwatch.model.visits import StateVisit

_TYPES = "{state} is a {a} state in A and a {b} state in B."
_RESOURCES = "{state} runs {a} in A and {b} in B."
_TRIES = "{state} was tried {a} in A and {b} in B."
_ENDS = "{name} {a} in A and {b} in B."
_EXECUTIONS_ENDED = "A {a} and B {b}."
_ERRORS = "{name} failed with {a} in A and with {b} in B."
_COUNTS = "{state} had {a} in A and {b:,} in B."
_NOUNS = {"Map": ("iteration", "iterations"), "Parallel": ("branch", "branches")}


def state_differences(
    pairs: Iterable[VisitPair], *, calls_compared: bool
) -> Iterator[Difference]:
    """Compare what each state was, ran and called, and how it ended."""
    for pair in pairs:
        a = pair.a
        b = pair.b
        if a is None or b is None:
            continue
        if a.type != b.type:
            yield _other_type(pair, a, b)
            continue
        resource = _other_resource(pair, a)
        if resource is not None:
            yield resource
        elif calls_compared:
            yield from call_differences(pair)
        end = _other_attempt(pair, a, b)
        if end is None and not pair.running:
            end = _other_outcome(pair, a, b)
        if end is not None:
            yield end


def _other_type(pair: VisitPair, a: StateVisit, b: StateVisit) -> Difference:
    type_a = named(a.type)
    type_b = named(b.type)
    text = _TYPES.format(state=pair.title, a=type_a, b=type_b)
    position = Position(a.id, Rank.AT)
    return difference(position, "type", text, a.type, b.type, state=pair.place)


def _other_resource(pair: VisitPair, a: StateVisit) -> Difference | None:
    resources = pair.other_resources
    if resources is None:
        return None
    in_a, in_b = resources
    text = _RESOURCES.format(state=pair.title, a=in_a, b=in_b)
    position = Position(a.id, Rank.AT)
    return difference(
        position, "resource", text, in_a, in_b, state=pair.place, attempt=1
    )


def _other_attempt(pair: VisitPair, a: StateVisit, b: StateVisit) -> Difference | None:
    """Return the first attempt that ended otherwise, or that only one side made."""
    last = len(pair.attempts)
    for attempts in pair.attempts:
        if attempts.a is None or attempts.b is None:
            return _other_count(pair, a, b)
        end_a = attempt_end(attempts.a)
        end_b = attempt_end(attempts.b)
        if "running" in {end_a.status, end_b.status}:
            return None
        # The state's own outcome reports the last attempt.
        is_only = attempts.number == 1
        if attempts.number == last and (is_only or end_a.status == end_b.status):
            return None
        name = f"Attempt {attempts.number} of {pair.title}"
        position = Position(attempts.a.attempt.event_ids[-1], Rank.AT)
        found = _other_end(
            "try",
            name,
            position,
            end_a,
            end_b,
            state=pair.place,
            attempt=attempts.number,
        )
        if found is not None:
            return found
    return None


def _other_count(pair: VisitPair, a: StateVisit, b: StateVisit) -> Difference | None:
    """Return the difference in the number of attempts; None if more may yet come."""
    count_a = len(a.attempts)
    count_b = len(b.attempts)
    shorter = a if count_a < count_b else b
    if shorter.running:
        return None
    text = _TRIES.format(state=pair.title, a=times(count_a), b=times(count_b))
    position = Position(_last_event_id(a), Rank.AT)
    return difference(
        position, "try", text, str(count_a), str(count_b), state=pair.place
    )


def _other_outcome(pair: VisitPair, a: StateVisit, b: StateVisit) -> Difference | None:
    position = Position(_last_event_id(a), Rank.AFTER)
    around = pair.around.a if pair.around else None
    is_aborted = a.status != b.status and "aborted" in {a.status, b.status}
    if around is not None and is_aborted:
        position = Position(_last_event_id(around), Rank.BEFORE)
    return _other_end(
        "outcome",
        pair.title,
        position,
        visit_end(a),
        visit_end(b),
        state=pair.place,
    )


def _last_event_id(visit: StateVisit) -> int:
    return max(visit.event_ids, default=visit.id)


def ending_differences(sides: ExecutionPair) -> Iterator[Difference]:
    """Compare how the executions ended."""
    a, b = sides
    if a.execution.running or b.execution.running:
        return
    end_a = End(a.execution.status.lower(), a.error)
    end_b = End(b.execution.status.lower(), b.error)
    position = Position(a.execution.event_count + 1, Rank.LAST)
    found = _other_end("status", None, position, end_a, end_b)
    if found is not None:
        yield found


def _other_end(
    kind: str,
    name: str | None,
    position: Position,
    a: End,
    b: End,
    *,
    state: int | None = None,
    attempt: int | None = None,
) -> Difference | None:
    """Compare two ends by their statuses, or by their errors if these are equal.

    `name` names the attempt or the state; None for the executions as such.
    """
    if a.status != b.status:
        template = _ENDS if name else _EXECUTIONS_ENDED
        text = template.format(name=name, a=a.words, b=b.words)
        return difference(
            position, kind, text, a.status, b.status, state=state, attempt=attempt
        )
    if a.status == "succeeded" or a.error == b.error:
        return None
    name = name or "The execution"
    text = _ERRORS.format(name=name, a=a.error_words, b=b.error_words)
    return difference(
        position, "error", text, a.error, b.error, state=state, attempt=attempt
    )


def iteration_differences(
    pairs: Sequence[VisitPair], groups: Mapping[int, IterationGroup]
) -> Iterator[Difference]:
    """Compare the number of iterations or branches of each Map and Parallel.

    `groups` has them by the place of their Map or Parallel.
    """
    for place, group in groups.items():
        pair = pairs[place]
        count_a = len(group.a.seconds)
        count_b = len(group.b.seconds)
        if pair.a is None or pair.b is None or pair.running or count_a == count_b:
            continue
        nouns = _NOUNS.get(pair.visit.type, _NOUNS["Map"])
        text = _COUNTS.format(state=pair.title, a=plural(count_a, *nouns), b=count_b)
        position = Position(pair.a.id, Rank.AFTER)
        yield difference(
            position, "iterations", text, str(count_a), str(count_b), state=place
        )
