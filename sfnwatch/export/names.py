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
    name = execution.name
    if execution.state_machine_name:
        name = f"{execution.state_machine_name} › {name}"
    return clean(name, NAME_CHARACTERS)


def heading(execution: ExecutionAsOf) -> list[Part]:
    """Return an execution's name, its status and its start, as parts of a heading."""
    status = execution.status.lower()
    started_at = execution.started_at
    glyph = status_glyph(status)
    words = clean(status.replace("_", " "))
    parts = [Part(whole_name(execution), Role.NAME)]
    parts += [Part(f"  {glyph.text} {words}", glyph.role)]
    if started_at is not None and execution.stopped_at is not None:
        run_time = execution.stopped_at - started_at
        parts += [Part(f"  {duration(run_time.total_seconds())}")]
    if started_at is not None:
        parts += [Part(f"  {started_at:%Y-%m-%d %H:%M:%S} UTC", Role.DIM)]
    return parts


def service_name(call: ApiCall) -> str:
    """Return the service's name in the event source; the SDK's name isn't known."""
    name = call.event_source.removesuffix(".amazonaws.com")
    return clean(name, NAME_CHARACTERS) or "unknown"


def exported_path(visit: StateVisit | None) -> str:
    """Return a visit's path, without the root that all paths share."""
    if visit is None:
        return ""
    return clean(visit.path.removeprefix(f"{ROOT} / "))


def lane_tags(snapshot: Snapshot) -> Mapping[str, str]:
    """Return the tags that show whose a line is where executions share lanes.

    The keys are the ARNs of executions: roots and child executions. An execution that
    is alone has no tag.
    """
    labels: dict[str, str] = {}
    if len(snapshot.roots) > 1:
        labels.update(execution_labels(snapshot.roots))
    if len(snapshot.children) > 1:
        for child in snapshot.children.values():
            labels[child.arn] = clean(short_id(child.name), LABEL)
    return {arn: f"[{label}] " for arn, label in labels.items()}


def hidden_call_count(snapshot: Snapshot) -> int:
    """Return the number of calls that exports leave out."""
    hidden_calls = [call for call in snapshot.calls if not snapshot.is_relevant(call)]
    return len(hidden_calls)


def not_shown(snapshot: Snapshot) -> list[str]:
    """Return the words for the number of calls left out; none if there are none."""
    hidden_count = hidden_call_count(snapshot)
    if not hidden_count:
        return []
    return [f"{plural(hidden_count, 'call')} by others, or by X-Ray, not shown."]
