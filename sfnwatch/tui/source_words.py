"""How complete the records of each source are, and what is wrong with it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec.structs import replace

from sfnwatch.errors import SfnwatchError
from sfnwatch.model.source_health import (
    WITHOUT_CALLS,
    HealthState,
    SourceHealth,
    merge_healths,
)
from sfnwatch.model.texts import clean
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.times import clock
from sfnwatch.tui.ranked_words import RankedWords, ranked_words
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span

_INSIDE = "children"
_LANES = {
    "history": "history",
    "lookup": "CloudTrail",
    _INSIDE: "child executions",
    "others": "other executions",
}
"""The names that people know lanes by; other lanes are called by their own."""
_PASSING = frozenset({HealthState.THROTTLED, HealthState.RETRYING})
"""States of trouble that passes by itself."""
_LASTING = frozenset({HealthState.DENIED, HealthState.EXPIRED, HealthState.REFUSED})
TROUBLE_SIGNS = {
    **dict.fromkeys(_PASSING, Span("▲", "role--warn")),
    **dict.fromkeys(_LASTING, Span("✘", "role--bad")),
    **dict.fromkeys(WITHOUT_CALLS, Span("▲", "role--warn")),
}
"""The signs of states whose message is worth a row of its own."""
_LANE_LENGTH = 64
"""Most characters of a lane's name."""
_MESSAGE_LENGTH = 600
"""Most characters of a message."""


def source_words(screen_state: ScreenState) -> Iterator[RankedWords]:
    """Yield what matters of the sources: trouble, and how complete calls are."""
    yield from _endpoint_words(screen_state)
    if screen_state.playback.clock is TimeAxis.EVENT:
        return
    for lane in ("history", "lookup"):
        health = screen_state.snapshot.health.get(lane)
        if health is None:
            continue
        if health.state in TROUBLE_SIGNS:
            yield _trouble_words(health, lane)
        elif lane == "lookup":
            for words in _completeness(health, screen_state):
                yield replace(words, right=True)


def _endpoint_words(screen_state: ScreenState) -> Iterator[RankedWords]:
    """Yield the endpoints that are not AWS."""
    hosts = {health.endpoint for health in screen_state.snapshot.each_health}
    for host in sorted(hosts - {""}):
        shown = screen_state.looks.mask(host)
        words = f"at {shown}, not AWS"
        yield ranked_words(2, words, "role--warn", "not AWS")


def _trouble_words(health: SourceHealth, lane: str) -> RankedWords:
    sign = TROUBLE_SIGNS[health.state]
    name = f" {_LANES[lane]}"
    state: str = health.state
    if health.state is HealthState.EXPIRED:
        state = "credentials expired"
    words = Span(f"{name} {state}", sign.look)
    return RankedWords(1, [sign, words], [sign, Span(name)])


def _completeness(
    health: SourceHealth, screen_state: ScreenState
) -> Iterator[RankedWords]:
    """Yield up to when all calls are known, and how long late ones are awaited."""
    if screen_state.session.mode == "replay" and screen_state.playback.ended:
        if health.state is not HealthState.ENDED:
            yield ranked_words(5, "recording ends here", "look--faint")
    elif health.state is HealthState.DRAINING and not _has_gone_on(screen_state):
        yield _waiting_words(health, screen_state.now)
    elif health.state is HealthState.WAITING:
        yield ranked_words(5, "waiting for a redrive", "look--faint")
    if health.coverage is not None:
        at = screen_state.looks.time_of_day(health.coverage, whole=True)
        words = f"CloudTrail complete up to {at} (estimate)"
        yield ranked_words(7, words, "look--faint", f"complete to {at}")
    elif health.message and health.state in {HealthState.LIVE, HealthState.DRAINING}:
        words = clean(health.message, _MESSAGE_LENGTH)
        yield ranked_words(7, words, "look--faint", "CloudTrail not complete yet")


def _waiting_words(health: SourceHealth, now: datetime) -> RankedWords:
    words = "waiting for late CloudTrail records"
    brief = "waiting"
    seconds = 0.0
    if health.until is not None:
        seconds = (health.until - now).total_seconds()
    if seconds > 0:
        words = f"{words}, up to {clock(seconds)} more"
        brief = f"awaiting late calls, {clock(seconds)}"
    return ranked_words(5, words, "role--busy", brief)


def _has_gone_on(screen_state: ScreenState) -> bool:
    """True if an ended execution was redriven; the lane of calls learns it late."""
    return any(each.redrives and each.running for each in screen_state.roots)


def troubles(screen_state: ScreenState) -> Iterator[list[Span]]:
    """Yield why nothing more can come, and the messages of sources in trouble.

    Many child executions mostly fail alike: the worst one speaks for all.
    """
    for refusal in screen_state.refusals:
        yield refusal_spans(refusal)
    healths: list[SourceHealth] = []
    inside: list[SourceHealth] = []
    for health in screen_state.snapshot.each_health:
        if health.state in TROUBLE_SIGNS and health.message:
            (inside if health.lane == _INSIDE else healths).append(health)
    if inside:
        healths.append(_worst_of(inside))
    for health in sorted(healths, key=lambda each: (each.state in _PASSING, each.lane)):
        sign = TROUBLE_SIGNS[health.state]
        name = _LANES.get(health.lane, clean(health.lane, _LANE_LENGTH))
        message = clean(screen_state.looks.mask(health.message), _MESSAGE_LENGTH)
        heading = Span(f"{sign.text} {name} {health.state}", sign.look)
        yield [heading, Span(f"  {message}")]


def _worst_of(inside: Sequence[SourceHealth]) -> SourceHealth:
    if len(inside) == 1:
        return inside[0]
    worst = merge_healths(_INSIDE, inside)
    message = f"{worst.message} And {len(inside) - 1} more."
    return replace(worst, message=message)


def refusal_spans(error: SfnwatchError) -> list[Span]:
    """Return why a watch could not begin, or had to end, and what to do."""
    message = clean(error.message, _MESSAGE_LENGTH)
    hint = f"  {clean(error.hint, _MESSAGE_LENGTH)}" if error.hint else ""
    return [Span(f"✘ {message}", "role--bad"), Span(hint)]


def quiet_words(screen_state: ScreenState) -> str:
    """Return why there are no calls to see, as far as that is known."""
    health = screen_state.snapshot.health.get("lookup")
    is_over = screen_state.over
    if health is not None:
        if health.state in TROUBLE_SIGNS:
            return f"none: CloudTrail {health.state}"
        if health.message:
            return clean(health.message, _MESSAGE_LENGTH)
        is_over = is_over or health.state is HealthState.ENDED
    if is_over and not screen_state.trace.calls:
        return "none recorded"
    return "none yet: CloudTrail is minutes behind"
