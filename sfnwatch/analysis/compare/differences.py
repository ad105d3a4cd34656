"""At which points two executions did something else, and what nobody can tell.

Of one cause not every consequence is told: an attempt that failed makes another
outcome, and that another next state. So each state tells of what came first in it. What
was aborted comes after all that happened inside the same Map or Parallel: there lies
the reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from sfnwatch.analysis.case import grouped
from sfnwatch.analysis.compare.pairs import (
    AttemptPair,
    CallPair,
    CallTally,
    Comparison,
    ComparisonGap,
    DefinitionChanges,
    Difference,
    Side,
    VisitPair,
)
from sfnwatch.analysis.finding import Certainty, evidence
from sfnwatch.analysis.outcomes import Caught
from sfnwatch.analysis.phases import is_denial
from sfnwatch.analysis.wording import (
    ended_words,
    listed,
    named,
    plural,
    resource_words,
    spoken,
    times,
)
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.integrations import CallRole, Pattern
from sfnwatch.model.links import LinkRule
from sfnwatch.model.values import canonical, list_of, mapping_of, parse_object
from sfnwatch.model.visits import StateVisit

_BEFORE, _AT, _AFTER, _LAST = range(4)
_LATE_OR_MADE = frozenset({CallRole.POLL, CallRole.ACTION})
"""A poll too few is a matter of time. An action that is missing was made all the same,
or the attempt would have failed: CloudTrail has not told of it."""
_WAITING = frozenset({Pattern.SYNC, Pattern.TASK_TOKEN})


def find_differences(comparison: Comparison) -> list[Difference]:
    """Find every point at which the two did something else, in the order of A."""
    found = [
        *_in_states(comparison),
        *_in_order(comparison),
        *_iteration_counts(comparison),
        *_endings(comparison),
    ]
    return sorted(found, key=lambda difference: difference.at)


def _both(name: str, verb: str, a: str, b: str) -> str:
    return f"{name} {verb}{' ' if verb else ''}{a} in A and {b} in B."


# -- in a state that both went through -------------------------------------------------


def _in_states(comparison: Comparison) -> Iterator[Difference]:
    for pair in comparison.pairs:
        a, b = pair.a, pair.b
        if a is None or b is None:
            continue
        if a.type != b.type:
            types = (f"a {named(visit.type)} state" for visit in (a, b))
            text = _both(pair.title, "is", *types)
            yield Difference("type", (a.id, _AT), text, pair.place, a.type, b.type)
            continue
        resource = list(_other_resource(pair, a.id))
        yield from resource
        if comparison.calls_compared and not resource:
            yield from _other_calls(pair)
        attempt = list(_other_attempt(pair, a, b))
        yield from attempt
        if not attempt and not pair.running:
            yield from _other_outcome(comparison, pair, a, b)


def _other_resource(pair: VisitPair, event_id: int) -> Iterator[Difference]:
    first = [case.attempt for each in pair.attempts[:1] for case in each.cases if case]
    names = [resource_words(attempt) for attempt in first]
    if len(set(names)) > 1:
        a, b = names
        text, row = _both(pair.title, "runs", a, b), first[0].integration
        waits = [attempt.pattern in _WAITING for attempt in first]
        if row is not None and row.starts_job and waits[0] != waits[1]:
            who = "A" if waits[0] else "B"
            text = f"{text[:-1]}: only {who} waits for the {row.job_word} to finish."
        at = event_id, _AT
        yield Difference("resource", at, text, pair.place, a, b, attempt=1)


def _other_attempt(
    pair: VisitPair, a: StateVisit, b: StateVisit
) -> Iterator[Difference]:
    """Find the first attempt that ended otherwise, or that only one side made."""
    for each in pair.attempts:
        if each.a is None or each.b is None:
            # Unless it may yet come.
            if not (a if each.a is None else b).running:
                in_a, in_b = len(a.attempts), len(b.attempts)
                text = _both(pair.title, "was tried", times(in_a), times(in_b))
                at = _end(a), _AT
                yield Difference("try", at, text, pair.place, str(in_a), str(in_b))
            return
        one, other = each.a.attempt, each.b.attempt
        alike = one.status == other.status or each.number == 1
        last = each is pair.attempts[-1]
        if "running" in {one.status, other.status} or (last and alike):
            return  # the latter is told of the state
        ends = [(attempt.status, attempt.error) for attempt in (one, other)]
        name, at = f"Attempt {each.number} of {pair.title}", (one.event_ids[-1], _AT)
        where: dict[str, Any] = {"state": pair.place, "attempt": each.number}
        found = list(_other_end("try", name, at, ends, **where))
        yield from found
        if found:
            return


def _other_outcome(
    comparison: Comparison, pair: VisitPair, a: StateVisit, b: StateVisit
) -> Iterator[Difference]:
    at = _end(a), _AFTER
    around = comparison.pairs[pair.parent].a if pair.parent is not None else None
    if a.status != b.status and "aborted" in {a.status, b.status} and around:
        at = _end(around), _BEFORE
    ends = [(visit.status, error_of(visit)) for visit in (a, b)]
    sides = zip((a, b), comparison.sides, strict=True)
    caught = [side.caught.get(visit.id) for visit, side in sides]
    yield from _other_end("outcome", pair.title, at, ends, caught, state=pair.place)


def _other_end(
    kind: str,
    name: str,
    at: tuple[int, int],
    ends: Sequence[tuple[str, str | None]],
    caught: Sequence[Caught | None] = (None, None),
    **more: Any,
) -> Iterator[Difference]:
    """Compare how two things ended: by their status, else by their errors."""
    (a, error_a), (b, error_b) = ends
    if a != b:
        in_a, in_b = map(_ended, ends, caught)
        text = _both(name, "", in_a, in_b)
        if kind == "status":
            text = f"A {in_a} and B {in_b}."
        yield Difference(kind, at, text, a=a, b=b, **more)
    elif a != "succeeded" and error_a != error_b:
        errors = (named(e) if e else "no error named" for e in (error_a, error_b))
        text = _both(name, "failed", *(f"with {error}" for error in errors))
        yield Difference("error", at, text, a=error_a, b=error_b, **more)


def error_of(visit: StateVisit) -> str | None:
    """Give the error a state failed with, its own or its last attempt's."""
    return visit.error or (visit.attempts[-1].error if visit.attempts else None)


def _end(visit: StateVisit) -> int:
    return max(visit.event_ids, default=visit.id)


def _ended(end: tuple[str, str | None], caught: Caught | None) -> str:
    """Say how something ended, and of a caught error which state went on."""
    status, error = end
    reason = f" with {named(error)}" if error and status != "succeeded" else ""
    words = f"{ended_words(status)}{reason}"
    if caught is None:
        return words
    then = f"; {named(caught.next_state)} was next" if caught.next_state else ""
    return f"{words} (caught{then})"


# -- in its calls ----------------------------------------------------------------------


def _other_calls(pair: VisitPair) -> Iterator[Difference]:
    for each in pair.attempts:
        for call in each.calls if each.a and each.b else ():
            denied = codes_of(call.a) != codes_of(call.b)
            lone = call.a is None or call.b is None
            if denied or (lone and call.role not in _LATE_OR_MADE):
                kind = "denied" if denied else "call"
                yield _other_call(kind, pair, each, call)


def codes_of(tally: CallTally | None) -> frozenset[str]:
    """Name what like calls were refused with."""
    return frozenset(tally.error_codes) if tally is not None else frozenset()


def _other_call(
    kind: str, pair: VisitPair, attempt: AttemptPair, call: CallPair
) -> Difference:
    cases = [case for case in attempt.cases if case is not None]
    polling, name = call.role is CallRole.POLL, call.event_name
    what = f"{named(name)} {'poll' if polling else 'call'}"
    tallies = [("A", call.a), ("B", call.b)]
    so_far = [" so far" if polling and not case.complete else "" for case in cases]
    told = [_calls(letter, tally, what) for letter, tally in tallies]
    unsure = any(so_far) or any(not tally or tally.guessed for _, tally in tallies)
    number = f" (attempt {attempt.number})" if len(pair.attempts) > 1 else ""
    text = f"For {pair.title}{number}, {told[0]}{so_far[0]}; {told[1]}{so_far[1]}."
    if polling and {v and v.status for v in (pair.a, pair.b)} == {"succeeded"}:
        # An event tells of the end as well: the refusals did no harm.
        text += " The state still succeeded in both."
    at = cases[0].attempt.event_ids[-1], _BEFORE
    if call.role is CallRole.ACTION:
        at = cases[0].attempt.scheduled_id, _AFTER
    every = (each for case in cases for each in case.calls.every)
    ids = (each.event_id for each in every if each.event_name == name)
    where = pair.place, name, name, attempt.number, call
    sure, proofs = Certainty.of(fact=not unsure), evidence(ids)
    return Difference(kind, at, text, *where, certainty=sure, evidence=proofs)


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
    how = denied if all(map(is_denial, tally.error_codes)) else "failed"
    return f"{many} of {letter} {how} with {codes}"


# -- in what followed ------------------------------------------------------------------


def _in_order(comparison: Comparison) -> Iterator[Difference]:
    """Compare what follows on each other in each branch or iteration of both."""
    levels = grouped(comparison.pairs, lambda pair: (pair.parent, pair.visit.index))
    for level in levels.values():
        in_a = [pair for pair in level if pair.a]
        of_b = {pair.b.id: pair for pair in level if pair.b}
        in_b = [of_b[number] for number in sorted(of_b)]
        if in_a and in_b and in_a[0] is not in_b[0]:
            yield _first_state(comparison, in_a[0], in_b[0])
        after_b = {pair.place: after for pair, after in zip_longest(in_b, in_b[1:])}
        for pair, next_a in zip_longest(in_a, in_a[1:]):
            if pair.both and next_a is not after_b[pair.place]:
                yield from _next_state(comparison, pair, next_a, after_b[pair.place])


def _first_state(comparison: Comparison, a: VisitPair, b: VisitPair) -> Difference:
    visit_a, visit_b, index = a.a or a.visit, b.b or b.visit, a.visit.index
    number, where = f"[{index}]" if index is not None else "", ""
    if a.parent is not None:
        where = f"In {comparison.pairs[a.parent].title}{number}, "
    names = visit_a.name, visit_b.name
    text = f"{where}A started with {named(names[0])} and B with {named(names[1])}."
    at = visit_a.id, _BEFORE
    return Difference("first-state", at, text, a.parent, *names, index=index)


def _next_state(
    comparison: Comparison,
    pair: VisitPair,
    next_a: VisitPair | None,
    next_b: VisitPair | None,
) -> Iterator[Difference]:
    if not pair.a or not pair.b or pair.moved or pair.a.status != pair.b.status:
        return  # another end explains what followed
    around: list[StateVisit | ExecutionAsOf | None]
    around = [side.execution for side in comparison.sides]
    if pair.parent is not None:
        around = [comparison.pairs[pair.parent].a, comparison.pairs[pair.parent].b]
    visits = [next_a.a if next_a else None, next_b.b if next_b else None]
    for outer, visit in zip(around, visits, strict=True):
        if outer and outer.running and not visit:
            return  # it may yet go on
    names = [visit.name if visit else None for visit in visits]
    ends = [f"went on to {named(n)}" if n else "went no further" for n in names]
    text, at = f"After {pair.title}, A {ends[0]} and B {ends[1]}.", _end(pair.a)
    yield Difference("next-state", (at, _LAST), text, pair.place, names[0], names[1])


def _iteration_counts(comparison: Comparison) -> Iterator[Difference]:
    for place, group in comparison.groups.items():
        pair = comparison.pairs[place]
        a, b = len(group.a.seconds), len(group.b.seconds)
        if pair.a is not None and pair.b is not None and a != b and not pair.running:
            thing = ("iteration", "iterations")
            if pair.visit.type == "Parallel":
                thing = ("branch", "branches")
            text = _both(pair.title, "had", plural(a, *thing), f"{b:,}")
            at = pair.a.id, _AFTER
            yield Difference("iterations", at, text, place, str(a), str(b))


def _endings(comparison: Comparison) -> Iterator[Difference]:
    ends = [(side.execution.status.lower(), side.error) for side in comparison.sides]
    at = comparison.a.execution.event_count + 1, _LAST
    if not comparison.running:
        yield from _other_end("status", "The execution", at, ends)


# -- what could not be compared --------------------------------------------------------


def find_gaps(comparison: Comparison) -> Iterator[ComparisonGap]:
    """Yield what could not be compared, what matters most first."""
    a, b = comparison.sides
    if a.is_same(b):
        yield ComparisonGap("same-execution", "A and B are the same execution.")
    elif a.execution.state_machine_arn != b.execution.state_machine_arn:
        text = "They ran different state machines; visits are matched by state name."
        yield ComparisonGap("other-machine", text)
    for side in (a, b):
        yield from _gaps_of_history(side)
    text = "No API call is matched to {}, so calls and polling are not compared."
    yield from _lacking("no-calls", text, [x for x in (a, b) if x.lacks_calls])
    for side in (a, b):
        yield from _gaps_of_calls(side)
    text = "The definition of {} is not loaded, so definitions are not compared."
    lacking = [side for side in (a, b) if side.execution.defined is None]
    yield from _lacking("no-definition", text, lacking)


def _lacking(kind: str, text: str, sides: Sequence[Side]) -> Iterator[ComparisonGap]:
    if sides:
        who = " or ".join(side.letter for side in sides)
        one = sides[0].letter.lower() if len(sides) == 1 else None
        yield ComparisonGap(kind, text.format(who), one)


def _gaps_of_history(side: Side) -> Iterator[ComparisonGap]:
    events, who, key = side.execution.events, side.letter, side.letter.lower()
    if not events:
        text = f"The history of {who} is not loaded, so its states can't be compared."
        yield ComparisonGap("no-history", text, key)
        return
    # Ids are given without a gap, from 1.
    missing = events[-1].id - len(events)
    if missing > 0:
        lacks = f"The history of {who} lacks {plural(missing, 'event')}"
        text = f"{lacks}, so parts of it may be missing here."
        yield ComparisonGap("partial-history", text, key, missing)
    if side.execution.running:
        text = f"{who} is still running, so it is compared as far as it has come."
        yield ComparisonGap("running", text, key)


def _gaps_of_calls(side: Side) -> Iterator[ComparisonGap]:
    """Tell of calls that may be missing, or be another's.

    How far calls are complete is measured live; of files nobody knows.
    """
    who, key, moment = side.letter, side.letter.lower(), side.moment
    stopped, complete = side.execution.stopped_at, side.complete_to
    if stopped and complete and complete < stopped and side.calls.sure:
        late = (stopped - complete).total_seconds()
        until = f"only up to {spoken(late)} before the end of {who} (estimate)"
        text = f"CloudTrail was complete {until}: later calls may be missing."
        if side.expects_calls:
            yield ComparisonGap("late-calls", text, key, round(late))
    links = filter(None, map(moment.link, moment.calls))
    tied = (link.candidates for link in links if link.rule is LinkRule.AMBIGUOUS)
    # Those that fit several attempts, one of its own among them.
    count = sum(any(side.execution.arn == arn for arn, _ in each) for each in tied)
    if count:
        text = f"{plural(count, 'call')} that may belong to {who}"
        text += f" {'is' if count == 1 else 'are'} ambiguous, and not counted."
        yield ComparisonGap("shared-calls", text, key, count)


# -- definitions -----------------------------------------------------------------------


def compare_definitions(a: ExecutionAsOf, b: ExecutionAsOf) -> DefinitionChanges | None:
    """Compare what two executions were defined by; None where one is not known.

    A state's name is its own within a whole machine, so states are compared by name,
    those of branches and iterations too; what only stands inside of another state is
    compared as itself, not as a part of that.
    """
    machines = _machine(a), _machine(b)
    if not all(machines):
        return None
    in_a, in_b = (dict(_states(machine)) for machine in machines)
    changed = {
        name: sorted(k for k in {*own, *in_b[name]} if own.get(k) != in_b[name].get(k))
        for name, own in in_a.items()
        if in_b.get(name, own) != own
    }
    outside = _outside(machines[0]) != _outside(machines[1])
    return DefinitionChanges(
        same=in_a == in_b and not outside,
        only_a=[name for name in in_a if name not in in_b],
        only_b=[name for name in in_b if name not in in_a],
        changed=changed,
        outside=outside,
    )


def state_names(execution: ExecutionAsOf) -> frozenset[str]:
    """Name every state that a machine is known to have."""
    defined = (name for name, _ in _states(_machine(execution)))
    return frozenset((*defined, *(visit.name for visit in execution.visits)))


def _machine(execution: ExecutionAsOf) -> Mapping[str, Any]:
    return parse_object(execution.definition_text or "")


def _outside(machine: Mapping[str, Any]) -> str:
    """Write what is in no state; a comment is for people."""
    return canonical({k: machine[k] for k in machine.keys() - {"States", "Comment"}})


def _states(machine: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield every state's name and its fields, without the states inside."""
    machines = [machine]
    while machines:
        for name, value in mapping_of(machines.pop().get("States")).items():
            state = dict(mapping_of(value))
            inner = [mapping_of(branch) for branch in list_of(state.get("Branches"))]
            if inner:
                state["Branches"] = [_outside(branch) for branch in inner]
            for key in ("ItemProcessor", "Iterator"):
                if key in state:
                    inner.append(mapping_of(state[key]))
                    state[key] = _outside(inner[-1])
            state.pop("Comment", None)
            machines.extend(reversed(inner))
            yield name, {key: canonical(field) for key, field in state.items()}
