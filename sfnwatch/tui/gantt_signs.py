"""What the signs of the chart mean: those in view below it, all of them in the help."""

from collections.abc import Iterable, Iterator

from msgspec import Struct
from rich.cells import cell_len

from sfnwatch.trace.spans import Part
from sfnwatch.trace.task_lives import Stage
from sfnwatch.trace.words import STATUS_GLYPHS, Tone
from sfnwatch.tui.gantt_canvas import (
    ACTION,
    FAILED,
    GLYPHS,
    HEIGHTS,
    INSTANT,
    NOTICED,
    NOTICED_SURELY,
    OTHER,
    POLL,
    REDRIVEN,
    STOP,
    TASKS,
    Ink,
    Stroke,
)

_WORK = GLYPHS[Part.WORKING]
_CAUGHT, _ABORTED = STATUS_GLYPHS["caught"][0], STATUS_GLYPHS["aborted"][0]
_TIMED_OUT = STATUS_GLYPHS["timed_out"][0]


class Sign(Struct, frozen=True):
    """What one or several glyphs mean; with `inks`, in these only."""

    glyphs: str
    ink: Tone | Ink
    words: str
    brief: str = ""
    """Where there is little room."""
    inks: tuple[Tone | Ink, ...] = ()
    shown: str = ""
    """What stands for glyphs that are too many to show."""

    def seen(self, drawn: Iterable[Stroke]) -> str:
        """Give those of its glyphs that are drawn."""
        inks = {glyph: ink for glyph, ink in drawn if self._is(glyph, ink)}
        found = "".join(glyph for glyph in self.glyphs if glyph in inks)
        return found and (self.shown or found)

    def _is(self, glyph: str, ink: Tone | Ink) -> bool:
        return glyph in self.glyphs and (not self.inks or ink in self.inks)


_SIGNS = (
    Sign(GLYPHS[Part.WAITING], Ink.WAITING, "waiting"),
    Sign(_WORK, Ink.WORKING, "working", inks=(Ink.WORKING,)),
    Sign(_WORK, Ink.RUNNING, "running", inks=(Ink.RUNNING,)),
    Sign(_WORK + FAILED, Ink.FAILED, "failed", inks=(Ink.FAILED, Tone.BAD)),
    Sign(GLYPHS[Part.BACKING_OFF], Ink.BACKING_OFF, "backing off", "back-off"),
    Sign(NOTICED_SURELY, Ink.NOTICING, "noticed late", "late"),
    Sign(ACTION, Tone.ACTION, "action"),
    Sign(POLL, Tone.PLAIN, "poll"),
    Sign(TASKS[Stage.RUNNING], Ink.WORKING, "task running", "task"),
    Sign(INSTANT, Ink.WORKING, "instant"),
    Sign(_CAUGHT, Tone.WARN, "caught"),
    Sign(GLYPHS[Part.NOTICING], Ink.NOTICING, "unnoticed"),
    Sign(NOTICED, Ink.NOTICING, "perhaps late", "late?"),
    Sign(HEIGHTS, Ink.WORKING, "how many at once", "at once", shown="▂▅█"),
    Sign(_TIMED_OUT, Tone.BAD, "timed out"),
    Sign(_WORK + _ABORTED, Ink.ABORTED, "aborted", inks=(Ink.ABORTED, Tone.WARN)),
    Sign(STOP, Tone.ACTION, "stop"),
    Sign(OTHER, Tone.ACTION, "other call", "other"),
    Sign(TASKS[Stage.STARTING], Ink.WAITING, "task starting", "starting"),
    Sign(TASKS[Stage.STOPPING], Ink.AROUND, "task stopping", "stopping"),
    Sign("‹›", Tone.DIM, "out of view"),
    Sign("╱", Ink.CUT, "cut short", "cut"),
    Sign(REDRIVEN, Tone.WARN, "redriven"),
    Sign(GLYPHS[Part.STOPPED], Ink.CUT, "stopped until redriven", "stopped"),
    Sign("┝━┥", Ink.AROUND, "all inside", "inside", shown="┝━┥"),
)
"""What matters most comes first."""

TIMELINE_SIGNS = (
    (GLYPHS[Part.WAITING], "waiting: not begun yet, a Wait, or Step Functions itself"),
    (_WORK, "working; red where the try failed, blue while it runs"),
    (GLYPHS[Part.BACKING_OFF], "backing off: waiting for the next try"),
    (GLYPHS[Part.NOTICING], "the job had stopped, and nobody had noticed"),
    (NOTICED_SURELY, "noticed then, so late; certain"),
    (NOTICED, "noticed then; by what may still change, as calls come late"),
    (INSTANT, "a state that took no time: Choice, Pass, Succeed, Fail"),
    ("✔ ✘ ◷ ■ ↷", "how it ended: succeeded, failed, timed out, aborted, caught"),
    ("┝━┥", "as long as what is inside: an execution, a Parallel, a Map"),
    ("▁▃▅█", "folded branches or iterations: how many at once; red: one failed"),
    (ACTION, "an action: the call that the state is for"),
    (POLL, "a poll: is the job over?"),
    (STOP, "a call that stops the job"),
    (OTHER, "another call of the state's"),
    (" ".join(TASKS.values()), "the task, as ECS told it: starting, running, stopping"),
    (
        f"╱ {GLYPHS[Part.STOPPED]} {REDRIVEN}",
        "idle time, cut short; an end, until it was redriven; redriven",
    ),
    ("‹ ›", "there is more before or after what is in view"),
    ("×2.5", "how much closer than the whole"),
    ("┊", "a round moment of the axis"),
    ("▼ │", "the moment that the player shows"),
)
"""Each sign of the chart, and what it means."""


def legend(width: int, drawn: Iterable[Stroke]) -> tuple[Stroke, ...]:
    """Explain what is drawn; what has no room is left out whole, the rarest first."""
    cells = frozenset(drawn)
    found = [(seen, sign) for sign in _SIGNS if (seen := sign.seen(cells))]
    roomy = sum(map(cell_len, _entries(found, brief=False))) < width
    left: list[Stroke] = [(" ", Tone.PLAIN)]
    room = width - 1
    for (seen, sign), entry in zip(
        found, _entries(found, brief=not roomy), strict=True
    ):
        room -= cell_len(entry)
        if room < 0:
            break
        left += [(seen, sign.ink), (entry.removeprefix(seen), Tone.DIM)]
    used = sum(cell_len(text) for text, _ in left)
    return (*left, (" " * max(0, width - used), Tone.PLAIN))


def _entries(found: Iterable[tuple[str, Sign]], *, brief: bool) -> Iterator[str]:
    for seen, sign in found:
        words = (sign.brief or sign.words) if brief else sign.words
        yield f"{seen} {words}{' ' if brief else '  '}"
