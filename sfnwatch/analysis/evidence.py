"""The evidence of a finding: ids of events and calls, and keys of ECS's task states."""

from collections.abc import Iterable, Sequence

from sfnwatch.model.api_call import CALL_KEY, ApiCall
from sfnwatch.model.arns import last_segment
from sfnwatch.model.ecs_task import TASK_KEY
from sfnwatch.model.texts import clean

MOST = 50
"""The most calls or events that are kept as evidence."""
Proofs = Iterable[str | ApiCall]
"""What a finding rests on: calls, ids of events, and keys of ECS's task states."""
_NAMED = 3
_ID = 8


def evidence(items: Proofs) -> tuple[str, ...]:
    """Return each id once; of more than `MOST`, the first and the last."""
    ids = (item.event_id if isinstance(item, ApiCall) else item for item in items)
    every = tuple(dict.fromkeys(ids))
    half = MOST // 2
    return every if len(every) <= MOST else (*every[:half], *every[-half:])


def line_key(evidence: str, arn: str | None) -> str:
    """Return the key of the line that a piece of an execution's evidence names."""
    if evidence.startswith("#"):
        return f"{arn}{evidence}"
    return evidence if "#" in evidence else f"{CALL_KEY}{evidence}"


def brief_evidence(evidence: Sequence[str]) -> str:
    """Return evidence in a few words: `#5 #6, 5 calls 1f0c22ab…`; empty if none."""
    events = [clean(item) for item in evidence if item.startswith("#")]
    arns = [i.rpartition("#")[0] for i in evidence if i.startswith(TASK_KEY)]
    tasks = [f"task {clean(last_segment(arn))[:_ID]}" for arn in arns]
    calls = [item for item in evidence if not item.startswith(("#", TASK_KEY))]
    parts = (_few(events), _few(tasks), _calls(calls))
    return ", ".join(part for part in parts if part)


def _few(items: Sequence[str]) -> str:
    more = len(items) - _NAMED
    named = " ".join(items[:_NAMED])
    if more <= 0:
        return named
    return f"{named} and more" if len(items) >= MOST else f"{named} and {more} more"


def _calls(calls: Sequence[str]) -> str:
    if not calls:
        return ""
    first = last_segment(clean(calls[0])).removeprefix("row-")
    short = f"{first[:_ID]}…" if len(first) > _ID + 4 else first
    more = "+" if len(calls) >= MOST else ""
    return f"call {short}" if len(calls) == 1 else f"{len(calls)}{more} calls {short}"
