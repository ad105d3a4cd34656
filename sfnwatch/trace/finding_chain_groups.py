"""Very many chains of calls of one role and action, told of together."""

from collections.abc import Iterator, Sequence
from statistics import mean

from sfnwatch.trace.call_chains import Chain
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.finding import Certainty, Finding, evidence
from sfnwatch.trace.finding_chain_looks import denied_chain, figures, judged, looks
from sfnwatch.trace.finding_polls import denied_words, intervals, is_denied
from sfnwatch.trace.finding_words import cadence, named, times


def alike(chains: Sequence[Chain]) -> Iterator[Finding]:
    """Tell of very many chains of one role and action together."""
    first = chains[0]
    polls = [poll for chain in chains for poll in chain.polls]
    actions = [call for chain in chains for call in chain.actions]
    many = {"actions": len(actions), "chains": len(chains)}
    named_calls = evidence(call.event_id for chain in chains for call in chain.calls)
    role = named(first.role)
    made = f"{named(actions[0].event_name)} {times(len(actions))}" if actions else ""
    if actions:
        pattern, candidates, _ = judged(first)
        yield Finding(
            kind="pattern",
            certainty=Certainty.INFERENCE,
            text=f"{role} made {made}: each looks like {looks(first, pattern)}.",
            evidence=named_calls,
            data={
                **figures(first),
                **many,
                "pattern": pattern,
                "candidates": candidates,
            },
        )
    if polls:
        yield from _polled_alike(chains, polls, f"After {made}, " if made else "")
    else:
        yield Finding(
            kind="calls",
            certainty=Certainty.FACT,
            text=(
                f"No polling seen: {role} made {made}, and these records show no poll"
                " after them."
            ),
            evidence=named_calls,
            data={**figures(first), **many, "count": len(actions), "polls": 0},
        )


def _polled_alike(
    chains: Sequence[Chain], polls: Sequence[ApiCall], after: str
) -> Iterator[Finding]:
    first = chains[0]
    denied = [poll for poll in polls if is_denied(poll)]
    refused = f"; {denied_words(len(denied), len(polls))}" if denied else ""
    gaps = [gap for chain in chains for gap in _gaps(chain)]
    often = f", {cadence(mean(gaps))}" if gaps else ""
    yield Finding(
        kind="polling",
        certainty=Certainty.FACT,
        text=(
            f"{after}{named(first.role)} polled {times(len(polls))} with"
            f" {named(polls[0].event_name)}{often}{refused}."
        ),
        evidence=evidence(poll.event_id for poll in polls),
        data={
            **figures(first),
            "actions": sum(len(chain.actions) for chain in chains),
            "chains": len(chains),
            "call": polls[0].event_name,
            "count": len(polls),
            "denied": len(denied),
            "interval_mean": round(mean(gaps), 1) if gaps else None,
            "interval_min": min(gaps, default=None),
            "interval_max": max(gaps, default=None),
        },
    )
    if denied:
        yield denied_chain(first, denied, len(polls))


def _gaps(chain: Chain) -> Sequence[float]:
    return () if chain.mixed else intervals(chain.action, chain.polls)
