"""The evidence for an attempt having made a call that no id matches."""

from collections.abc import Collection

from msgspec import Struct

from sfnwatch.model.integrations import CallRole, Pattern
from sfnwatch.model.linking.caller import depends_on_name
from sfnwatch.model.linking.evidence import Pair
from sfnwatch.model.linking.leaf_comparison import Leaf, compare_leaves
from sfnwatch.model.linking.leaves import ids_of_call, is_random_id, is_task_token


class Fit(Struct, frozen=True):
    """The evidence for an attempt having made a call that no id matches."""

    equal: frozenset[str] = frozenset()
    """The paths of the parameters that are equal."""
    token: bool = False
    """True if the attempt's own task token is among the equal parameters."""
    answer: str = ""
    """The id that both the call's answer and the attempt's output have."""

    @property
    def is_proof(self) -> bool:
        """True if no other attempt can have made such a call successfully."""
        return self.token or bool(self.answer)


def fit_of(pair: Pair, equal: Collection[Leaf]) -> Fit:
    """Return the evidence for a pair that has none against it."""
    waits_for_token = pair.caller.attempt.pattern is Pattern.TASK_TOKEN
    return Fit(
        equal=frozenset(leaf.path for leaf in equal),
        token=waits_for_token and any(is_task_token(leaf.called) for leaf in equal),
        answer=_same_answer(pair),
    )


def _same_answer(pair: Pair) -> str:
    """Return a random id that both the attempt's output and the call's answer have.

    It is "" if there is none. It is "" too where the job is identified by a name: a
    second caller gets the same answer, so the answer proves nothing.
    """
    is_action = pair.role is CallRole.ACTION and pair.call.has_answer
    if not is_action or depends_on_name(pair.caller):
        return ""
    both = compare_leaves(pair.answer(), ids_of_call(pair.record)).equal
    random = (leaf.called for leaf in both if is_random_id(leaf.called))
    return next(random, "")
