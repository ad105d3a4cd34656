"""References by which the parts of a report lead to each other."""

from itertools import chain

from sfnwatch.analysis.evidence import line_key
from sfnwatch.model.snapshot import Snapshot


class RowRefs:
    """The references to rows, by which one part of a report leads to another.

    `e0-5` is event 5 of the first execution, `c12` the 13th call, and `t3` the fourth
    state of a task. No part of a reference comes from AWS or from a file.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.executions = {
            arn: number for number, arn in enumerate(snapshot.executions)
        }
        """The numbers of executions, by their ARNs."""
        self._refs: dict[str, str] = {}
        """The references to calls and task states, by their keys."""
        for number, call in enumerate(snapshot.calls):
            self._refs[call.key] = f"c{number}"
        task_states = chain.from_iterable(snapshot.task_states.values())
        for number, state in enumerate(task_states):
            self._refs[state.key] = f"t{number}"

    def of_key(self, key: str) -> str:
        """Return the reference for a key of the lanes; empty if there is none."""
        if key in self._refs:
            return self._refs[key]
        arn, _, event_id = key.rpartition("#")
        if arn not in self.executions or not event_id.isdecimal():
            return ""
        return f"e{self.executions[arn]}-{event_id}"

    def of_evidence(self, evidence: str, arn: str | None) -> str:
        """Return the reference for evidence: `#5` of an execution, or a call's id."""
        return self.of_key(line_key(evidence, arn))
