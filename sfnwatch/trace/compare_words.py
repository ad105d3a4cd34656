"""What differs at a point, what a Map's iterations come to: one sentence each.

This is the boundary: what AWS wrote is cleaned here. The two executions are called A
and B; which is which stands above whatever a sentence is in.
"""

from collections.abc import Iterator, Sequence

from sfnwatch.trace.compare_points import (
    CallPair,
    CallTally,
    Difference,
    Sort,
)
from sfnwatch.trace.compare_values import (
    Comparison,
    Group,
    Iteration,
    Pair,
    Side,
)
from sfnwatch.trace.integrations import CallRole, Pattern
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.visits import ROOT, StateVisit
from sfnwatch.trace.words import STATUS_GLYPHS, Tone

NAME = 100
"""No name that AWS allows is longer, so that a mask finds it whole."""
_LISTED = 4
"""So many names are told; of more only how many there are."""
_TENTH = 0.1
_TIMES = {1: "once", 2: "twice"}
_ORDINALS = {1: "first", 2: "second", 3: "third"}


def side_title(side: Side) -> str:
    """Name an execution with its machine: `nightly-report › run-7f3a`."""
    machine = clean(side.state_machine_name or "", NAME)
    name = clean(side.name, NAME)
    return f"{machine} › {name}" if machine else name


def pair_title(pair: Pair) -> str:
    """Name a state by its path, and which turn of it this is, if not the first.

    Where it has another name in B, that too: the path is A's.
    """
    title = clean(pair.path.removeprefix(f"{ROOT} / "), 4 * NAME)
    if pair.b is not None and pair.renamed:
        title += f" ({clean(pair.b.name, NAME)} in B)"
    return f"{title} ({_nth(pair.occurrence)} time)" if pair.occurrence > 1 else title


def pair_label(pair: Pair) -> str:
    """Name a state where it stands below what it runs in: `[3] Work`."""
    index = f"{_bracketed(pair.index)} " if pair.index is not None else ""
    renamed = ""
    if pair.b is not None and pair.renamed:
        renamed = f" / {clean(pair.b.name, NAME)}"
    turn = f" ({_nth(pair.occurrence)} time)" if pair.occurrence > 1 else ""
    return f"{index}{clean(pair.name, NAME)}{renamed}{turn}"


def pair_mark(pair: Pair, *, differs: bool) -> str:
    """Give a sign for who has it: A or B alone, both with a difference, or alike."""
    if not pair.both:
        return "A" if pair.a is not None else "B"
    return "≠" if differs else "↕" if pair.moved else " "


def more_words(seconds: float) -> str:
    """Write how much more or less: `+1m 18s`, `-0.42 s`."""
    return f"{'-' if seconds < 0 else '+'}{duration(abs(seconds))}"


def ratio_words(ratio: float | None) -> str:
    """Write how many times as long: `×1.26`, `×48`; or what part of it: `÷286`."""
    if not ratio:
        return ""
    if ratio < _TENTH:
        return f"÷{1 / ratio:.0f}"
    return f"×{ratio:.2f}" if ratio < 1 / _TENTH else f"×{ratio:.0f}"


def status_word(status: str | None) -> str:
    """Say a status as people do; one of AWS's future is taken as it is."""
    return clean((status or "unknown").lower().replace("_", " "), NAME)


def status_tone(status: str | None) -> tuple[str, Tone]:
    return STATUS_GLYPHS.get((status or "").lower(), STATUS_GLYPHS["unknown"])


# -- differences ---------------------------------------------------------------------


def difference_sentence(comparison: Comparison, difference: Difference) -> str:
    """Say in one sentence what the two did at a point."""
    pair = None
    if difference.place is not None:
        pair = comparison.pairs[difference.place]
    name = pair_title(pair) if pair is not None else ""
    a, b = _said(difference.a), _said(difference.b)
    match difference.sort:
        case Sort.FIRST_STATE:
            where = f"In {name}{_bracketed(difference.index)}, " if pair else ""
            return f"{where}A began with {a}, and B with {b}."
        case Sort.NEXT_STATE:
            return f"After {name}, {_went_on(difference)}."
        case Sort.TYPE:
            return f"{name} is a {a} state in A, and a {b} state in B."
        case Sort.RESOURCE:
            runs = f"{name} runs {a} in A, and {b} in B"
            return f"{runs}{_waits(pair)}."
        case Sort.ITERATIONS:
            thing = _inner_thing(pair)
            return f"{name} had {_counted(a, thing)} in A, and {b} in B."
        case Sort.DENIED | Sort.CALL:
            return _call_sentence(difference, pair, name)
    return _outcome_sentence(difference, pair, name)


def _inner_thing(pair: Pair | None) -> tuple[str, str]:
    if pair is not None and pair.visit.type == "Parallel":
        return "branch", "branches"
    return "iteration", "iterations"


def _counted(number: str, thing: tuple[str, str]) -> str:
    return f"{number} {thing[0] if number == '1' else thing[1]}"


def _outcome_sentence(difference: Difference, pair: Pair | None, name: str) -> str:
    a, b = difference.a, difference.b
    match difference.sort:
        case Sort.TRY if difference.number is None:
            return f"{name} was tried {_times(a)} in A, and {_times(b)} in B."
        case Sort.TRY:
            nth = f"The {_nth(difference.number or 1)} try of {name}"
            ends = _ends(a, b, *_try_errors(difference, pair))
            return f"{nth} {ends}."
        case Sort.ERROR:
            who = "The execution" if pair is None else name
            if difference.number is not None:
                who = f"The {_nth(difference.number)} try of {name}"
            return f"{who} failed in A with {_said(a)}, and in B with {_said(b)}."
        case Sort.STATUS:
            return f"A {_ended(a)}, and B {_ended(b)}."
    return f"{name} {_ends(a, b, *_errors(pair))}."


def _ends(
    a: str | None, b: str | None, error_a: str | None, error_b: str | None
) -> str:
    in_a = f", with {clean(error_a, NAME)}," if error_a else ""
    in_b = f", with {clean(error_b, NAME)}" if error_b else ""
    comma = "" if in_a else ","
    return f"{_ended(a)} in A{in_a}{comma} and {_ended(b)} in B{in_b}"


def _errors(pair: Pair | None) -> tuple[str | None, str | None]:
    if pair is None:
        return None, None
    return _error(pair.a), _error(pair.b)


def _error(visit: StateVisit | None) -> str | None:
    if visit is None or visit.status == "succeeded":
        return None
    return visit.error or (visit.attempts[-1].error if visit.attempts else None)


def _try_errors(
    difference: Difference, pair: Pair | None
) -> tuple[str | None, str | None]:
    if pair is None or difference.number is None:
        return None, None
    tried = pair.tries[difference.number - 1]
    in_a = tried.a.error if tried.a is not None else None
    return in_a, tried.b.error if tried.b is not None else None


_WAITING = frozenset({Pattern.SYNC, Pattern.TASK_TOKEN})
_ENDED = {
    "succeeded": "succeeded",
    "failed": "failed",
    "caught": "failed and was caught",
    "aborted": "was aborted",
    "timed_out": "timed out",
    "running": "is still running",
}


def _ended(status: str | None) -> str:
    return _ENDED.get(status or "", f"ended as {status_word(status)}")


def _went_on(difference: Difference) -> str:
    a, b = difference.a, difference.b
    if a is None:
        return f"A went no further, and B went on to {_said(b)}"
    if b is None:
        return f"A went on to {_said(a)}, and B went no further"
    return f"A went on to {_said(a)}, and B to {_said(b)}"


def _call_sentence(difference: Difference, pair: Pair | None, name: str) -> str:
    call = difference.call
    if call is None:
        return ""
    which = f" (try {difference.number})" if pair and len(pair.tries) > 1 else ""
    if difference.sort is Sort.CALL:
        made, other = ("A", "B") if call.a is not None else ("B", "A")
        tally = call.a or call.b
        calls = count_words(tally.count if tally else 0, "call")
        what = clean(call.name, NAME)
        return f"{made} made {calls} of {what} for {name}{which}, and {other} none."
    thing = {CallRole.POLL: "poll"}.get(call.role, "call")
    what = clean(call.name, NAME)
    refused = [
        _refused(letter, tally, thing, what)
        for letter, tally in (("A", call.a), ("B", call.b))
        if tally is not None and tally.failed
    ]
    rest = _answered(call)
    harmless = _all_the_same(call, pair)
    return f"For {name}{which}, {' and '.join(refused)}{rest}{harmless}."


def _refused(letter: str, tally: CallTally, thing: str, what: str) -> str:
    if tally.failed == tally.count:
        many = f"all {tally.count} {thing}s" if tally.count > 1 else f"the {thing}"
    else:
        many = f"{tally.failed} of {tally.count} {thing}s"
    were = "were" if tally.failed > 1 else "was"
    codes = " and ".join(clean(code, NAME) for code, _ in tally.errors[:2])
    return f"{many} ({what}) of {letter} {were} refused with {codes}"


def _answered(call: CallPair) -> str:
    """Say how it was on the side where nothing was refused."""
    for letter, tally in (("A", call.a), ("B", call.b)):
        if tally is None:
            return f"; {letter} made none"
        if not tally.failed:
            many = f" {tally.count} were" if tally.count > 1 else " was"
            return f"; {letter}'s{many} answered"
    return ""


def _all_the_same(call: CallPair, pair: Pair | None) -> str:
    """Say that a refused poll did no harm: an event tells of the end as well."""
    both = pair is not None and pair.a is not None and pair.b is not None
    if not both or pair is None or call.role is not CallRole.POLL:
        return ""
    well = {visit.status for visit in (pair.a, pair.b) if visit} == {"succeeded"}
    return ". The state succeeded all the same" if well else ""


def _waits(pair: Pair | None) -> str:
    """Say which of two integrations waits for the job that they start."""
    tried = pair.tries[0] if pair is not None and pair.tries else None
    if tried is None or tried.a is None or tried.b is None:
        return ""
    waits = [tried.a.pattern in _WAITING, tried.b.pattern in _WAITING]
    row = tried.a.integration
    if waits[0] == waits[1] or row is None or not row.starts_job:
        return ""
    return f": only {'A' if waits[0] else 'B'} waits until the {row.job_word} is over"


# -- iterations ----------------------------------------------------------------------


def group_clauses(group: Group, differing: int) -> tuple[str, ...]:
    """Sum up iterations, what matters most first: how many, how long, which changed."""
    return tuple(_group_clauses(group, differing))


def _group_clauses(group: Group, differing: int) -> Iterator[str]:
    a, b = group.a, group.b
    counts = [s.count if s is not None else 0 for s in (a, b)]
    if counts[0] == counts[1]:
        yield f"{counts[0]:,} each"
    else:
        yield f"{counts[0]:,} in A, {counts[1]:,} in B"
    if differing:
        yield f"{differing:,} differ{'s' if differing == 1 else ''}"
    spreads = [(letter, s) for letter, s in (("A", a), ("B", b)) if s is not None]
    yield f"median {', '.join(f'{x} {duration(s.median)}' for x, s in spreads)}"
    for word, iteration in (("slowed", group.slower), ("sped up", group.faster)):
        if iteration is not None:
            index = _bracketed(iteration.index)
            yield f"{word} most: {index} {_from_to(iteration)}"
    if max(counts) > 1:
        ends = (f"{x} {duration(s.least)} to {duration(s.most)}" for x, s in spreads)
        yield f"from {', '.join(ends)}"
    for letter, statuses in (("A", group.statuses_a), ("B", group.statuses_b)):
        odd = {s: n for s, n in statuses.items() if s != "succeeded"}
        if odd:
            told = ", ".join(f"{n:,} {status_word(s)}" for s, n in odd.items())
            yield f"{told} in {letter}"


def _from_to(iteration: Iteration) -> str:
    a, b = iteration.seconds.a or 0.0, iteration.seconds.b or 0.0
    return f"{duration(a)} → {duration(b)}"


# -- small words ---------------------------------------------------------------------


def listed(names: Sequence[str]) -> str:
    """List names as people do; of many only the first."""
    shown = [clean(name, NAME) for name in names[:_LISTED]]
    if len(names) > _LISTED:
        shown = [*shown[:-1], f"{len(names) - _LISTED + 1} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if shown[1:] else shown)


def count_words(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _times(number: str | None) -> str:
    count = int(number or 0)
    return _TIMES.get(count, f"{count} times") if count else "not at all"


def _nth(number: int) -> str:
    if number in _ORDINALS:
        return _ORDINALS[number]
    last = number % 10 if number % 100 // 10 != 1 else 0
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"


def _said(text: str | None) -> str:
    return clean(text, NAME) if text else "none"


def _bracketed(index: int | None) -> str:
    return "" if index is None else f"[{index}]"
