"""Words for why a call is matched to an attempt or to none; all texts are cleaned."""

from sfnwatch.analysis.network_activity import endpoint_words
from sfnwatch.analysis.reasons import ambiguity
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.leaf_comparison import Leaf
from sfnwatch.model.linking.link import LinkRule
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.view.call_text import id_word
from sfnwatch.view.considered_attempts import (
    MESSAGE_CHARACTERS,
    AttemptOutcome,
    ConsideredAttempt,
    attempt_name,
)
from sfnwatch.view.match_words import doubt_words, rule_words

_AS = {CallRole.OTHER: "a call about its job", CallRole.POLL: "its poll"}


def role_words(role: CallRole) -> str:
    """Return the role of a call for an attempt, in words: `its action call`."""
    return _AS.get(role, f"its {role} call")


def match_verdict(snapshot: Snapshot, call: ApiCall) -> str:
    """Return to which attempt a call is matched, and by what, or why to none."""
    if call.is_network_activity:
        return f"not matched: network activity, {endpoint_words(call)}"
    link = snapshot.link(call)
    if link is None:
        return "not matched: no execution here has to do with it"
    if link.rule is LinkRule.AMBIGUOUS:
        return f"{rule_words(link)}: {ambiguity(link)}"
    if link.key is None:
        role = clean(link.evidence, MESSAGE_CHARACTERS)
        return f"not matched: made with the role {role}, but no attempt here fits"
    by = rule_words(link, id_word(snapshot.attempt(link.key)))
    if doubt_words(link):
        by = f"{doubt_words(link)}: {by}"
    if link.evidence:
        by = f"{by} ({clean(link.evidence, MESSAGE_CHARACTERS)})"
    name = attempt_name(snapshot, link.key)
    return f"matched to {name} as {role_words(link.role)}: {by}"


def leaf_words(leaf: Leaf) -> tuple[str, str]:
    """Return a parameter's path and its value, or both values if the sides differ."""
    value = _value_words(leaf.scheduled)
    called_value = _value_words(leaf.called)
    if value != called_value:
        value = f"{value}, the call has {called_value}"
    return clean(leaf.path), value


def sentences_against(considered: ConsideredAttempt) -> list[str]:
    """Return what speaks against an attempt, except different parameters."""
    against = considered.evidence.against
    if considered.evidence.comparison.different:
        against = against[:-1]  # it names some of them
    is_candidate = considered.outcome is AttemptOutcome.CANDIDATE
    sentences: list[str] = []
    for reason in against:
        sentence = clean(reason, MESSAGE_CHARACTERS)
        if is_candidate and reason.startswith("it came "):
            # An attempt may stay a candidate though the call is a little out of its
            # time.
            sentence += ", and clocks may differ by as much"
        sentences.append(sentence)
    return sentences


def values_of(value: object) -> object:
    """Return a value as JSON has it; a set becomes a sorted list."""
    if isinstance(value, frozenset):
        return sorted(value, key=str)
    return list(value) if isinstance(value, tuple) else value


def _value_words(value: object) -> str:
    value = values_of(value)
    if isinstance(value, list):
        return ", ".join(map(_value_words, value)) or "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return clean(str(value)) or "an empty text"
