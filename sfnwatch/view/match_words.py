"""By what a call is matched, and how sure that is, in words and signs."""

from sfnwatch.model.linking.link import Certainty, Link, LinkRule
from sfnwatch.view.parts import Role

RULE_WORDS = {
    LinkRule.REQUEST_ID: "request ID",
    LinkRule.SESSION: "session",
    LinkRule.RESOURCE_ID: "task ARN, job ID or the like",
    LinkRule.PARAMETERS: "same parameters",
    LinkRule.ORDER: "in order",
    LinkRule.UNIQUE_CANDIDATE: "role, action, time",
    LinkRule.AMBIGUOUS: "one of several",
    LinkRule.ROLE_ONLY: "same role, no matching task",
}
"""By what a call is matched, if only the rule is known."""
CERTAINTY_SIGNS = {
    Certainty.EXACT: "=",
    Certainty.STRONG: "≈",
    Certainty.LIKELY: "~",
    Certainty.GUESS: "?",
}
"""A sign of one cell for the certainty of a match; each differs in ASCII too."""
_AMBIGUOUS_SIGN = "?"


def matched_by(link: Link, word: str = "id") -> str:
    """Return by what a call is matched, without signs; `word` names the job's id."""
    match link.rule:
        case LinkRule.RESOURCE_ID:
            return word
        case LinkRule.AMBIGUOUS:
            if link.candidate_count > 1:
                return f"one of {link.candidate_count}"
            return "not certain"
    return RULE_WORDS[link.rule]


def rule_words(link: Link, word: str = "id") -> str:
    """Return the sign of a match's certainty, and by what the call is matched."""
    words = matched_by(link, word)
    if link.rule is LinkRule.AMBIGUOUS:
        return f"{_AMBIGUOUS_SIGN} {words}"
    if link.certainty is None:
        return words
    return f"{CERTAINTY_SIGNS[link.certainty]} {words}"


def doubt_words(link: Link) -> str:
    """Return the doubt about a match: `likely`, `a guess`; empty if it is sure."""
    if link.key is None or link.is_sure:
        return ""
    return "likely" if link.certainty is Certainty.LIKELY else "a guess"


def rule_role(link: Link) -> Role:
    """Return the role of a match's words: sure, in doubt, or neither."""
    if link.is_sure:
        return Role.EXACT
    return Role.DIM if link.rule is LinkRule.ROLE_ONLY else Role.GUESS
