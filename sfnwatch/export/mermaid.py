"""A trace as the source text of a Mermaid sequence diagram, without a fence.

Step Functions, each state that calls something and each service are participants;
executions have a box each. The polls of a wait are one loop. GitHub, GitLab and
others refuse a diagram of more than 50,000 characters, so a long one is cut, and
says how much is missing: in a comment at the top and a note at the bottom.
"""

from collections.abc import Iterator, Sequence
from typing import TextIO

from sfnwatch.export.mermaid_cast import Cast, escape
from sfnwatch.export.mermaid_steps import Step, steps
from sfnwatch.export.svg_words import inside_words
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.times import maybe_iso

_MOST_UNITS = 49_000
"""In UTF-16 units, as JavaScript counts: Mermaid's own default is 50,000."""
_MOST_STEPS = (400, 200, 100, 50, 25, 12, 6, 3, 1)
"""The first of these is more than anybody reads; the others are for long words."""
_MOST_COMMENTS, _TITLE = 20, 80
_NOBODY = ("participant nobody as sfnwatch", "Note over nobody: nothing happened yet")


def dump(trace: Trace, out: TextIO) -> None:
    """Print the diagram's text; equal traces give equal texts."""
    cast = Cast()
    for timeline in trace.timelines.values():
        cast.add(timeline.execution_arn, _title(timeline))
    found = list(steps(trace, cast))
    drawn = (_drawn(trace, cast, found, most) for most in _MOST_STEPS)
    out.write(next(text for text in drawn if _units(text) <= _MOST_UNITS))


def _drawn(trace: Trace, cast: Cast, found: Sequence[Step], most: int) -> str:
    kept, left_out = _cut(found, most)
    lines = ["sequenceDiagram", *_comments(trace, left_out)]
    lines += cast.lines({own for step in kept for own in step.who})
    for step in kept:
        lines.extend(step.lines)
    lines.extend(() if kept else _NOBODY)
    return "\n".join(lines) + "\n"


def _title(timeline: Timeline) -> str:
    machine = timeline.state_machine_name
    return f"{machine} › {timeline.name}" if machine else timeline.name


def _comments(trace: Trace, left_out: int) -> Iterator[str]:
    """Say in comments what is drawn; other times in the diagram are UTC, too."""
    timelines = list(trace.timelines.values())
    for timeline in timelines[:_MOST_COMMENTS]:
        began = maybe_iso(timeline.started_at) or "an unknown time"
        title, status = escape(_title(timeline), _TITLE), escape(timeline.status)
        yield f"%% {title}, begun at {began}, {status}"
    inside = sum(bool(timeline.events) for timeline in trace.children.values())
    if inside:
        yield f"%% {inside_words(inside)}: not drawn"
    if left_out:
        yield f"%% {_missing(left_out)}"


def _missing(count: int) -> str:
    steps_are = "step is" if count == 1 else "steps are"
    return f"{count} more {steps_are} left out, Mermaid draws no diagram so large"


def _cut(found: Sequence[Step], most: int) -> tuple[Sequence[Step], int]:
    """Keep so many steps from the beginning, and how executions ended after those."""
    rest = found[most:]
    if not rest:
        return found, 0
    endings = [step for step in rest if step.last][:most]
    missing = len(rest) - len(endings)
    return [*found[:most], *_note(found[most - 1], missing), *endings], missing


def _note(beside: Step, missing: int) -> Iterator[Step]:
    if missing:
        who = min(beside.who)
        yield Step((f"Note over {who}: … {_missing(missing)}",), frozenset({who}))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
