"""Calls that no history explains, as chains: an action, and the polls after it.

With CloudTrail alone this is as near to an execution as one gets.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from sfnwatch.trace.call_weaving import rows_of, weave
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.integrations import Integration
from sfnwatch.trace.links import Rule
from sfnwatch.trace.payload import text_of
from sfnwatch.trace.timeline import Trace

_XRAY = "xray.amazonaws.com"
_SYNC_MARK = "AWS Step Functions"


class Chain(Struct, frozen=True):
    """What was called for one job; for several, where nothing tells them apart."""

    role: str | None
    row: Integration
    actions: tuple[ApiCall, ...]
    """One, as a rule; none where the records begin after it."""
    polls: tuple[ApiCall, ...]
    stops: tuple[ApiCall, ...]
    paired: bool = True
    """False if the polls name their job, but which action began it is a guess."""
    guessed: bool = False
    """True if it is by their rhythm alone that polls are its, or another's."""

    @property
    def first(self) -> ApiCall:
        return min(self.calls, key=_place)

    @property
    def mixed(self) -> bool:
        return len(self.actions) > 1

    @property
    def failed(self) -> bool:
        """True if AWS refused the action: there was no job."""
        return len(self.actions) == 1 and self.actions[0].error_code is not None

    @property
    def action(self) -> ApiCall | None:
        """The action its polls may be counted from."""
        return self.actions[0] if len(self.actions) == 1 and self.paired else None

    @property
    def calls(self) -> tuple[ApiCall, ...]:
        return (*self.actions, *self.polls, *self.stops)

    @property
    def marked_sync(self) -> bool | None:
        """Tell if the action bears the mark of `.sync`; None where that can't be seen.

        Only `.sync` has ECS note who started the task.
        """
        action = self.actions[0] if self.actions else None
        if action is None or self.row.resource_type != "ecs":
            return None
        parameters = action.raw.get("requestParameters")
        if not isinstance(parameters, Mapping):
            return None
        return text_of(parameters.get("startedBy")) == _SYNC_MARK


def unexplained(trace: Trace) -> tuple[ApiCall, ...]:
    """Give the calls by Step Functions that no attempt explains, in order."""
    links = trace.links

    def alone(call: ApiCall) -> bool:
        link = links.get(call.event_id)
        return link is None or link.rule is Rule.ROLE_ONLY

    return tuple(
        call
        for call in trace.ordered_calls
        if call.event_source != _XRAY and _by_step_functions(call) and alone(call)
    )


def _by_step_functions(call: ApiCall) -> bool:
    """True for its calls, and for rows that don't say whose they are."""
    if call.by_step_functions:
        return True
    says = call.user_agent or text_of(call.raw.get("invokedby"))
    return not call.whole and call.session_name is not None and not says


def is_of_job(call: ApiCall) -> bool:
    """True for a call that begins a job, asks for one, or stops it."""
    return bool(rows_of(call))


def build_chains(calls: Iterable[ApiCall]) -> tuple[Chain, ...]:
    """Build the chains of calls given in order, those of each role apart."""
    groups: dict[tuple[object, ...], list[ApiCall]] = defaultdict(list)
    for call in calls:
        if is_of_job(call):
            place = (call.role, call.account_id, call.region, call.event_source)
            groups[place].append(call)
    chains = [
        Chain(
            role=group[0].role,
            row=strand.row,
            actions=_in_order(strand.actions),
            polls=_in_order(strand.polls),
            stops=_in_order(strand.stops),
            paired=strand.paired,
            guessed=strand.guessed,
        )
        for group in groups.values()
        for strand in weave(group)
    ]
    return tuple(sorted(chains, key=lambda chain: _place(chain.first)))


def _in_order(calls: Iterable[ApiCall]) -> tuple[ApiCall, ...]:
    return tuple(sorted(calls, key=_place))


def _place(call: ApiCall) -> tuple[datetime, str]:
    return call.event_time, call.event_id
