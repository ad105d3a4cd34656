"""The end of what is watched, told once: to those who look elsewhere, too."""

from collections.abc import Callable, Mapping

from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.words import STATUS_GLYPHS, Tone
from sfnwatch.tui.notify import BELL, notification


class Ending:
    """Notices when executions that ran run no more."""

    def __init__(self) -> None:
        self._ran = False
        self._told = False
        self._redrives = 0
        """How many redrives were known when it was told."""

    def seen(self, trace: Trace) -> Timeline | None:
        """Take a look; give the execution that ended last, the first time all have.

        One that was over before it was watched is no news.
        """
        if trace.running:
            self._ran = True
        redrives = sum(len(t.redrives) for t in trace.timelines.values())
        if self._told and redrives > self._redrives:
            self._told = False  # that end was not the last
        if not self._ran or self._told or trace.running or not trace.timelines:
            return None
        self._told, self._redrives = True, redrives
        ends = [t for t in trace.timelines.values() if t.stopped_at is not None]
        return max(ends, key=lambda t: t.stopped_at, default=None)  # type: ignore[arg-type,return-value]


def ending_words(timeline: Timeline, mask: Callable[[str], str] = str) -> str:
    """Say it in a line: `✔ nightly-report succeeded after 5m 09s`."""
    glyph, _ = STATUS_GLYPHS.get(timeline.status.lower(), ("○", Tone.DIM))
    name = mask(timeline.state_machine_name or timeline.name)
    status = timeline.status.lower().replace("_", " ")
    spent = ""
    if timeline.started_at is not None and timeline.stopped_at is not None:
        seconds = (timeline.stopped_at - timeline.started_at).total_seconds()
        spent = f" after {duration(seconds)}"
    return clean(f"{glyph} {name} {status}{spent}", 200)


def signal(how: str, words: str, environ: Mapping[str, str]) -> str:
    """Give what the terminal is sent: nothing, its bell, or a notification."""
    if how == "off":
        return ""
    return BELL if how == "bell" else notification("sfnwatch", words, environ)
