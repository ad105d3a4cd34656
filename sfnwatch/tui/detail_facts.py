"""The facts about an item: what failed, and why, then all else that is known.

Every string that came from AWS is cleaned here. What is too long is cut, and says so.
"""

from collections.abc import Iterator
from datetime import datetime

from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.network_activity import endpoint_words
from sfnwatch.analysis.next_try import next_try
from sfnwatch.analysis.reasons import cause_words
from sfnwatch.analysis.statuses import status_words
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.linking.link import Link
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.model.visits import Attempt, StateVisit
from sfnwatch.model.wait_states import wait_end
from sfnwatch.tui.detail_entries import FACT_CHARACTERS, Fact, fact
from sfnwatch.tui.item_detail import ItemDetail, Recorded
from sfnwatch.tui.looks import Looks
from sfnwatch.view import why_words
from sfnwatch.view.call_text import id_word
from sfnwatch.view.completion_words import completion_parts
from sfnwatch.view.match_words import rule_role
from sfnwatch.view.next_states import next_state
from sfnwatch.view.outline_items import Fold
from sfnwatch.view.parts import Part, Role, status_glyph
from sfnwatch.view.task_text import task_text


def item_facts(detail: ItemDetail) -> Iterator[Fact]:
    """Yield what failed, and why, then all else that is known."""
    error, cause = detail.error_and_cause()
    yield fact("error", error, Role.BAD)
    yield fact("location", detail.failed_evaluation)
    yield fact("cause", cause_words(cause or ""))
    yield fact("when", _when(detail))
    execution = detail.execution
    visit = detail.visit
    if execution is not None and len(detail.snapshot.executions) > 1:
        yield fact("execution", execution.name)
    if execution is not None and visit is None:
        yield from _execution_facts(execution)
    if detail.call is not None:
        yield from _call_facts(detail, detail.call)
    if detail.task is not None:
        yield from _task_facts(detail.task, detail.screen_state.looks)
    if visit is not None:
        yield from _visit_facts(detail, visit)
        attempt = detail.attempt
        if attempt is None and len(visit.attempts) == 1:
            attempt = visit.attempts[0]
        if attempt is not None:
            yield from _attempt_facts(detail, attempt, visit)
    yield fact("console", detail.url)


def _when(detail: ItemDetail) -> str:
    """Return the times of an item's records, and how late they were received."""
    rows = detail.events or detail.records
    if not rows or isinstance(detail.item, Fold):
        return ""
    looks = detail.screen_state.looks
    times = [_time_of(row) for row in rows]
    is_call = isinstance(rows[0], ApiCall)
    stamps = dict.fromkeys(_full_time(looks, at, whole=is_call) for at in times)
    words = " · ".join(stamps)
    received = [row.seen_at for row in rows if row.seen_at]
    if not received:
        return words
    seconds = (min(received) - times[0]).total_seconds()
    if seconds < 1:
        return f"{words}, received immediately"
    return f"{words}, received {duration(seconds)} later"


def _time_of(row: Recorded) -> datetime:
    return row.event_time if isinstance(row, ApiCall) else row.at


def _execution_facts(execution: ExecutionAsOf) -> Iterator[Fact]:
    yield _status(execution.status, execution.started_at, execution.stopped_at)
    if execution.redrives:
        yield fact("redrives", str(len(execution.redrives)))
    yield fact("machine", execution.state_machine_arn)
    yield fact("role", execution.role_arn)


def _call_facts(detail: ItemDetail, call: ApiCall) -> Iterator[Fact]:
    """Yield a call and its match; beside events, its record is not all that counts."""
    is_alone = not detail.events
    if is_alone:
        words = f"{call.event_source} {call.event_name}  {call.region or ''}"
        yield fact("call", words, Role.CALL)
    else:
        name = clean(call.event_name, FACT_CHARACTERS)
        yield Fact("made", (Part(name, Role.CALL),), call.key)
    if call.is_network_activity:
        yield fact("network", f"network activity event: {endpoint_words(call)}")
    link = detail.snapshot.link(call)
    if link is not None:
        verdict = why_words.match_verdict(detail.snapshot, call)
        words = verdict.removeprefix("matched to ")
        if _has_unknown_rivals(detail, link):
            words += "; others on this role unknown"
        yield fact("matched", words, rule_role(link))
    if is_alone:
        role = call.role or "?"
        invoked_by = call.invoked_by or "no service"
        yield fact("request ID", call.request_id)
        yield fact("by", f"{role} through {invoked_by}")


def _has_unknown_rivals(detail: ItemDetail, link: Link) -> bool:
    """True if a match is unsure and the other executions of the role are unknown."""
    attempt = detail.attempt
    arn = link.execution_arn
    if link.key is None or link.is_sure or not attempt or not arn:
        return False
    snapshot = detail.snapshot
    others = snapshot.trace.execution_lists.count_others(
        arn, attempt.scheduled_at, attempt.ended_at, snapshot.executions
    )
    return others is None


def _task_facts(state: TaskState, looks: Looks) -> Iterator[Fact]:
    desired = state.desired_status or "?"
    words = f"{state.last_status}, desired {desired}, version {state.version}"
    yield fact("task", words)
    yield fact("matched", f"task ARN {state.task_arn}", Role.EXACT)
    reasons = [reason for reason in (state.stop_code, state.stopped_reason) if reason]
    yield fact("why", ": ".join(reasons), task_text(state).status.role)
    if state.stopped_at is not None:
        yield fact("stopped", _full_time(looks, state.stopped_at))
    for container in state.containers:
        name = container.name or "?"
        words = f"{name}  {container.last_status or '?'}"
        if container.exit_code is not None:
            words += f", exit {container.exit_code}"
        if container.reason:
            words += f", {container.reason}"
        yield fact("container", words, Role.BAD if container.exit_code else Role.PLAIN)


def _visit_facts(detail: ItemDetail, visit: StateVisit) -> Iterator[Fact]:
    """Yield a state's status, the branch a Choice took, and where a Catch went."""
    yield fact("state", f"{visit.path}  {visit.type}")
    yield _status(visit.status, visit.entered_at, visit.ended_at, visit.paused)
    if len(visit.attempts) > 1:
        yield fact("attempts", str(len(visit.attempts)))
    yield from _awaited_facts(detail, visit)
    if visit.type != "Choice" and visit.status != "caught":
        return
    after = next_state(detail.execution, visit)
    if after is not None:
        name = clean(after.name, FACT_CHARACTERS)
        yield Fact("next", (Part(name, Role.NAME),), f"{detail.arn}#{after.id}")


def _awaited_facts(detail: ItemDetail, visit: StateVisit) -> Iterator[Fact]:
    """Yield, by the definition, when a running Wait ends, and the next try comes."""
    execution = detail.execution
    if execution is None:
        return
    looks = detail.screen_state.looks
    ends_at = wait_end(detail.snapshot, execution, visit)
    if ends_at is not None:
        yield fact("ends", f"{_full_time(looks, ends_at)}, by the definition")
    following = next_try(execution, visit)
    if following is not None:
        yield fact("retry", f"{following.words}, by the definition", Role.WARN)
        if following.due_at is not None:
            bound = " at the latest" if following.is_bound else ""
            yield fact("next try", f"{_full_time(looks, following.due_at)}{bound}")


def _attempt_facts(
    detail: ItemDetail, attempt: Attempt, visit: StateVisit
) -> Iterator[Fact]:
    resource = resource_words(attempt)
    yield fact("runs", f"{resource}  {attempt.pattern}", Role.CALL)
    tries = len(visit.attempts)
    if tries > 1:
        number = visit.attempts.index(attempt) + 1
        ending = _ending(attempt.status, attempt.scheduled_at, attempt.ended_at)
        yield fact("attempt", f"{number} of {tries}, {ending}")
    screen_state = detail.screen_state
    key = detail.arn, attempt.scheduled_id
    completion = screen_state.maker.completion(key, attempt)
    if completion is not None:
        yield Fact("completion", completion_parts(completion))
        yield fact("stopped", _full_time(screen_state.looks, completion.stopped_at))
    yield fact("request ID", ", ".join(attempt.request_ids))
    yield fact(id_word(attempt), ", ".join(attempt.resource_ids))


def _status(
    status: str, begin: datetime | None, end: datetime | None, paused: float = 0.0
) -> Fact:
    """Return a status, and the time it took: `✔ succeeded after 5m 09s`."""
    glyph = status_glyph(status)
    words = f"{glyph.text} {_ending(status, begin, end, paused)}"
    if paused:
        words += f", and {duration(paused)} stopped"
    return fact("status", words, glyph.role)


def _ending(
    status: str, begin: datetime | None, end: datetime | None, paused: float = 0.0
) -> str:
    """Return a status, and the time it took: `failed after 3m 51s`."""
    words = status_words(status)
    if begin is None or end is None:
        return words
    seconds = (end - begin).total_seconds() - paused
    return f"{words} after {duration(seconds)}"


def _full_time(looks: Looks, at: datetime, *, whole: bool = False) -> str:
    """Return a time in full: `2023-11-15T00:28:24.102Z`, in another zone `…+09:00`."""
    unit = "seconds" if whole else "milliseconds"
    return looks.at(at).isoformat(timespec=unit).replace("+00:00", "Z")
