"""The links of the detail: from a call to its state, from a state to its calls."""

from collections.abc import Iterable, Iterator

from sfnwatch.analysis.reasons import ambiguity
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.linking.link import AttemptKey, LinkRule
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import Attempt, StateVisit
from sfnwatch.tui.detail_entries import FACT_CHARACTERS, Fact, fact
from sfnwatch.tui.item_detail import ItemDetail
from sfnwatch.view.considered_attempts import unsure_calls
from sfnwatch.view.parts import Part, Role, status_part
from sfnwatch.view.task_text import task_id, task_text

_MOST_CALLS = 500
"""Calls that are listed; a wait of days has more polls than anyone reads."""
_MOST_UNSURE = 6
"""Ambiguous calls that are listed."""


def item_links(detail: ItemDetail) -> Iterator[Fact]:
    """Yield a call's state, or the calls and tasks of each of an item's tries."""
    visit = detail.visit
    if isinstance(detail.item, ApiCall):
        yield from _state_of_call(detail, detail.item)
        return
    if detail.task is not None and visit is not None:
        yield _state(detail, visit)
    attempts = visit.attempts if visit is not None else []
    if detail.attempt is not None:
        attempts = [detail.attempt]
    for number, attempt in enumerate(attempts, 1):
        if len(attempts) > 1:
            yield fact(f"try {number}", attempt.status.replace("_", " "))
        key = detail.arn, attempt.scheduled_id
        yield from _calls(detail, key, attempt)
        yield from _tasks(detail, key, attempt)


def _state_of_call(detail: ItemDetail, call: ApiCall) -> Iterator[Fact]:
    """Yield the state that made a call, or why none is named."""
    link = detail.snapshot.link(call)
    if link is None:
        yield fact("state", "no execution watched has to do with it", Role.DIM)
    elif link.rule is LinkRule.AMBIGUOUS:
        return  # its candidates are part of the evidence
    elif detail.visit is None:
        yield fact("state", "only its role fits an execution here", Role.DIM)
    else:
        yield _state(detail, detail.visit)


def _state(detail: ItemDetail, visit: StateVisit) -> Fact:
    """Return a link to the state, or to its attempt, that the item belongs to."""
    parts: list[Part] = []
    if detail.execution is not None and len(detail.snapshot.roots) > 1:
        name = clean(detail.execution.name, FACT_CHARACTERS)
        parts.append(Part(f"{name}  ", Role.DIM))
    event_id = visit.id
    words = clean(visit.path, FACT_CHARACTERS)
    attempt = detail.attempt
    tries = len(visit.attempts)
    if attempt is not None and tries > 1:
        event_id = attempt.scheduled_id
        number = visit.attempts.index(attempt) + 1
        words += f", try {number} of {tries}"
    parts += [Part(f"{words}  "), status_part(visit.status)]
    return Fact("state", tuple(parts), f"{detail.arn}#{event_id}")


def _calls(detail: ItemDetail, key: AttemptKey, attempt: Attempt) -> Iterator[Fact]:
    """Yield an attempt's calls, and the ambiguous calls that it may have made."""
    snapshot = detail.snapshot
    calls = snapshot.calls_of(key)
    for call in calls[:_MOST_CALLS]:
        link = snapshot.link(call)
        if link is not None:
            text = detail.screen_state.maker.call_text(call, link)
            role = str(link.role)
            yield _call_fact(detail, role, call, text.parts, link.evidence)
    more = len(calls) - _MOST_CALLS
    if more > 0:
        yield fact("", f"… {more:,} calls more", Role.WARN)
    unsure = unsure_calls(snapshot, key)
    if not calls and not unsure:
        yield fact("calls", _absence(attempt), Role.DIM)
    for call, link in unsure[:_MOST_UNSURE]:
        name = Part(clean(call.event_name, FACT_CHARACTERS), Role.GUESS)
        yield _call_fact(detail, f"{link.role}?", call, [name], ambiguity(link))
    more = len(unsure) - _MOST_UNSURE
    if more > 0:
        yield fact("", f"… and {more:,} more", Role.DIM)


def _call_fact(
    detail: ItemDetail, label: str, call: ApiCall, words: Iterable[Part], why: str
) -> Fact:
    """Return a link to a call: its time, what it did, and why it is matched."""
    time = detail.screen_state.looks.time(call.event_time, whole=True)
    note = clean(why, FACT_CHARACTERS)
    parts = Part(f"{time}  ", Role.DIM), *words, Part(f"  {note}", Role.DIM)
    return Fact(label, parts, call.key, call.event_id)


def _absence(attempt: Attempt) -> str:
    """Return why an attempt has no calls."""
    integration = attempt.integration
    if integration is None or integration.recorded:
        return "none matched"
    action = integration.action_event
    return f"none: CloudTrail's Event history does not include {action}"


def _tasks(detail: ItemDetail, key: AttemptKey, attempt: Attempt) -> Iterator[Fact]:
    """Yield links to the other states of the ECS tasks that an attempt started."""
    for state in _task_states(detail, key, attempt):
        text = task_text(state)
        time = detail.screen_state.looks.time(state.at)
        parts = Part(f"{time}  ", Role.DIM), text.status, *text.ending
        yield Fact(f"task {task_id(state)}", parts, state.key)


def _task_states(
    detail: ItemDetail, key: AttemptKey, attempt: Attempt
) -> Iterator[TaskState]:
    snapshot = detail.snapshot
    for task_arn in attempt.resource_ids:
        states = snapshot.task_states.get(task_arn)
        if states is None or snapshot.task_starter(task_arn) != key:
            continue
        for state in states:
            if state is not detail.task:
                yield state
