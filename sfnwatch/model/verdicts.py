"""Which of those that may have made a call did, and why it is not said of the others.

Both sides must have but one partner; and if others work with the same role, as other
executions of the machine do, our own record may be missing while theirs is there.
"""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from itertools import pairwise

from msgspec.structs import replace

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.candidates import (
    NEAR,
    POLLS,
    CallGroup,
    Candidates,
    member_of,
)
from sfnwatch.model.evidence import (
    NAMED,
    SECOND,
    Caller,
    Window,
    is_retryable,
    life_of,
    role_in,
)
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.links import AttemptKey, Link, LinkRule
from sfnwatch.model.values import from_microseconds

Others = Callable[[str, datetime, datetime | None], int | None]
"""Counts the executions of an execution's machine that ran in a time and are not
watched; None where that is not known."""


class Verdicts:
    """Decides on the calls of a group that hang together."""

    def __init__(
        self,
        candidates: Candidates,
        others: Others,
        role_only: Callable[[str], Link | None],
    ) -> None:
        """`role_only` makes the link of a call that nobody here fits, by its role."""
        self._all, self._others, self._role_only = candidates, others, role_only
        self._calls, self._callers = candidates.calls, candidates.callers
        self._skew, self._unexplained = candidates.skew, candidates.unexplained
        self._known, self._by_job = candidates.known, candidates.by_job

    def of(
        self, group: CallGroup, calls: Collection[str], keys: Collection[AttemptKey]
    ) -> Iterator[tuple[ApiCall, Link | None]]:
        """Give the links of calls and attempts that hang together."""
        in_order = self._in_order(group, calls, keys)
        for event_id in calls:
            call = self._calls[event_id]
            at = call.moment
            fits = group.fits.get(event_id, {})
            inside = [key for key in sorted(fits) if group.window(key).meets(at, at)]
            by_job = self._by_job.get(event_id)
            if event_id in group.crowded:
                yield call, self._crowded_link(group, call)
            elif not inside and by_job is not None:
                yield call, self._about_a_job(call, by_job)
            elif not inside:
                yield call, self._role_only(group.role)
            elif event_id in in_order:
                caller = self._callers[in_order[event_id]]
                yield call, make_link(call, caller, LinkRule.ORDER, group.role)
            else:
                yield call, self._judged(group, call, inside)

    def _in_order(
        self, group: CallGroup, calls: Collection[str], keys: Collection[AttemptKey]
    ) -> dict[str, AttemptKey]:
        """Match n calls to n attempts, one after another, if they can be told apart."""
        if len(keys) == 1 or len(calls) != len(keys):
            return {}
        ranked = sorted(keys, key=lambda key: (group.window(key).first, key))
        made = sorted(member_of(self._calls[each]) for each in calls)
        for before, after in pairwise(ranked):
            ended = self._callers[before].attempt.ended_at
            if ended is None or ended > self._callers[after].attempt.scheduled_at:
                return {}
        if any(after[0] - before[0] < SECOND for before, after in pairwise(made)):
            return {}
        found: dict[str, AttemptKey] = {}
        for (at, event_id), key in zip(made, ranked, strict=True):
            window, call = group.window(key), self._calls[event_id]
            fits = key in group.fits.get(event_id, ()) and window.meets(at, at)
            is_one = window.role is CallRole.ACTION and not is_retryable(call)
            if not fits or not is_one:
                return {}
            strong = bool(group.fits[event_id][key])
            if self._doubt(group, call, key, strong=strong):
                return {}
            found[event_id] = key
        return found

    def _judged(
        self, group: CallGroup, call: ApiCall, inside: list[AttemptKey]
    ) -> Link:
        """Match a call to the one attempt that fits, or say why not."""
        fits = group.fits[call.event_id]
        by_job = self._by_job.get(call.event_id)
        callers = [self._callers[key] for key in sorted(fits)]
        if len(fits) > 1:
            return ambiguous(call, callers, "nothing tells these attempts apart")
        (key,) = inside
        equal = fits[key]
        rivals = self._rivals(group, call, key)
        if rivals:
            why = f"{rivals + 1} calls fit this attempt, which made one"
            return ambiguous(call, callers, why)
        if by_job is not None and by_job.role is not CallRole.OTHER:
            holder = self._callers[by_job.key] if by_job.key else callers[0]
            why = "it may be a poll of the one, or the action of the other"
            return ambiguous(call, [*callers, holder], why)
        is_strong = bool(equal) and group.window(key).role not in POLLS
        doubt = self._doubt(group, call, key, strong=is_strong)
        if doubt and is_strong and not self._doubt(group, call, key, strong=False):
            is_strong, doubt = False, ""
        if doubt and by_job is not None:
            return self._about_a_job(call, by_job)
        if doubt:
            return ambiguous(call, callers, doubt)
        if is_strong:
            why = ", ".join(sorted(equal)[:NAMED])
            return make_link(call, callers[0], LinkRule.PARAMETERS, why)
        return make_link(call, callers[0], LinkRule.UNIQUE_CANDIDATE, group.role)

    def _about_a_job(self, call: ApiCall, link: Link) -> Link:
        """Match a call that names an attempt's job, though it need not have made it."""
        if link.role is not CallRole.OTHER or link.key is None:
            return link
        caller = self._callers[link.key]
        life = life_of(caller)
        unexplained = self._unexplained.are_about(call.role or "", life)
        if self._count_others(link.key, life) == 0 and not unexplained:
            return link
        why = "it names this attempt's job, which others may ask for too"
        return ambiguous(call, [caller], why)

    def _count_others(self, key: AttemptKey, window: Window) -> int | None:
        """Count other executions of the machine in a time, as both clocks have it."""
        last = None if window.last is None else from_microseconds(window.last + NEAR)
        return self._others(key[0], from_microseconds(window.first - NEAR), last)

    def _rivals(self, group: CallGroup, call: ApiCall, key: AttemptKey) -> int:
        """Count the other calls that may be the one that an attempt made."""
        window = group.window(key)
        if window.role in POLLS:
            return 0
        others = (self._calls[e] for e in group.calls_of[key] if e != call.event_id)
        rivals = sum(not is_retryable(other) for other in others)
        # One that was refused may have been tried again, by the SDK itself.
        rivals -= rivals > 0 and is_retryable(call)
        near = self._skew.near
        last = None if window.last is None else window.last + near
        return rivals + group.has_crowd(window.first - near, last)

    def _doubt(
        self, group: CallGroup, call: ApiCall, key: AttemptKey, *, strong: bool
    ) -> str:
        """Say why a call may be another's though but one attempt fits; or nothing.

        Others who work with the role make the same calls: ours is the one only if it
        must be there by now, or if nobody else was about.
        """
        window = group.window(key)
        others = self._count_others(key, window)
        unexplained = self._unexplained.are_about(group.role, window)
        if others == 0 and not unexplained:
            return ""
        is_one = window.role not in POLLS
        complete = not is_one or self._known.is_complete(window.last, call)
        if strong:
            return self._doubt_of_same(group, call, key, complete=complete)
        if is_retryable(call) and not self._is_counted(group, key):
            return "others may have been refused alike"
        if not complete and self._known.live:
            return "calls are not known up to its end yet"
        if others:
            ran = "1 other execution" if others == 1 else f"{others} other executions"
            return f"{ran} of this machine ran then"
        if unexplained:
            return "the role made calls then that fit no attempt here"
        return ""

    def _doubt_of_same(
        self, group: CallGroup, call: ApiCall, key: AttemptKey, *, complete: bool
    ) -> str:
        """Say why a call with the same parameters may be another's; or nothing.

        It is not if those of others about are seen to be different.
        """
        attempt, window = self._callers[key].attempt, group.window(key)
        answered = attempt.submitted_at is not None or attempt.status == "succeeded"
        if is_retryable(call):
            # Whoever made it may have been refused like others, any number of times.
            if not self._is_counted(group, key):
                return "others may have been refused alike"
        elif call.error_code is None and not answered:
            return "the attempt's own call need not have come through"
        elif call.error_code is not None and (
            attempt.status != "failed" or window.role is CallRole.OTHER
        ):
            return "the attempt's own call need not have failed"
        if not complete:
            return "calls are not known up to its end yet"
        if not self._known.live and self._all.is_alike_about(group, key):
            return "others made calls with the same parameters around then"
        return ""

    def _is_counted(self, group: CallGroup, key: AttemptKey) -> bool:
        """Tell whether an attempt's cause counts just the calls that are about."""
        made = len(group.calls_of[key]) + self._all.answers(key)
        return self._callers[key].tries == made

    def _crowded_link(self, group: CallGroup, call: ApiCall) -> Link:
        count, keys = group.crowded[call.event_id]
        callers = [self._callers[key] for key in keys if key in self._callers]
        why = "nothing tells these attempts apart"
        link = ambiguous(call, callers, why)
        return replace(link, unlisted=count - len(callers))


def make_link(call: ApiCall, caller: Caller, rule: LinkRule, why: str) -> Link:
    """Make a link, once of those that are alike: a job's polls share theirs."""
    key = call.name, rule, why
    if key not in caller.links:
        caller.links[key] = Link(
            rule=rule,
            role=role_in(caller.attempt, call.name),
            execution_arn=caller.key[0],
            visit_id=caller.attempt.visit_id,
            attempt_id=caller.key[1],
            evidence=why,
        )
    return caller.links[key]


def ambiguous(call: ApiCall, callers: Collection[Caller], why: str) -> Link:
    roles = {role_in(caller.attempt, call.name) for caller in callers}
    arns = {caller.key[0] for caller in callers}
    return Link(
        rule=LinkRule.AMBIGUOUS,
        role=next(iter(roles)) if len(roles) == 1 else CallRole.OTHER,
        execution_arn=next(iter(arns)) if len(arns) == 1 else None,
        candidates=tuple(sorted({caller.key for caller in callers})),
        reason=why,
    )
