"""The short notes beside a bar of a timeline chart: what it runs and how it went."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.model.integrations import CallRole, Pattern
from sfnwatch.model.texts import clean
from sfnwatch.model.values import text_of
from sfnwatch.model.visits import FAILED, StateVisit
from sfnwatch.view.parts import STATUS_GLYPHS, Part, Role, counted
from sfnwatch.view.task_text import task_text
from sfnwatch.view.timeline_bars import Bar, BarEnd, BarKind, Tick, visits_on
from sfnwatch.view.timeline_chart import TimelineChart

_NAME_CHARACTERS = 60
_FINE = frozenset({"running", "succeeded"})
_COMPLETION_ROLES = {"event": Role.EVENT, "poll": Role.POLL}


def bar_notes(chart: TimelineChart, bar: Bar) -> list[Part]:
    """Return the notes beside a bar: counts, errors, retries, polls, the end."""
    if bar.kind is BarKind.TASK:
        text = task_text(bar.states[-1])
        return [text.status, *text.brief]
    if bar.kind is BarKind.UNREAD:
        statuses = Counter(execution.status.lower() for execution in bar.listed)
        return list(_status_counts(statuses))
    notes = [*_inside_notes(bar), *_failure_note(chart, bar)]
    if not bar.open or not bar.is_container:
        notes += _run_notes(chart, bar)
    parts = notes[:1]
    for note in notes[1:]:
        parts.append(Part(f"  {note.text}", note.role))
    return parts


def state_words(bar: Bar) -> Iterator[Part]:
    """Yield what a state runs, or else its type."""
    if len(bar.visits) == 1 and bar.visits[0].attempts:
        yield Part(resource_words(bar.visits[0].attempts[0]), Role.CALL)
    elif bar.visit is not None:
        yield Part(clean(bar.visit.type, _NAME_CHARACTERS), Role.DIM)


def _inside_notes(bar: Bar) -> Iterator[Part]:
    """Yield the counts of branches, iterations, or a Map Run's executions."""
    counts = bar.counts
    if counts is not None:
        statuses = {"failed": counts.unsuccessful, "running": counts.running}
        yield from _status_counts(statuses)
        yield Part(f"✔ {counts.succeeded:,} of {counts.total:,}", Role.GOOD)
    elif bar.is_container and bar.inside:
        indexes = {inner.visits[0].index for inner in bar.inside if inner.visits}
        if bar.visits[0].type == "Parallel":
            words = counted(len(indexes), "branch", "branches")
        else:
            words = counted(len(indexes), "item", "items")
        yield Part(words, Role.DIM)
        inner_statuses = Counter(inner.status for inner in bar.inside)
        del inner_statuses["succeeded"]
        yield from _status_counts(inner_statuses)


def _failure_note(chart: TimelineChart, bar: Bar) -> Iterator[Part]:
    """Yield the error with which an execution ended, if it did not succeed."""
    ending = chart.snapshot.executions[bar.execution_arn].ending
    if bar.kind is not BarKind.EXECUTION or ending is None:
        return
    if bar.status != "succeeded":
        error = text_of(chart.snapshot.trace.details(ending).get("error"))
        yield Part(clean(error or bar.status, _NAME_CHARACTERS), Role.BAD)


def _run_notes(chart: TimelineChart, bar: Bar) -> Iterator[Part]:
    """Yield errors and retries, polls, and how Step Functions learned of the end."""
    visits = list(visits_on(bar))
    if bar.kind is not BarKind.EXECUTION:
        yield from _error_notes([visit for _, visit in visits])
    polls = [tick for tick in chart.ticks(bar) if tick.role is CallRole.POLL]
    if polls:
        yield _polls_note(polls)
    ends: list[BarEnd] = []
    for arn, visit in visits:
        ends += chart.ends_of(arn, visit)
    completions = [end.completion for end in ends if end.completion is not None]
    if len(completions) == 1 and not bar.is_container:
        (completion,) = completions
        role = _COMPLETION_ROLES.get(completion.by, Role.DIM)
        if completion.certain and completion.by in _COMPLETION_ROLES:
            words = f"◀ {completion.by}"
        else:
            words = "◁ learned"
        yield Part(f"{words} {completion.lag:.1f} s", role)
    if len(visits) == 1 and _does_not_wait(visits[0][1]):
        yield Part("did not wait", Role.DIM)


def _polls_note(polls: Sequence[Tick]) -> Part:
    denied = sum(tick.failed for tick in polls)
    words = counted(len(polls), "poll")
    if not all(tick.link.is_sure for tick in polls):
        words = f"up to {words}"
    if not denied:
        return Part(words, Role.DIM)
    if denied == len(polls):
        return Part(f"{words} denied", Role.BAD)
    return Part(f"{words}, {denied} denied", Role.BAD)


def _status_counts(counts: Mapping[str, int]) -> Iterator[Part]:
    """Yield how many have each status, the failures first."""
    for status in ("failed", "timed_out", "aborted", "caught", "running", "succeeded"):
        if counts.get(status):
            glyph = STATUS_GLYPHS[status]
            yield Part(f"{glyph.text} {counts[status]:,}", glyph.role)


def _error_notes(visits: Sequence[StateVisit]) -> Iterator[Part]:
    """Yield the errors by which states ended or were retried, each error once.

    For a single visit, also yield how many tries it had and if its error was caught.
    """
    failed_by = {_error_of(visit) for visit in visits if visit.status in FAILED}
    for error, count in Counter(map(_error_of, visits)).items():
        words: list[str] = []
        if error:
            words.append(f"{error} ×{count}" if count > 1 else error)
        if len(visits) == 1:
            (visit,) = visits
            tries = len(visit.attempts)
            if tries > 1:
                words.append(f"{tries} tries")
            if visit.status == "caught":
                words.append("caught")
        if words:
            role = Role.BAD if error in failed_by else Role.WARN
            yield Part(", ".join(words), role)


def _error_of(visit: StateVisit) -> str:
    """Return the error that a state ended with, else that of the first failed try."""
    errors = [attempt.error for attempt in visit.attempts if attempt.error]
    if visit.status in _FINE:
        error = errors[0] if errors else ""
    else:
        error = visit.error or (errors[-1] if errors else "")
    return clean(error, _NAME_CHARACTERS)


def _does_not_wait(visit: StateVisit) -> bool:
    """True for a state that started a job and ended without waiting for it."""
    if not visit.attempts or visit.ended_at is None:
        return False
    first = visit.attempts[0]
    if first.pattern in {Pattern.SYNC, Pattern.TASK_TOKEN}:
        return False
    return first.integration is not None and first.integration.starts_job
