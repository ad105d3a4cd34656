"""Findings on variables: the states that set them, and those that refer to them."""

from collections.abc import Iterator

from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.lists import some
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import agreeing, plural
from sfnwatch.model.referenced_variables import referenced_variables
from sfnwatch.model.state_payloads import assignment

_MOST = 20
"""At most this many variables have a finding each; the others are counted."""
_MOST_PROOFS = 5


def variables(analysis: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield a finding for each variable that a state set, as the history shows."""
    setters: dict[str, dict[str, None]] = {}
    events: dict[str, list[int]] = {}
    for visit in analysis.visits:
        assigned = assignment(analysis.snapshot, analysis.execution, visit)
        for name in assigned.values:
            setters.setdefault(name, {})[visit.name] = None
            events.setdefault(name, []).append(assigned.event_id)
    definition = analysis.execution.definition_text
    references = referenced_variables(definition)
    for name in list(setters)[:_MOST]:
        set_by = list(setters[name])
        referenced_in = list(references.get(name, ()))
        if definition is None:
            use = "the definition is not known, so neither is what refers to it"
        elif referenced_in:
            states = some([named(state) for state in referenced_in])
            use = f"by the definition, referenced in {states}"
        else:
            use = "by the definition, referenced in no state"
        states = some([named(state) for state in set_by])
        text = f"Variable {named(name)}: set by {states}; {use}."
        proofs = [f"#{event_id}" for event_id in events[name][:_MOST_PROOFS]]
        yield finding(
            "variable",
            text,
            proofs,
            variable=name,
            set_by=set_by,
            referenced_in=None if definition is None else referenced_in,
        )
    left_out = len(setters) - _MOST
    if left_out > 0:
        were = agreeing(left_out, "was", "were")
        text = f"{plural(left_out, 'more variable')} {were} set."
        yield finding("variable", text, count=left_out)
