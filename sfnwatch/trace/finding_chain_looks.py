"""What a chain of calls looks like, and the figures that all its findings have."""

from collections.abc import Sequence
from typing import Any

from sfnwatch.trace.call_chains import Chain
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.finding import Certainty, Finding, evidence
from sfnwatch.trace.finding_polls import denied_words
from sfnwatch.trace.finding_words import named


def figures(chain: Chain) -> dict[str, Any]:
    """Give what all findings of a chain have: whose calls, of what."""
    first = chain.first
    return {
        "visit": None,
        "attempt": None,
        "role": chain.role,
        "resource": f"{chain.row.resource_type}:{chain.row.action}",
        "call": first.event_name,
        "at": f"{first.event_time:%Y-%m-%dT%H:%M:%SZ}",
        "actions": len(chain.actions),
    }


def subject(chain: Chain) -> str:
    """Name the action with its time, which tells it from others like it."""
    first, *others = chain.actions
    name = named(first.event_name)
    if others:
        last = others[-1].event_time
        return (
            f"{len(chain.actions)} {name} from {first.event_time:%Y-%m-%d %H:%M:%S}"
            f" to {last:%H:%M:%S} UTC"
        )
    return f"{name} at {first.event_time:%Y-%m-%d %H:%M:%S} UTC"


def looks(chain: Chain, pattern: str | None) -> str:
    name = f"{chain.row.resource_type}:{chain.row.action}"
    if pattern:
        return f"an optimised integration with .sync ({name}.sync)"
    return (
        f"request-response ({name}) or an AWS SDK integration (aws-sdk:{name}), which"
        " calls alone can't tell apart"
    )


def judged(chain: Chain) -> tuple[str | None, list[str], str]:
    """Say which pattern it looks like, which it may be, and why."""
    both = ["request-response", "aws-sdk"]
    if chain.marked_sync:
        return "sync", ["sync"], 'it is "startedBy" AWS Step Functions, as .sync\'s are'
    if chain.polls:
        poll = named(chain.polls[0].event_name)
        return "sync", ["sync"], f"the same role then polled with {poll}, as .sync does"
    if chain.marked_sync is False:
        return (
            None,
            both,
            'it bears no "startedBy" as that of .sync, and no poll follows',
        )
    follows = "the polls that follow it come as if they were another's"
    if not chain.guessed:
        follows = "no poll follows it"
    return (
        None,
        [*both, "sync"],
        f"{follows} (nor would one follow a .sync job that ended within a minute)",
    )


def denied_chain(chain: Chain, denied: Sequence[ApiCall], polls: int) -> Finding:
    return Finding(
        kind="denied-unknown",
        certainty=Certainty.FACT,
        text=(
            f"{denied_words(len(denied), polls)}"
            f" ({named(denied[0].error_code)}). Whether that mattered is open: calls"
            " alone do not show how an execution ended, and the outcome is not in these"
            " records."
        ),
        evidence=evidence(call.event_id for call in denied),
        data={
            **figures(chain),
            "count": len(denied),
            "polls": polls,
            "error_code": denied[0].error_code,
        },
    )
