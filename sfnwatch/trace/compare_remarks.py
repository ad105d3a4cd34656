"""What may explain a difference, and what could not be compared: a sentence each."""

from collections.abc import Callable, Iterator, Mapping

from sfnwatch.trace.arns import role_name
from sfnwatch.trace.compare_points import (
    Definitions,
    Gap,
    GapKind,
)
from sfnwatch.trace.compare_values import Comparison, Side
from sfnwatch.trace.compare_words import NAME, count_words, listed
from sfnwatch.trace.finding_words import times
from sfnwatch.trace.text import clean, duration


def remarks(
    comparison: Comparison, mask: Callable[[str], str] = lambda text: text
) -> tuple[str, ...]:
    """Say what may explain it, and what could not be compared."""
    sentences = [gap_sentence(comparison, gap) for gap in comparison.gaps]
    same = any(gap.kind is GapKind.SAME_EXECUTION for gap in comparison.gaps)
    if comparison.definitions is not None and not same:
        sentences.extend(definition_sentences(comparison.definitions))
    sentences.extend(map(redrive_sentence, (comparison.a, comparison.b)))
    sentences.append(role_sentence(comparison))
    if comparison.same_input is False:
        sentences.append("They were given different inputs.")
    return tuple(mask(sentence) for sentence in sentences if sentence)


# -- what could not be compared ------------------------------------------------------

_SENTENCES: Mapping[GapKind, str] = {
    GapKind.SAME_EXECUTION: "A and B are the same execution.",
    GapKind.NO_HISTORY: "No history of {who} is known, so its states can't be"
    " compared.",
    GapKind.PARTIAL_HISTORY: "{who}'s history lacks {events}, so some of it may be"
    " missing here.",
    GapKind.RUNNING: "{who} is still running: it is compared as far as it has come.",
    GapKind.NO_CALLS: "No API call of {who} is known, so calls are not compared.",
    GapKind.LATE_CALLS: "CloudTrail was complete only to {time} before {who}'s end:"
    " calls of it may be missing.",
    GapKind.SHARED_CALLS: "{calls} that might be {who}'s may be of other tries as well,"
    " and {are} not counted.",
    GapKind.NO_DEFINITION: "No definition of {who} is known, so definitions are not"
    " compared.",
}


def gap_sentence(comparison: Comparison, gap: Gap) -> str:
    """Say what could not be compared, and why."""
    if gap.kind is GapKind.OTHER_MACHINE:
        return _other_machine(comparison)
    return _SENTENCES[gap.kind].format(
        who=gap.which.upper() if gap.which is not None else "either",
        events=count_words(gap.count, "event"),
        calls=count_words(gap.count, "call"),
        are="is" if gap.count == 1 else "are",
        time=duration(gap.count),
    )


def _other_machine(comparison: Comparison) -> str:
    shared = sum(pair.both for pair in comparison.pairs)
    if not comparison.a.visits or not comparison.b.visits:
        return "They are of different state machines."
    if not shared:
        return "They are of different state machines, and have no state in common."
    words = "They are of different state machines, and are lined up by their states"
    if shared < len(comparison.pairs):
        words += (
            f": {shared:,} of {count_words(len(comparison.pairs), 'visit')} in both"
        )
    return f"{words}."


# -- redrives ------------------------------------------------------------------------


def redrive_sentence(side: Side) -> str:
    """Say that one was over in between: no state of it took that time."""
    if not side.redrives:
        return ""
    often = times(len(side.redrives))
    gaps = [redrive.seconds or 0.0 for redrive in side.redrives]
    spent = f"{duration(sum(gaps))} in all"
    if len(gaps) == 1:
        spent = f"{duration(gaps[0])} after it {side.redrives[0].ended_words}"
    return (
        f"{side.which.upper()} was redriven {often}, {spent}: that time is part of how"
        " long it took, and of no state."
    )


# -- definitions ---------------------------------------------------------------------


def definition_sentences(definitions: Definitions) -> Iterator[str]:
    """Say in which states the definitions differ."""
    if definitions.same:
        yield "Their definitions are the same."
        return
    for names, which in ((definitions.only_a, "A"), (definitions.only_b, "B")):
        if names:
            has = (
                "Only A's definition has" if which == "A" else "Only B's definition has"
            )
            yield f"{has} {listed(names)}."
    if definitions.changed:
        told = [f"{n} ({', '.join(fields)})" for n, fields in definitions.changed]
        yield f"The definitions differ in {listed(told)}."
    elif definitions.outside and not (definitions.only_a or definitions.only_b):
        yield "The definitions differ outside of their states."


def role_sentence(comparison: Comparison) -> str:
    """Say under which roles they ran, where those differ."""
    a, b = comparison.a.role_arn, comparison.b.role_arn
    if a is None or b is None or a == b:
        return ""
    names = [clean(role_name(arn) or arn, NAME) for arn in (a, b)]
    return f"A ran with the role {names[0]}, B with {names[1]}."
