"""Decides which of the calls that no id matches are matched, and how surely.

A call is matched only if call and attempt each fit no other. Other executions may work
with the same role, as those of the same state machine do. Then our own record may be
missing while theirs is there, so one fitting attempt alone proves nothing.
"""

import math
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise

from sfnwatch.model.api_call import ApiCall, by_time
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.call_reader import CallReader
from sfnwatch.model.linking.caller import SECOND
from sfnwatch.model.linking.calls_by_text import CallsByText
from sfnwatch.model.linking.candidates import POLLS, Candidates
from sfnwatch.model.linking.clock_skew import NEAR
from sfnwatch.model.linking.evidence import MOST_NAMED, is_general_error
from sfnwatch.model.linking.fit import Fit
from sfnwatch.model.linking.groups import CallGroup, Component
from sfnwatch.model.linking.leaf_comparison import compare_leaves, differ
from sfnwatch.model.linking.leaves import leaves_of_record
from sfnwatch.model.linking.link import (
    AttemptKey,
    Certainty,
    Link,
    LinkRule,
    ambiguous,
)
from sfnwatch.model.linking.role_calls import ABOUT
from sfnwatch.model.linking.windows import Window
from sfnwatch.model.times import from_microseconds, microseconds

_MARGIN = 5 * SECOND
"""How far beyond an attempt's time the calls must be known to be complete."""
_COMPARED = 1000
"""At most this many calls of others are compared with one attempt."""
_ALIKE = "all that can be compared is alike"


class Decisions:
    """Decides the calls of one group, as all of them and their role's are known now."""

    def __init__(self, candidates: Candidates, group: CallGroup) -> None:
        self._candidates = candidates
        self._group = group
        self._role = candidates.role(group.role)
        self._reader: CallReader = candidates.reader
        self._calls = candidates.reader.calls

    def links(self, component: Component) -> Iterator[tuple[ApiCall, Link | None]]:
        """Yield the links of calls and attempts that are connected through fits.

        A link is None where no attempt fits.
        """
        in_order = self._in_order(component)
        for event_id in component[0]:
            call = self._calls[event_id]
            yield call, self._link(call, in_order.get(event_id))

    def _link(self, call: ApiCall, in_order: AttemptKey | None) -> Link | None:
        """Return a call's link; `in_order` is its attempt by the order of time."""
        group = self._group
        crowded = group.crowded.get(call.event_id)
        if crowded is not None:
            return crowded
        by_id = self._candidates.by_id.get(call.event_id)
        fits = group.fits.get(call.event_id, {})
        windows = group.windows
        if not any(windows[key].has(call.microseconds) for key in fits):
            return self._about_a_job(by_id) if by_id else None
        proved = self._proved(call)
        if proved is not None:
            return proved
        if in_order is not None:
            caller = self._candidates.callers[in_order]
            return caller.link(call, LinkRule.ORDER, Certainty.LIKELY, group.role)
        return self._judged(call, by_id)

    def _in_order(self, component: Component) -> dict[str, AttemptKey]:
        """Match n calls to n attempts in the order of time; empty if not possible.

        The attempts must not overlap, and the calls must be at least a second apart.
        """
        event_ids, keys = component
        if len(keys) == 1 or len(event_ids) != len(keys):
            return {}
        group = self._group
        ranked = sorted(keys, key=lambda key: (group.windows[key].first, key))
        attempts = [self._candidates.callers[key].attempt for key in ranked]
        for before, after in pairwise(attempts):
            if before.ended_at is None or before.ended_at > after.scheduled_at:
                return {}
        calls = sorted((self._calls[each] for each in event_ids), key=by_time)
        for first, second in pairwise(calls):
            if second.microseconds - first.microseconds < SECOND:
                return {}
        matched: dict[str, AttemptKey] = {}
        for call, key in zip(calls, ranked, strict=True):
            if not self._is_in_order(call, key):
                return {}
            matched[call.event_id] = key
        return matched

    def _is_in_order(self, call: ApiCall, key: AttemptKey) -> bool:
        """True if a call may be the one action of an attempt, without a doubt."""
        window = self._group.windows[key]
        fit = self._group.fits[call.event_id].get(key)
        if fit is None or window.role is not CallRole.ACTION or call.is_retryable:
            return False
        if not window.has(call.microseconds):
            return False
        return not self._doubt(call, key, strong=bool(fit.equal))

    def _proved(self, call: ApiCall) -> Link | None:
        """Match a call by a task token or an answer that only one attempt has.

        Return None if it has no such proof, or several calls or attempts share it.
        """
        if call.error_code is not None:
            return None
        group = self._group
        fits = group.fits[call.event_id]
        proofs = [key for key, fit in fits.items() if fit.token or fit.answer]
        if len(proofs) != 1:
            return None
        key = proofs[0]
        for event_id in group.calls_of[key] - {call.event_id}:
            is_failed = self._calls[event_id].error_code is not None
            if group.fits[event_id][key].is_proof and not is_failed:
                return None
        caller = self._candidates.callers[key]
        fit = fits[key]
        if fit.answer:
            return caller.link(call, LinkRule.RESOURCE_ID, Certainty.STRONG, fit.answer)
        names = _first_names(fit)
        return caller.link(call, LinkRule.PARAMETERS, Certainty.STRONG, names)

    def _judged(self, call: ApiCall, by_id: Link | None) -> Link:
        """Match a call to the one attempt that fits; else the link has the reason."""
        group = self._group
        fits = group.fits[call.event_id]
        roles = group.roles_of(fits)
        if len(fits) > 1:
            return ambiguous(fits, roles, _ALIKE)
        (key,) = fits
        if by_id is not None and by_id.role is not CallRole.OTHER:
            both = [key, by_id.key] if by_id.key else [key]
            why = "it may be a poll of the one, or the action of the other"
            return ambiguous(both, {*roles, by_id.role}, why)
        rivals = self._rivals(call, key)
        if rivals:
            why = f"{rivals + 1} calls fit this attempt, which made one"
            return ambiguous(fits, roles, why)
        is_strong = bool(fits[key].equal) and group.windows[key].role not in POLLS
        doubt = self._doubt(call, key, strong=is_strong)
        if doubt and is_strong and not self._doubt(call, key, strong=False):
            is_strong = False
            doubt = ""
        if doubt and by_id is not None:
            return self._about_a_job(by_id)
        if doubt:
            return ambiguous(fits, roles, doubt)
        caller = self._candidates.callers[key]
        if not is_strong:
            rule = LinkRule.UNIQUE_CANDIDATE
            return caller.link(call, rule, Certainty.GUESS, group.role)
        is_sole = self._is_sole(call, key)
        certainty = Certainty.STRONG if is_sole else Certainty.LIKELY
        names = _first_names(fits[key])
        return caller.link(call, LinkRule.PARAMETERS, certainty, names)

    def _is_sole(self, call: ApiCall, key: AttemptKey) -> bool:
        """True if only this attempt can have made a call with its parameters.

        That requires that all calls of the role around that time are known, that ids
        match all of them but this one, and that no other execution ran: none of the
        same state machine, and none that an execution here started.
        """
        window = self._group.windows[key]
        attempt = self._candidates.callers[key].attempt
        known = self._candidates.known
        # No slack here: the call must be in the attempt's time by both clocks.
        is_inside = call.microseconds <= microseconds(attempt.answered_at)
        if not (known.live and is_inside) or call.error_code is not None:
            return False
        if window.role is not CallRole.ACTION or window.last == math.inf:
            return False
        unproved = self._role.unproved
        left = unproved.between(window.first - ABOUT, window.last + ABOUT)
        if left != [by_time(call)] or self._reader.has_children():
            return False
        is_complete = known.is_complete(window.last + _MARGIN, call)
        return is_complete and self._count_others(key, window) == 0

    def _about_a_job(self, link: Link) -> Link:
        """Return the link of a call that names an attempt's job.

        The link of a call that another execution may have made becomes ambiguous.
        """
        if link.role is not CallRole.OTHER or link.key is None:
            return link
        life = self._candidates.callers[link.key].life
        has_strangers = self._role.has_strangers(life)
        if self._count_others(link.key, life) == 0 and not has_strangers:
            return link
        why = "it names this attempt's job, which others may ask for too"
        return ambiguous([link.key], [link.role], why)

    def _count_others(self, key: AttemptKey, window: Window) -> int | None:
        """Count the machine's other executions in a window; None if that is unknown.

        The window is widened by what the two clocks may differ.
        """
        first = from_microseconds(window.first - NEAR)
        last = None
        if window.last < math.inf:
            last = from_microseconds(int(window.last) + NEAR)
        return self._reader.count_others(key[0], first, last)

    def _rivals(self, call: ApiCall, key: AttemptKey) -> int:
        """Count the other calls that fit the attempt, which made only one."""
        group = self._group
        window = group.windows[key]
        if window.role in POLLS:
            return 0
        others = group.calls_of[key] - {call.event_id}
        rivals = sum(not self._calls[each].is_retryable for each in others)
        if rivals > 0 and call.is_retryable:
            rivals -= 1  # The SDK itself may have repeated a call that was refused.
        near = self._candidates.skew.near(group.name[0])
        return rivals + group.crowd.any_between(window.first - near, window.last + near)

    def _doubt(self, call: ApiCall, key: AttemptKey, *, strong: bool) -> str:
        """Return why a call may be another's though only one attempt fits, or "".

        Others who work with the role make the same calls. So the call is the attempt's
        own only if the attempt's call must have arrived by now, or if no other
        execution was active. `strong` is True where parameters are equal.
        """
        known = self._candidates.known
        window = self._group.windows[key]
        is_poll = window.role in POLLS
        if is_poll and self._begun_by(key) > 1:
            return "several calls may have begun its job, so another job is polled, too"
        others = self._count_others(key, window)
        has_strangers = self._role.has_strangers(window)
        if others == 0 and not has_strangers:
            return ""
        is_complete = is_poll or known.is_complete(window.last, call)
        if call.is_retryable and not self._is_counted(key):
            return "others may have been refused alike"
        if strong:
            return self._doubt_of_same(call, key, is_complete=is_complete)
        if not is_complete and known.live:
            return "calls are not known up to its end yet"
        if others:
            ran = "1 other execution" if others == 1 else f"{others} other executions"
            return f"{ran} of this machine ran then"
        if has_strangers:
            return "the role made calls then that fit no attempt here"
        return ""

    def _begun_by(self, key: AttemptKey) -> int:
        """Count the successful calls that may have started an attempt's job."""
        caller = self._candidates.callers[key]
        for name in caller.names:
            group = self._role.groups.get(name)
            if group is not None and caller.role_of(name) is CallRole.ACTION:
                calls = [self._calls[each] for each in group.calls_of.get(key, ())]
                return sum(call.error_code is None for call in calls)
        return 0

    def _is_counted(self, key: AttemptKey) -> bool:
        """True if an attempt's cause counts as many calls as are here for it."""
        fitting = len(self._group.calls_of[key])
        answered = len(self._candidates.answers.get(key, ()))
        return self._candidates.callers[key].tries == fitting + answered

    def _doubt_of_same(
        self, call: ApiCall, key: AttemptKey, *, is_complete: bool
    ) -> str:
        """Return why a call with the same parameters may be another's, or "".

        It is not another's if the calls of others around that time are known to differ.
        `is_complete` is True where the calls of the attempt's time are all known.
        """
        attempt = self._candidates.callers[key].attempt
        role = self._group.windows[key].role
        is_answered = attempt.submitted_at is not None or attempt.status == "succeeded"
        if not call.is_retryable:
            if call.error_code is None and not is_answered:
                return "the attempt's own call need not have come through"
            # The attempt's error may be of this call, or of one that was refused.
            calls = [self._calls[each] for each in self._group.calls_of[key]]
            is_retried = any(each.is_retryable for each in calls)
            is_general = attempt.error is None or is_general_error(attempt.error)
            is_open = is_retried and is_general
            is_failed = attempt.status == "failed" and role is not CallRole.OTHER
            if call.error_code is not None and (is_open or not is_failed):
                return "the attempt's own call need not have failed"
        if not is_complete:
            return "calls are not known up to its end yet"
        if not self._candidates.known.live and self._is_alike_about(key):
            return "others made calls with the same parameters around then"
        return ""

    def _is_alike_about(self, key: AttemptKey) -> bool:
        """True if others made a call with an attempt's parameters around its time."""
        window = self._group.windows[key]
        own = self._candidates.attempt_reader.parameters(key, self._group.name)
        begin = window.first - ABOUT
        end = window.last + ABOUT
        alike = self._of_others.like(own, begin, end)
        if len(alike) > _COMPARED:
            return True  # too many to compare: one of them may have the same ones
        for called in alike:
            if not differ(own, called) and compare_leaves(own, called).equal:
                return True
        return False

    @cached_property
    def _of_others(self) -> CallsByText:
        """The calls of the group that no attempt here made, by their parameters."""
        parameters = {}
        for member in self._group.unmatched:
            record = self._reader.cloudtrail_record(self._calls[member[1]])
            parameters[member] = leaves_of_record(record)
        return CallsByText(parameters)


def _first_names(fit: Fit) -> str:
    """Return the names of the first equal parameters, separated by commas."""
    return ", ".join(sorted(fit.equal)[:MOST_NAMED])
