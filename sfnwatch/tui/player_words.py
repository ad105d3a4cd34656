"""How it plays, where it is, and by which clock, in words."""

from collections.abc import Iterator
from datetime import datetime

from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.times import duration
from sfnwatch.tui.ranked_words import RankedWords, ranked_words
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span
from sfnwatch.view.playback import Playback
from sfnwatch.view.time_scale import PlaybackSpan

_CLOCKS = {TimeAxis.ARRIVAL: "arrival time", TimeAxis.EVENT: "event time"}


def player_words(screen_state: ScreenState) -> Iterator[RankedWords]:
    """Yield how it plays, where it is, and by which clock, in words."""
    playback = screen_state.playback
    span = playback.span
    if span is None:
        yield ranked_words(0, "nothing to play yet", "look--faint")
        return
    sign, word, look = _sign(playback)
    yield RankedWords(
        5, [Span(sign, look), Span(f" {word:<7}", look)], [Span(sign, look)]
    )
    if not playback.live:
        speed = f"{playback.speed:g}×".removeprefix("0")
        yield ranked_words(3, f"{speed:<4}", "role--name")
    now = screen_state.now
    yield ranked_words(0, screen_state.looks.time_of_day(now, whole=True), "role--name")
    yield _lengths(screen_state, now, span)
    if not (playback.replay or playback.live) and playback.growing:
        seconds = (screen_state.clock.now() - now).total_seconds()
        behind = duration(max(0.0, seconds))
        yield ranked_words(2, f"{behind} behind live", "role--warn")
    yield ranked_words(7, _CLOCKS[playback.clock], "look--faint")
    if playback.squeeze:
        yield ranked_words(8, "idle squeezed", "look--faint")
    if playback.looping:
        yield ranked_words(9, "∞ loop", "look--faint")


def _sign(playback: Playback) -> tuple[str, str, str]:
    """Return how it plays: a sign, a word, and their look."""
    if playback.live and playback.growing:
        return "●", "live", "role--busy"
    if playback.playing:
        return "▶", "playing", "role--busy"
    if playback.ended:
        return "■", "end", "look--faint"
    return "‖", "paused", "role--warn"


def _lengths(
    screen_state: ScreenState, now: datetime, span: PlaybackSpan
) -> RankedWords:
    """Return the time since the start and, if not live, the whole length."""
    origin = screen_state.begun or span[0]
    seconds = (now - origin).total_seconds()
    sign = "−" if seconds < 0 else "+"
    elapsed = [Span(f"{sign}{duration(abs(seconds))}".rjust(8))]
    if screen_state.playback.live:
        return RankedWords(6, elapsed, elapsed)
    whole = duration((span[1] - origin).total_seconds())
    return RankedWords(6, [*elapsed, Span(f" / {whole}", "look--faint")], elapsed)
