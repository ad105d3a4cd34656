"""The visits to a state as JSON, each with what it changed."""

from sfnwatch.analysis.state_changes import state_changes
from sfnwatch.export.facts import Facts, fields_of, outcome_facts, visit_facts
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.json_difference import Change, PathDifference
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.visits import StateVisit

_MOST_PATHS = 1000
"""At most this many paths are listed: each may be as long as a payload."""


def state_changes_json(
    snapshot: Snapshot, execution: ExecutionAsOf, visit: StateVisit
) -> Facts:
    """Return a visit as the exported trace has it, with what it changed.

    execution   the ARN of its execution
    changes     a list of path, change (added, removed, changed), before, after; null if
                the difference is not known. A value that was added has no before, and
                one that was removed has no after.
    left_out    how many changes are left out, if there are very many
    unknown     why the difference is not known; null if it is
    """
    changes = state_changes(snapshot, execution, visit)
    listed = None
    if not changes.unknown:
        listed = [_difference(each) for each in changes.differences[:_MOST_PATHS]]
    return {
        "execution": execution.arn,
        **visit_facts(visit),
        **outcome_facts(snapshot, execution, visit),
        "changes": listed,
        "left_out": max(0, len(changes.differences) - _MOST_PATHS),
        "unknown": changes.unknown or None,
    }


def _difference(difference: PathDifference) -> Facts:
    facts = fields_of(difference, "path", "change")
    if difference.change is not Change.ADDED:
        facts["before"] = difference.before
    if difference.change is not Change.REMOVED:
        facts["after"] = difference.after
    return facts
