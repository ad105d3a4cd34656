"""A call as JSON, with the attempts that were considered for it."""

from sfnwatch.export.facts import Facts, call_facts
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.linking.leaf_comparison import Leaf
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.view.considered_attempts import ConsideredAttempt, considered_attempts
from sfnwatch.view.why_words import values_of


def why_json(snapshot: Snapshot, call: ApiCall) -> Facts:
    """Return a call with all attempts that were considered, the matched one first.

    considered   execution, visit, attempt, role (that the call would have for it), for
                 (ids, each with its word; parameters), against (sentences), different
                 (parameters)

    A parameter has its path, and its values in the scheduled event and in the call.
    """
    facts = call_facts(call, snapshot.link(call))
    attempts = considered_attempts(snapshot, call)
    facts["considered"] = [_considered(attempt) for attempt in attempts]
    return facts


def _considered(considered: ConsideredAttempt) -> Facts:
    evidence = considered.evidence
    arn, scheduled_id = evidence.key
    return {
        "execution": arn,
        "visit": considered.attempt.visit_id,
        "attempt": scheduled_id,
        "role": str(evidence.role),
        "for": {
            "ids": list(evidence.same),
            "parameters": [_leaf(leaf) for leaf in evidence.comparison.equal],
        },
        "against": list(evidence.against),
        "different": [_leaf(leaf) for leaf in evidence.comparison.different],
    }


def _leaf(leaf: Leaf) -> Facts:
    return {key: values_of(value) for key, value in leaf._asdict().items()}
