"""The headline: in half a line what is most worth knowing."""

from collections.abc import Iterable, Iterator, Sequence

from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.headlines import denied_polls
from sfnwatch.analysis.reasons import cause_words
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.view.markers import MarkerKind
from sfnwatch.view.parts import Part, Role, counted

_ERROR_LENGTH = 60
"""Most characters of an error's name."""
_CAUSE_LENGTH = 120
"""Most characters of a failure's cause."""
_MOST_TOPICS = 2
"""Most things that the headline is about."""
AND = Part(" · ", Role.DIM)
"""Stands between two things in the headline."""


def headline(screen_state: ScreenState) -> tuple[Part, ...]:
    """Return in half a line what is most worth knowing, failures first."""
    by_kind: dict[str, list[Finding]] = {}
    for finding in screen_state.findings:
        by_kind.setdefault(finding.kind, []).append(finding)
    completions = by_kind.get("noticed", [])
    topics: list[list[Part]] = []
    topics += _failures(screen_state, by_kind.get("failed", ()))
    for finding in by_kind.get("denied-but-succeeded", ()):
        topics.append(_denied(screen_state, finding, completions))
    topics += _failed_children(by_kind.get("children", ()))
    topics += _caught(screen_state)
    topics += _redriven(screen_state)
    topics += _retried(by_kind.get("retries", ()))
    if not topics and completions:
        finding = completions[0]
        words = _completion_words(screen_state, finding)
        topics = [[*_name_before(screen_state, finding.execution_arn), Part(words)]]
    parts: list[Part] = []
    for topic in topics[:_MOST_TOPICS]:
        if parts:
            parts.append(AND)
        parts += topic
    return tuple(parts)


def _failures(
    screen_state: ScreenState, findings: Iterable[Finding]
) -> Iterator[list[Part]]:
    """Yield what failed, and why, of the first execution that failed.

    It is the headline of the finding; until that is found, the error and the cause.
    """
    headlines = {finding.execution_arn: finding.headline for finding in findings}
    for execution in screen_state.roots:
        if execution.ending is None:
            continue
        error, cause = screen_state.maker.failure(execution.ending)
        if error:
            headline = headlines.get(execution.arn)
            words = f"✘ {headline}" if headline else clean(error, _ERROR_LENGTH)
            reason = ""
            if cause:
                reason = f"  {clean(cause_words(cause), _CAUSE_LENGTH)}"
            yield [Part(words, Role.BAD), Part(reason)]
            return


def _denied(
    screen_state: ScreenState, finding: Finding, completions: Iterable[Finding]
) -> list[Part]:
    data = finding.data
    if "up_to" in data:
        words = f"up to {counted(data['up_to'], 'poll')} denied"
    else:
        words = denied_polls(data)
    ending = "it succeeded"
    completion = _completion_of_same_attempt(finding, completions)
    if completion is not None:
        ending = _completion_words(screen_state, completion)
    return [
        *_name_before(screen_state, finding.execution_arn),
        Part(words, Role.BAD),
        Part(f", yet {ending}"),
    ]


def _completion_of_same_attempt(
    finding: Finding, completions: Iterable[Finding]
) -> Finding | None:
    attempt_id = finding.data.get("attempt")
    for completion in completions:
        is_same_execution = completion.execution_arn == finding.execution_arn
        if is_same_execution and completion.data.get("attempt") == attempt_id:
            return completion
    return None


def _failed_children(findings: Sequence[Finding]) -> Iterator[list[Part]]:
    if not findings:
        return
    data = findings[0].data
    failed = data.get("failed", 0)
    if failed:
        words = f"{failed} of {data['total']} child executions failed"
        errors = _errors(findings[:1])
        yield [Part(words, Role.BAD), Part(f": {errors}" if errors else "")]


def _caught(screen_state: ScreenState) -> Iterator[list[Part]]:
    markers = screen_state.markers.by(screen_state.playback.clock)
    now = screen_state.now
    caught = [m for m in markers if m.kind is MarkerKind.CAUGHT and m.at <= now]
    if caught:
        state = caught[0].label.removesuffix(" caught")
        number = counted(len(caught), "error")
        yield [Part(f"{number} caught", Role.WARN), Part(f": {state}")]


def _redriven(screen_state: ScreenState) -> Iterator[list[Part]]:
    """Yield how long after which error an execution was last redriven."""
    for arn, execution in screen_state.snapshot.roots.items():
        redrives = execution.redrives
        if not redrives or redrives[-1].ended is None:
            continue
        ended = redrives[-1].ended
        event = redrives[-1].event
        error, _ = screen_state.maker.failure(ended)
        after = duration((event.at - ended.at).total_seconds())
        times = f" {len(redrives)} times, last" if len(redrives) > 1 else ""
        yield [
            *_name_before(screen_state, arn),
            Part(f"redriven{times} {after} after "),
            Part(clean(error or "it ended", _ERROR_LENGTH), Role.WARN),
        ]


def _retried(findings: Sequence[Finding]) -> Iterator[list[Part]]:
    if findings:
        retries = sum(each.data["tries"] - each.data["visits"] for each in findings)
        number = counted(retries, "retry", "retries")
        yield [Part(f"{number}: "), Part(_errors(findings), Role.WARN)]


def _errors(findings: Iterable[Finding]) -> str:
    """Return the names of the findings' errors, each once."""
    names: dict[str, str] = {}
    for finding in findings:
        for error in finding.data.get("errors", ()):
            names[error] = clean(error, _ERROR_LENGTH)
    return ", ".join(names.values())


def _completion_words(screen_state: ScreenState, finding: Finding) -> str:
    """Return how soon a completion was detected, and by what."""
    seconds = finding.data["seconds"]
    words = f"completion detected in {seconds:.1f} s"
    match finding.data.get("by"):
        case "event":
            return f"{words}, by event"
        case "poll" if _is_certain(screen_state, finding):
            return f"{words}, by poll"
        case "poll":
            return f"{words}, by poll or event"
        case _:
            # A finding about several states has a dict of counts here.
            return words


def _is_certain(screen_state: ScreenState, finding: Finding) -> bool:
    """True if a poll surely lies between the job's end and the try's end."""
    key = finding.execution_arn or "", finding.data.get("attempt") or 0
    attempt = screen_state.snapshot.attempt(key)
    if attempt is None:
        return False
    completion = screen_state.maker.completion(key, attempt)
    return completion is not None and completion.certain


def _name_before(screen_state: ScreenState, arn: str | None) -> list[Part]:
    """Return the execution's short name, if there are several executions."""
    chip = screen_state.chips().get(arn or "")
    return [Part(f"{chip.text.strip()}: ", Role.DIM)] if chip is not None else []
