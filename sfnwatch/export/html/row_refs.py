"""References by which the parts of a report lead to each other."""

from sfnwatch.analysis.evidence import line_key
from sfnwatch.model.snapshot import Snapshot


class RowRefs:
    """The references to rows, by which one part of a report leads to another.

    `e0-5` is event 5 of the first execution, `c12` the 13th call, and `t3` the fourth
    state of a task. No part of a reference comes from AWS or from a file.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.executions = {arn: n for n, arn in enumerate(snapshot.executions)}
        self._others = {call.key: f"c{n}" for n, call in enumerate(snapshot.calls)}
        states = (state for each in snapshot.task_states.values() for state in each)
        self._others |= {state.key: f"t{n}" for n, state in enumerate(states)}

    def of_key(self, key: str) -> str:
        """Return the reference for a key of the lanes; empty if there is none."""
        if key in self._others:
            return self._others[key]
        arn, _, number = key.rpartition("#")
        known = arn in self.executions and number.isdecimal()
        return f"e{self.executions[arn]}-{number}" if known else ""

    def of_evidence(self, evidence: str, arn: str | None) -> str:
        """Return the reference for evidence: `#5` of an execution, or a call's id."""
        return self.of_key(line_key(evidence, arn))
