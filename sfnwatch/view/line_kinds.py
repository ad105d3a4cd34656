"""The kinds of lines, and the rules of links, that a filter can select."""

import re
from collections.abc import Callable, Mapping

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import Certainty, LinkRule, role_of_call
from sfnwatch.view.line_context import LineContext
from sfnwatch.view.line_texts import failures, has_event, timed_part
from sfnwatch.view.match_words import RULE_WORDS
from sfnwatch.view.task_text import went_wrong

LineTest = Callable[[LineContext], bool]
_DENIED = re.compile(
    r"denied|not ?authori[sz]ed|unauthori[sz]ed|forbidden", re.IGNORECASE
)


def _has_role(role: CallRole) -> LineTest:
    return lambda a: a.call is not None and role_of_call(a.call, a.link) is role


def _has_rule(rule: LinkRule) -> LineTest:
    return lambda context: context.link is not None and context.link.rule is rule


def _has_certainty(*certainties: Certainty) -> LineTest:
    return lambda context: (
        context.link is not None and context.link.certainty in certainties
    )


def _is_guess(context: LineContext) -> bool:
    link = context.link
    if link is None:
        return False
    return link.certainty is Certainty.GUESS or link.rule is LinkRule.AMBIGUOUS


def _is_of_execution(context: LineContext) -> bool:
    return any(event.type.startswith("Execution") for event in context.events)


def _has_phase(context: LineContext) -> bool:
    return any(event.attempt_id for event in context.events)


def _is_other(context: LineContext) -> bool:
    if isinstance(context.item, ApiCall | TaskState) or context.call is not None:
        return False
    if has_event(context, "StateEntered", "StateExited"):
        return False
    return not (_is_of_execution(context) or _has_phase(context))


def is_failure(context: LineContext) -> bool:
    if has_event(context, "Failed", "TimedOut", "FailStateEntered"):
        return True
    if isinstance(context.item, TaskState) and went_wrong(context.item):
        return True
    return any(error for error, _ in failures(context))


def _is_denied(context: LineContext) -> bool:
    return any(_DENIED.search(error or "") for error, _ in failures(context))


def _is_caught(context: LineContext) -> bool:
    if context.visit is None or context.visit.status != "caught":
        return False
    return has_event(context, "StateExited")


def _is_running(context: LineContext) -> bool:
    part = timed_part(context)
    return part is not None and part.status == "running"


def _is_redriven(context: LineContext) -> bool:
    """True for a redrive, also of a Map Run, and for the attempts that it began."""
    if context.visit is None or context.attempt is None:
        return has_event(context, "Redriven")
    return context.visit.is_redriven(context.number)


KnownWords = Mapping[str, tuple[str, LineTest]]
"""The words that may follow an operator: the meaning of each, and its test of lines."""
KINDS: KnownWords = {
    "execution": ("start, redrive and end of an execution", _is_of_execution),
    "entered": ("a state is entered", lambda a: has_event(a, "StateEntered")),
    "exited": ("a state is exited", lambda a: has_event(a, "StateExited")),
    "phase": ("an attempt is scheduled, started, submitted, ended", _has_phase),
    "other": ("iterations, branches, back-offs, all else", _is_other),
    "call": ("API calls", lambda context: context.call is not None),
    "task": ("task states reported by ECS", lambda a: isinstance(a.item, TaskState)),
    "poll": ("calls that poll a job's status", _has_role(CallRole.POLL)),
    "action": ("calls that do a state's work", _has_role(CallRole.ACTION)),
    "stop": ("calls that stop a job", _has_role(CallRole.STOP)),
    "failed": ("failed, timed out or denied", is_failure),
    "denied": ("access denied", _is_denied),
    "caught": ("failures handled by a Catch", _is_caught),
    "running": ("still running", _is_running),
    "redriven": ("a redrive, and the attempts it began", _is_redriven),
}
RULES: KnownWords = {
    **{str(rule): (RULE_WORDS[rule], _has_rule(rule)) for rule in LinkRule},
    "exact": ("= an ID that only its attempt has", _has_certainty(Certainty.EXACT)),
    "strong": ("≈ nobody else can have made it", _has_certainty(Certainty.STRONG)),
    "sure": ("exact or strong", _has_certainty(Certainty.EXACT, Certainty.STRONG)),
    "likely": (
        "~ another execution could have made it",
        _has_certainty(Certainty.LIKELY),
    ),
    "guess": ("? a guess, or ambiguous", _is_guess),
    "none": ("matched to nothing", lambda a: a.call is not None and a.link is None),
}
