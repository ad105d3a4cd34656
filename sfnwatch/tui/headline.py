"""The headline: in half a line what is most worth knowing."""

from collections.abc import Iterable, Iterator, Sequence

from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.reasons import cause_words
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.view.markers import MarkerKind
from sfnwatch.view.parts import Part, Role, counted

_ERROR = 60
_AND = Part(" · ", Role.DIM)
"""Stands between two things in the headline."""


def headline(screen_state: ScreenState) -> tuple[Part, ...]:
    """Return in half a line what is most worth knowing, failures first."""
    by_kind: dict[str, list[Finding]] = {}
    for finding in screen_state.findings:
        by_kind.setdefault(finding.kind, []).append(finding)
    learned = by_kind.get("noticed", [])
    told = [
        *_failures(screen_state),
        *(
            _denied(screen_state, f, learned)
            for f in by_kind.get("denied-but-succeeded", ())
        ),
        *_failed_children(by_kind.get("children", ())),
        *_caught(screen_state),
        *_redriven(screen_state),
        *_retried(by_kind.get("retries", ())),
    ][:2]
    if not told and learned:
        whose = _whose(screen_state, learned[0].execution_arn)
        told = [[*whose, Part(_learned_words(screen_state, learned[0]))]]
    first, *others = told or [[]]
    return (*first, *(part for each in others for part in (_AND, *each)))


def _failures(screen_state: ScreenState) -> Iterator[list[Part]]:
    """Yield the error and cause of the first execution that failed."""
    endings = [each.ending for each in screen_state.roots if each.ending is not None]
    for error, cause in map(screen_state.maker.failure, endings):
        if error:
            words = f"  {clean(cause_words(cause), _ERROR * 2)}" if cause else ""
            yield [Part(clean(error, _ERROR), Role.BAD), Part(words)]
            return


def _denied(
    screen_state: ScreenState, finding: Finding, learned: Iterable[Finding]
) -> list[Part]:
    data = finding.data
    arn = finding.execution_arn
    own = arn, data.get("attempt")
    ends = (f for f in learned if (f.execution_arn, f.data.get("attempt")) == own)
    end = next(ends, None)
    words = f"{data['count']} of {data['polls']} polls denied"
    if "up_to" in data:
        words = f"up to {counted(data['up_to'], 'poll')} denied"
    return [
        *_whose(screen_state, arn),
        Part(words, Role.BAD),
        Part(f", yet {_learned_words(screen_state, end) if end else 'it succeeded'}"),
    ]


def _failed_children(findings: Sequence[Finding]) -> Iterator[list[Part]]:
    for finding in findings[:1]:
        failed = finding.data.get("failed", 0)
        if failed:
            words = f"{failed} of {finding.data['total']} child executions failed"
            errors = _errors(finding)
            yield [Part(words, Role.BAD), Part(f": {errors}" if errors else "")]


def _caught(screen_state: ScreenState) -> Iterator[list[Part]]:
    markers = screen_state.markers.by(screen_state.playback.clock)
    found = [
        m for m in markers if m.kind is MarkerKind.CAUGHT and m.at <= screen_state.now
    ]
    if found:
        state = found[0].label.removesuffix(" caught")
        number = counted(len(found), "error")
        yield [Part(f"{number} caught", Role.WARN), Part(f": {state}")]


def _redriven(screen_state: ScreenState) -> Iterator[list[Part]]:
    """Yield how long after which error an execution was last redriven."""
    for arn, execution in screen_state.snapshot.roots.items():
        redrives = execution.redrives
        if redrives and redrives[-1].ended is not None:
            ended = redrives[-1].ended
            event = redrives[-1].event
            error, _ = screen_state.maker.failure(ended)
            after = duration((event.at - ended.at).total_seconds())
            times = f" {len(redrives)} times, last" if len(redrives) > 1 else ""
            yield [
                *_whose(screen_state, arn),
                Part(f"redriven{times} {after} after "),
                Part(clean(error or "it ended", _ERROR), Role.WARN),
            ]


def _retried(findings: Sequence[Finding]) -> Iterator[list[Part]]:
    if findings:
        again = sum(each.data["tries"] - each.data["visits"] for each in findings)
        number = counted(again, "retry", "retries")
        yield [Part(f"{number}: "), Part(_errors(*findings), Role.WARN)]


def _errors(*findings: Finding) -> str:
    told = (error for each in findings for error in each.data.get("errors", ()))
    return ", ".join(clean(error, _ERROR) for error in dict.fromkeys(told))


def _learned_words(screen_state: ScreenState, finding: Finding) -> str:
    by = finding.data.get("by")
    seconds = finding.data["seconds"]
    # A finding about several states has a dict of counts here.
    how = f", by {by}" if isinstance(by, str) and by in {"event", "poll"} else ""
    if by == "poll" and not _is_certain(screen_state, finding):
        how = ", by poll or event"
    return f"completion detected in {seconds:.1f} s{how}"


def _is_certain(screen_state: ScreenState, finding: Finding) -> bool:
    """True if a poll surely lies between the job's end and the try's end."""
    key = finding.execution_arn or "", finding.data.get("attempt") or 0
    attempt = screen_state.snapshot.attempt(key)
    told = screen_state.maker.completion(key, attempt) if attempt is not None else None
    return told is not None and told.certain


def _whose(screen_state: ScreenState, arn: str | None) -> list[Part]:
    """Return the execution's short name, if there are several executions."""
    own = screen_state.chips().get(arn or "")
    return [Part(f"{own.text.strip()}: ", Role.DIM)] if own is not None else []
