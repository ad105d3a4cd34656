"""What calls alone show, where no history explains them: what they look like.

What is counted is fact. What a pattern looks like is inference: a call does not say
which state made it, and how an execution ended no call tells.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sfnwatch.trace.call_chains import Chain, build_chains, is_of_job, unexplained
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.finding import Certainty, Finding, certainty, evidence
from sfnwatch.trace.finding_case import FEW
from sfnwatch.trace.finding_chain_groups import alike
from sfnwatch.trace.finding_chain_looks import (
    denied_chain,
    figures,
    judged,
    looks,
    subject,
)
from sfnwatch.trace.finding_children import unread_children
from sfnwatch.trace.finding_failures import is_throttled
from sfnwatch.trace.finding_polls import (
    denied_words,
    interval_figures,
    interval_words,
    is_denied,
)
from sfnwatch.trace.finding_words import named, plural, some, times
from sfnwatch.trace.integrations import CallRole, usual_role
from sfnwatch.trace.timeline import Trace

_NEAR = timedelta(minutes=15)
"""How long before and after an execution a call of its role may have to do with it."""
_MIXED = "nothing in these records tells which polls are whose"


def chain_findings(trace: Trace) -> Iterator[Finding]:
    """Tell of the calls by Step Functions that belong to no execution of the trace."""
    calls = unexplained(trace)
    if trace.timelines:
        # Trails, and CloudTrail asked live, show whatever runs in the account besides.
        strangers = [call for call in calls if not _is_near(call, trace)]
        calls = tuple(call for call in calls if _is_near(call, trace))
        if strangers and "lookup" not in trace.health:
            yield _strange(strangers)
    unread, calls = unread_children(trace, calls)
    yield from unread
    groups: dict[tuple[object, ...], list[Chain]] = defaultdict(list)
    for chain in build_chains(calls):
        if not chain.failed:
            shape = (bool(chain.polls), bool(chain.actions), chain.marked_sync)
            groups[chain.role, chain.row.action, chain.mixed, shape].append(chain)
    blocks = [
        block
        for chains in groups.values()
        for block in ([chains] if len(chains) > FEW else [[chain] for chain in chains])
    ]
    for block in sorted(blocks, key=lambda chains: _order(chains[0].first)):
        if len(block) > 1:
            yield from alike(block)
        else:
            yield from _of_chain(block[0])
    yield from _refused(calls)
    if not trace.timelines:
        yield from _others(calls)


def _is_near(call: ApiCall, trace: Trace) -> bool:
    """True for a call by a role of an execution, made while it ran or soon before."""
    at = call.event_time
    return call.event_id in trace.links and any(
        timeline.started_at is not None
        and timeline.started_at - _NEAR <= at
        and (timeline.stopped_at is None or at <= timeline.stopped_at + _NEAR)
        for timeline in trace.histories.values()
    )


def _strange(calls: Sequence[ApiCall]) -> Finding:
    roles = {call.role for call in calls}
    by = f"by {plural(len(roles), 'other role')}, or at other times"
    return Finding(
        kind="other-calls",
        certainty=Certainty.FACT,
        text=(
            f"{plural(len(calls), 'call')} by Step Functions, made {by}, {_are(calls)}"
            " of no execution in these records."
        ),
        evidence=evidence(call.event_id for call in calls),
        data={"count": len(calls), "roles": len(roles)},
    )


def _are(calls: Sequence[ApiCall]) -> str:
    return "is" if len(calls) == 1 else "are"


def _order(call: ApiCall) -> tuple[datetime, str]:
    return call.event_time, call.event_id


def _of_chain(chain: Chain) -> Iterator[Finding]:
    if chain.actions:
        yield _pattern(chain)
    if chain.polls:
        yield _polling(chain)
        denied = [poll for poll in chain.polls if is_denied(poll)]
        if denied:
            yield denied_chain(chain, denied, len(chain.polls))
    elif chain.actions:
        yield _alone(chain)


def _pattern(chain: Chain) -> Finding:
    pattern, candidates, why = judged(chain)
    which = f"At least one of {subject(chain)}" if chain.mixed else subject(chain)
    return Finding(
        kind="pattern",
        certainty=Certainty.INFERENCE,
        text=(
            f"{which}, by {named(chain.role)}, looks like"
            f" {looks(chain, pattern)}: {why}."
        ),
        evidence=evidence(call.event_id for call in chain.calls),
        data={**figures(chain), "pattern": pattern, "candidates": candidates},
    )


def _alone(chain: Chain) -> Finding:
    action = named(chain.actions[0].event_name)
    stopped = f"; {named(chain.stops[0].event_name)} stopped it" if chain.stops else ""
    none = "these records show no poll after it"
    if chain.guessed:
        none = "the polls after it come as if they were another's"
    return Finding(
        kind="calls",
        certainty=certainty(fact=not chain.guessed),
        text=(
            f"{action} alone, no polling seen: {named(chain.role)} made"
            f" {subject(chain)}, and {none}{stopped}."
        ),
        evidence=evidence(call.event_id for call in chain.calls),
        data={**figures(chain), "count": len(chain.actions), "polls": 0},
    )


# -- polls -----------------------------------------------------------------------


def _polling(chain: Chain) -> Finding:
    polls, action = chain.polls, chain.action
    denied = sum(map(is_denied, polls))
    refused = denied_words(denied, len(polls))
    after = f"After {subject(chain)}, " if chain.actions else ""
    each = f": {_MIXED}" if chain.mixed else interval_words(action, polls)
    spaced = interval_figures(action, [] if chain.mixed else polls)
    return Finding(
        kind="polling",
        # How many polls there were after several actions is counted in any case.
        certainty=certainty(fact=chain.mixed or not chain.guessed),
        text=(
            f"{after}{named(chain.role)} polled {times(len(polls))} with"
            f" {named(polls[0].event_name)}{each}{f'; {refused}' if refused else ''}."
        ),
        evidence=evidence(call.event_id for call in polls),
        data={
            **figures(chain),
            "call": polls[0].event_name,
            "count": len(polls),
            "denied": denied,
            **spaced,
            "mixed": chain.mixed,
        },
    )


# -- the rest --------------------------------------------------------------------


def _refused(calls: Sequence[ApiCall]) -> Iterator[Finding]:
    """Tell of other calls that failed; polls that were denied are told with theirs."""
    groups: dict[tuple[str, str, str], list[ApiCall]] = defaultdict(list)
    for call in calls:
        if call.error_code and not (is_denied(call) and _is_poll(call)):
            key = (call.role or "", call.event_name, call.error_code)
            groups[key].append(call)
    for (role, name, code), those in sorted(groups.items()):
        throttled = is_throttled(those[0])
        verb = "was throttled" if throttled else "failed"
        yield Finding(
            kind="throttled-calls" if throttled else "failed-calls",
            certainty=Certainty.FACT,
            text=(
                f"{named(name)} by {named(role)} {verb} {times(len(those))}"
                f" with {named(code)}."
            ),
            evidence=evidence(call.event_id for call in those),
            data={"role": role, "call": name, "error_code": code, "count": len(those)},
        )


def _is_poll(call: ApiCall) -> bool:
    return usual_role(call.event_source, call.event_name) is CallRole.POLL


def _others(calls: Sequence[ApiCall]) -> Iterator[Finding]:
    """Count the calls of a role that have to do with no job."""
    by_role: dict[str, list[ApiCall]] = defaultdict(list)
    for call in calls:
        if not is_of_job(call):
            by_role[call.role or ""].append(call)
    for role, those in sorted(by_role.items()):
        counts: dict[str, int] = defaultdict(int)
        for call in those:
            service = call.event_source.removesuffix(".amazonaws.com")
            counts[f"{service}:{call.event_name}"] += 1
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        yield Finding(
            kind="calls",
            certainty=Certainty.FACT,
            text=(
                f"{named(role)} made {plural(len(those), 'other call')}:"
                f" {some([f'{n} {named(name)}' for name, n in ranked], 5)}."
            ),
            evidence=evidence(call.event_id for call in those),
            data={
                "role": role or None,
                "count": len(those),
                "calls": dict(ranked[:50]),
            },
        )
