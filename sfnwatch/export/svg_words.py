"""What the pictures and the report say of a trace as a whole, cleaned."""

from datetime import UTC, datetime

from sfnwatch.trace.lanes import Lanes, complete_to
from sfnwatch.trace.sentence_parts import service_name
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.words import STATUS_GLYPHS

_NAME = 90


def latest(trace: Trace) -> datetime:
    """Give the last moment that a trace knows of: how far what runs has come."""
    known = [call.event_time for call in trace.calls.values()]
    known += (state.at for states in trace.task_states.values() for state in states)
    for timeline in trace.timelines.values():
        known += (event.timestamp for event in timeline.events.values())
        known += (t for t in (timeline.started_at, timeline.stopped_at) if t)
    return max(known, default=datetime.fromtimestamp(0, UTC))


def measured_to(trace: Trace) -> datetime | None:
    """Give up to when calls are complete, where that was measured; files don't say."""
    return complete_to(trace) if "lookup" in trace.health else None


def title_words(trace: Trace) -> str:
    timelines = list(trace.timelines.values())
    if len(timelines) == 1:
        machine = timelines[0].state_machine_name
        name = clean(timelines[0].name, _NAME)
        return f"{clean(machine, _NAME)} › {name}" if machine else name
    return f"{len(timelines)} executions" if timelines else "API calls"


def status_glyph(status: str) -> str:
    """Give the glyph of a status in AWS's capitals; one of the future gets a dot."""
    return STATUS_GLYPHS.get(status.lower(), ("◆", None))[0]


def run_words(timeline: Timeline) -> str:
    """Say how an execution ended and how long it took: `✔ succeeded in 5m 09s`."""
    status = timeline.status
    told = f"{status_glyph(status)} {clean(status.lower().replace('_', ' '))}"
    began, ended = timeline.started_at, timeline.stopped_at
    if began is None or ended is None:
        return told
    link = "in" if status == "SUCCEEDED" else "after"
    return f"{told} {link} {duration((ended - began).total_seconds())}"


def machine_words(timeline: Timeline) -> str:
    """Say how an execution went, and of which state machine it is one."""
    machine = timeline.state_machine_name
    told = run_words(timeline)
    return f"{told} · {clean(machine, _NAME)}" if machine else told


def service_words(source: str) -> str:
    return clean(service_name(source), 40)


def counted(lanes: Lanes) -> str:
    """Say what is not shown: what is none of the executions' business, or inside."""
    told = []
    if lanes.hidden:
        calls = "1 call" if lanes.hidden == 1 else f"{lanes.hidden} calls"
        told.append(f"{calls} of others, or of X-Ray, not shown")
    if lanes.inside:
        told.append(f"{inside_words(lanes.inside)} not drawn")
    return "; ".join(told)


def inside_words(count: int) -> str:
    """Name the executions that those drawn began."""
    what = "1 execution" if count == 1 else f"{count} executions"
    return f"{what} that these began"
