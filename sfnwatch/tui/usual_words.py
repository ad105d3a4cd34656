"""How long an execution usually takes, beside the length of the watched one."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from sfnwatch.analysis.quantities import times_words
from sfnwatch.model.times import duration, seconds_between
from sfnwatch.recording.history_cache import cache_dir
from sfnwatch.recording.usual_lengths import UsualLength, load_usual_length
from sfnwatch.tui.ranked_words import RankedWords, ranked_words
from sfnwatch.tui.screen_state import ScreenState

_RANK = 6
"""It gives way before all else: it is no news."""


def usual_words(screen_state: ScreenState) -> Iterator[RankedWords]:
    """Yield the usual length, if it was measured: `usually 5m 09s`, `3.1 × its usual`.

    Several executions have none in common, and that of a simulated account says
    nothing.
    """
    roots = screen_state.roots
    if screen_state.session.mode != "live" or len(roots) != 1:
        return
    execution = roots[0]
    if execution.state_machine_arn is None:
        return
    usual = _usual_length(cache_dir(), execution.state_machine_arn)
    if usual is None:
        return
    length = duration(usual.p50_seconds)
    began = execution.started_at
    ended = execution.stopped_at
    if began is None or ended is None or execution.status != "SUCCEEDED":
        yield ranked_words(_RANK, f"usually {length}", "role--dim")
        return
    seconds = seconds_between(began, ended) - execution.paused_seconds
    times = times_words(seconds / usual.p50_seconds)
    yield ranked_words(_RANK, f"{times} its usual {length}", "role--dim", times)


@lru_cache(maxsize=64)
def _usual_length(folder: Path, state_machine_arn: str) -> UsualLength | None:
    """Return the kept length; the file is read once, not for each frame."""
    return load_usual_length(folder, state_machine_arn)
