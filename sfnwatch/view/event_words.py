"""The words of events and attempts, the same on the screen and in exports.

Every string from AWS that becomes part of a line is cleaned here.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.reasons import cause_words
from sfnwatch.analysis.statuses import ended_words, status_words
from sfnwatch.model.arns import last_segment
from sfnwatch.model.attempt_events import belongs_to_attempt, phase_of
from sfnwatch.model.execution import Redrive
from sfnwatch.model.history_event import STATUS_BY_END, Details, HistoryEvent
from sfnwatch.model.task_resource import resource_of_event
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.model.values import int_of, text_of
from sfnwatch.model.visits import StateVisit
from sfnwatch.view.parts import STATUS_GLYPHS, Part, Role, counted, status_glyph

MINUTE_SECONDS = 60
_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SUFFIXES = {1: "st", 2: "nd", 3: "rd"}
_TEENS = range(11, 14)
LINE_CHARACTERS = 200
"""The most characters of a name or message on a line; the detail pane has it whole."""


def ordinal(number: int) -> str:
    """Return a number as `1st`, `2nd`, `12th`."""
    suffix = _SUFFIXES.get(number % 10, "th")
    if number % 100 in _TEENS:
        suffix = "th"
    return f"{number}{suffix}"


@lru_cache(maxsize=256)
def spaced(name: str) -> str:
    """Return a type of AWS's as words: `submit failed` for `SubmitFailed`.

    The result is cleaned, since a future type of AWS's may be any text.
    """
    words = _CAPITALS.sub(" ", name).lower().replace("map run", "Map Run")
    return clean(words, LINE_CHARACTERS)


def execution_parts(event: HistoryEvent, details: Details) -> Iterator[Part]:
    """Yield how an execution begins or ends, and its error."""
    ending = event.type.removeprefix("Execution")
    glyph = Part("◆", Role.NAME)
    if event.type in STATUS_BY_END:
        glyph = status_glyph(STATUS_BY_END[event.type])
    yield Part(f"{glyph.text} Execution {spaced(ending)}", glyph.role)
    yield from error_parts(details)


def redrive_parts(redrive: Redrive) -> Iterator[Part]:
    """Yield a redrive's number and its time: `12m 04s after it failed`."""
    yield Part(f"⟲ Redriven ({ordinal(redrive.number)} time)", Role.NAME)
    if redrive.seconds is not None and redrive.ended is not None:
        spent = duration(max(0.0, redrive.seconds))
        ended = ended_words(STATUS_BY_END[redrive.ended.type])
        yield Part(f", {spent} after it {ended}")


def state_name(visit: StateVisit) -> str:
    """Return a state's name with its branch or iteration: `[1] Build index`."""
    name = clean(visit.name, LINE_CHARACTERS)
    return name if visit.index is None else f"[{visit.index}] {name}"


def entered_parts(visit: StateVisit) -> Iterator[Part]:
    """Yield the name of an entered state, and what it runs, else its type."""
    yield Part(state_name(visit), Role.NAME)
    if visit.attempts:
        # Only Tasks have attempts, so the type need not be shown.
        yield Part(f"  {resource_words(visit.attempts[0])}", Role.CALL)
    else:
        yield Part(f"  {clean(visit.type)}", Role.DIM)


def items_part(details: Details) -> Iterator[Part]:
    """Yield the number of a Map's items, if its start event has it."""
    length = int_of(details.get("length"))
    if length is not None:
        yield Part(f"  {counted(length, 'item')}", Role.DIM)


def phase_parts(events: Sequence[HistoryEvent]) -> Iterator[Part]:
    """Yield the names of an attempt's phases that share a line."""
    phases = [spaced(phase_of(event.type)) for event in events]
    words = " · ".join(phases)
    status = phases[-1].replace(" ", "_")
    if status in STATUS_GLYPHS:
        words = f"{status_glyph(status).text} {words}"
    yield Part(words, _phase_role(events[-1].type))


def _phase_role(event_type: str) -> Role:
    if event_type.endswith("Succeeded"):
        return Role.GOOD
    if event_type.endswith(("Failed", "TimedOut")):
        return Role.BAD
    return Role.PLAIN


def try_parts(visit: StateVisit, number: int) -> Iterator[Part]:
    """Yield the number of the try that begins, unless it is the first."""
    if number > 1:
        yield Part(f"  try {number}", Role.WARN)
        if visit.is_redriven(number):
            yield Part("  redriven", Role.DIM)


def other_parts(event: HistoryEvent, details: Details) -> Iterator[Part]:
    """Yield the words of all other events."""
    if event.type.startswith("MapIteration") and event.iteration is not None:
        word = spaced(event.type.removeprefix("MapIteration"))
        if event.iteration_end is not None:
            word = status_words(event.iteration_end)
        yield Part(f"[{event.iteration}] {word}", _phase_role(event.type))
        return
    if belongs_to_attempt(event.type):
        yield from _unnamed_parts(event, details)
        return
    yield Part(spaced(event.type), _phase_role(event.type))
    if event.type == "MapStateStarted":
        yield from items_part(details)
    redrives = int_of(details.get("redriveCount"))
    if event.type == "MapRunRedriven" and redrives:
        yield Part(f"  ({ordinal(redrives)} time)", Role.DIM)
    if run := text_of(details.get("mapRunArn")):
        yield Part(f"  {clean(last_segment(run), LINE_CHARACTERS)}", Role.DIM)
    if event.type == "EvaluationFailed":
        yield from _evaluation_parts(event, details)
    yield from error_parts(details)


def _evaluation_parts(event: HistoryEvent, details: Details) -> Iterator[Part]:
    """Yield the field whose expression failed; its state too if that has no row."""
    state = text_of(details.get("state"))
    if state and not event.visit_id:
        yield Part(f"  {clean(state, LINE_CHARACTERS)}", Role.NAME)
    if location := text_of(details.get("location")):
        yield Part(f"  in {clean(location, LINE_CHARACTERS)}", Role.NAME)


def _unnamed_parts(event: HistoryEvent, details: Details) -> Iterator[Part]:
    """Yield the words of a task's event whose state the history does not name."""
    resource = resource_words(resource_of_event(event.type, details))
    yield Part(f"{resource}  ", Role.CALL)
    yield from phase_parts([event])
    yield Part("  in a state this history does not name", Role.DIM)
    yield from error_parts(details)


def error_parts(details: Details, between: Iterable[Part] = ()) -> Iterator[Part]:
    """Yield the error and the cause of an event, if it has them, with parts between.

    The cause is last, since it may be long.
    """
    error = text_of(details.get("error"))
    cause = text_of(details.get("cause"))
    if error:
        yield Part(f"  {clean(error, LINE_CHARACTERS)}", Role.BAD)
    yield from between
    if cause:
        yield Part(f"  {clean(cause_words(cause), LINE_CHARACTERS)}", Role.DIM)


def backoff_parts(visit: StateVisit, number: int) -> tuple[Part, ...]:
    """Return the length of the wait before a try, after the failed try before it."""
    wait = visit.backoff_before(number)
    if wait is None:
        return ()
    seconds = round((wait[1] - wait[0]).total_seconds())
    words = f"{seconds} s" if seconds < MINUTE_SECONDS else duration(seconds)
    return (Part(f"⟳ backing off {words}", Role.WARN),)
