"""How complete the records of each source are, and what is wrong with it."""

from collections.abc import Iterator

from msgspec.structs import replace

from sfnwatch.errors import SfnwatchError
from sfnwatch.model.source_health import HealthState, SourceHealth, merge_healths
from sfnwatch.model.texts import clean
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.times import clock
from sfnwatch.tui.ranked_words import RankedWords, said
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
}
"""The signs of states whose message is worth a row of its own."""
_LANE_LENGTH = 64
"""Most characters of a lane's name."""
_MESSAGE_LENGTH = 600
"""Most characters of a message."""


def source_words(screen_state: ScreenState) -> Iterator[RankedWords]:
    """Yield what matters of the sources: trouble, and how complete calls are."""
    if screen_state.playback.clock is TimeAxis.EVENT:
        return
    for lane in ("history", "lookup"):
        health = screen_state.snapshot.health.get(lane)
        if health is not None and health.state in TROUBLE_SIGNS:
            sign = TROUBLE_SIGNS[health.state]
            name = f" {_LANES[lane]}"
            expired = health.state is HealthState.EXPIRED
            words = f"{name} {'credentials expired' if expired else health.state}"
            yield RankedWords(1, [sign, Span(words, sign.look)], [sign, Span(name)])
        elif health is not None and lane == "lookup":
            for told in _completeness(health, screen_state):
                yield replace(told, right=True)


def _completeness(
    health: SourceHealth, screen_state: ScreenState
) -> Iterator[RankedWords]:
    """Yield up to when all calls are known, and how long late ones are awaited."""
    if screen_state.session.mode == "replay" and screen_state.playback.ended:
        if health.state is not HealthState.ENDED:
            yield said(5, "recording ends here", "look--faint")
    elif health.state is HealthState.DRAINING and not _has_gone_on(screen_state):
        left = (health.until - screen_state.now).total_seconds() if health.until else 0
        more = f", up to {clock(left)} more" if left > 0 else ""
        brief = f"awaiting late calls, {clock(left)}" if left > 0 else "waiting"
        words = f"waiting for late CloudTrail records{more}"
        yield said(5, words, "role--busy", brief)
    elif health.state is HealthState.WAITING:
        yield said(5, "waiting for a redrive", "look--faint")
    if health.coverage is not None:
        at = screen_state.looks.time_of_day(health.coverage, whole=True)
        words = f"CloudTrail complete up to {at} (estimate)"
        yield said(7, words, "look--faint", f"complete to {at}")
    elif health.message and health.state in {HealthState.LIVE, HealthState.DRAINING}:
        words = clean(health.message, _MESSAGE_LENGTH)
        yield said(7, words, "look--faint", "CloudTrail not complete yet")


def _has_gone_on(screen_state: ScreenState) -> bool:
    """True if an ended execution was redriven; the lane of calls learns it late."""
    return any(each.redrives and each.running for each in screen_state.roots)


def troubles(screen_state: ScreenState) -> Iterator[list[Span]]:
    """Yield why nothing more can come, and the messages of sources in trouble.

    Many child executions mostly fail alike: the worst one speaks for all.
    """
    yield from map(refusal_spans, screen_state.refusals)
    bad = [
        h
        for h in screen_state.snapshot.each_health
        if h.state in TROUBLE_SIGNS and h.message
    ]
    inside = [h for h in bad if h.lane == _INSIDE]
    if len(inside) > 1:
        worst = merge_healths(_INSIDE, inside)
        more = f"{worst.message} And {len(inside) - 1} more."
        bad = [*(h for h in bad if h.lane != _INSIDE), replace(worst, message=more)]
    for health in sorted(bad, key=lambda h: (h.state in _PASSING, h.lane)):
        sign = TROUBLE_SIGNS[health.state]
        name = _LANES.get(health.lane, clean(health.lane, _LANE_LENGTH))
        yield [
            Span(f"{sign.text} {name} {health.state}", sign.look),
            Span(
                f"  {clean(screen_state.looks.mask(health.message), _MESSAGE_LENGTH)}"
            ),
        ]


def refusal_spans(error: SfnwatchError) -> list[Span]:
    """Return why a watch could not begin, or had to end, and what to do."""
    hint = f"  {clean(error.hint, _MESSAGE_LENGTH)}" if error.hint else ""
    return [Span(f"✘ {clean(error.message, _MESSAGE_LENGTH)}", "role--bad"), Span(hint)]


def quiet_words(screen_state: ScreenState) -> str:
    """Return why there are no calls to see, as far as that is known."""
    health = screen_state.snapshot.health.get("lookup")
    if health is not None and health.state in TROUBLE_SIGNS:
        return f"none: CloudTrail {health.state}"
    if health is not None and health.message:
        return clean(health.message, _MESSAGE_LENGTH)
    ended = screen_state.over or (
        health is not None and health.state is HealthState.ENDED
    )
    if ended and not screen_state.trace.calls:
        return "none recorded"
    return "none yet: CloudTrail is minutes behind"
