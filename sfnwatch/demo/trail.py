"""What CloudTrail records of an execution, and when it delivers each record."""

from collections.abc import Iterator
from datetime import datetime

from sfnwatch.demo.callers import by_step_functions, in_role
from sfnwatch.demo.execution import DemoExecution
from sfnwatch.demo.formats import after
from sfnwatch.demo.seeded_random import SeededRandom
from sfnwatch.demo.trail_event import CallerIdentity, TrailEvent

_VERY_LATE_SECONDS = 362.0


def deliver(event: TrailEvent, lag: float) -> TrailEvent:
    """Have LookupEvents show the event `lag` seconds after it happened."""
    event.delivered_at = after(event.at, lag)
    return event


def records_of(execution: DemoExecution, key: str) -> Iterator[TrailEvent]:
    """Yield the records of an execution's calls; the second poll's is very late."""
    dice = SeededRandom(key, execution.name, "trail")
    scenario = execution.scenario
    is_child = execution.map_run_arn is not None
    polls = [call for call in execution.calls if call.read_only]
    late = [] if is_child else polls[:2][-1:]
    for event in execution.calls:
        event.caller = by_step_functions(scenario.role_arn, event.at, dice)
        event.event_id = dice.uuid()
        if event.read_only and scenario.polls_denied:
            event.deny()
        yield deliver(event, _VERY_LATE_SECONDS if event in late else dice.lag())
    if is_child:
        return
    for seconds in (2.0, 14.0):
        at = after(execution.started_at, seconds)
        yield deliver(_sampling_rules(execution, at, dice), dice.lag())


def _sampling_rules(
    execution: DemoExecution, at: datetime, dice: SeededRandom
) -> TrailEvent:
    """Return X-Ray's request under a machine's role, which the role may not make."""
    xray = "xray-daemon"
    session = f"{xray}-{dice.digits(19)}"
    key_id = dice.key_id()
    identity = in_role(execution.scenario.role_arn, session, at, key_id)
    caller = CallerIdentity(identity, "198.51.100.7", xray)
    ids = dice.uuid(), dice.uuid()
    event = TrailEvent(at, "xray:GetSamplingRules", caller, *ids)
    event.deny()
    return event
