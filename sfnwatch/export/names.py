"""The names of executions, services and states in exports, and notes on omissions."""

from collections.abc import Mapping

from sfnwatch.analysis.quantities import plural
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import short_id
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.model.visits import ROOT, StateVisit
from sfnwatch.view.execution_labels import LABEL, execution_labels
from sfnwatch.view.parts import Part, Role, status_glyph

NAME_CHARACTERS = 180


def whole_name(execution: ExecutionAsOf) -> str:
    """Return an execution's name, with its state machine's if that is known."""
    machine = execution.state_machine_name
    name = execution.name
    return clean(f"{machine} › {name}" if machine else name, NAME_CHARACTERS)


def heading(execution: ExecutionAsOf) -> list[Part]:
    """Return an execution's name, its status and its start, as parts of a heading."""
    status = execution.status.lower()
    began = execution.started_at
    glyph = status_glyph(status)
    words = clean(status.replace("_", " "))
    parts = [Part(whole_name(execution), Role.NAME)]
    parts += [Part(f"  {glyph.text} {words}", glyph.role)]
    if began is not None and execution.stopped_at is not None:
        spent = (execution.stopped_at - began).total_seconds()
        parts += [Part(f"  {duration(spent)}")]
    if began is not None:
        parts += [Part(f"  {began:%Y-%m-%d %H:%M:%S} UTC", Role.DIM)]
    return parts


def service_name(call: ApiCall) -> str:
    """Return the service's name in the event source; the SDK's name isn't known."""
    return (
        clean(call.event_source.removesuffix(".amazonaws.com"), NAME_CHARACTERS)
        or "unknown"
    )


def exported_path(visit: StateVisit | None) -> str:
    """Return a visit's path, without the root that all paths share."""
    return clean(visit.path.removeprefix(f"{ROOT} / ")) if visit is not None else ""


def lane_tags(snapshot: Snapshot) -> Mapping[str, str]:
    """Return the tags that show whose a line is where executions share lanes.

    The keys are the ARNs of executions: roots and child executions. An execution that
    is alone has no tag.
    """
    told = dict(execution_labels(snapshot.roots)) if len(snapshot.roots) > 1 else {}
    if len(snapshot.children) > 1:
        children = snapshot.children.values()
        told |= {each.arn: clean(short_id(each.name), LABEL) for each in children}
    return {arn: f"[{label}] " for arn, label in told.items()}


def not_shown(snapshot: Snapshot) -> list[str]:
    """Return the words for the number of calls left out; none if there are none."""
    hidden = sum(not snapshot.is_relevant(call) for call in snapshot.calls)
    words = f"{plural(hidden, 'call')} by others, or by X-Ray, not shown."
    return [words] if hidden else []
