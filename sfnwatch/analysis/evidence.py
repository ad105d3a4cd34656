"""The evidence of a finding: ids of events and calls, and keys of ECS's task states."""

from collections.abc import Iterable, Sequence

from sfnwatch.model.api_call import CALL_KEY, ApiCall
from sfnwatch.model.arns import last_segment
from sfnwatch.model.ecs_task import TASK_KEY
from sfnwatch.model.texts import clean

MOST_PROOFS = 50
"""The most calls or events that are kept as evidence."""
Proofs = Iterable[str | ApiCall]
"""What a finding rests on: calls, ids of events, and keys of ECS's task states."""
_NAMED_IDS = 3
"""How many events or tasks are named in brief evidence."""
_ID_LETTERS = 8
"""The letters to which the id of a task or a call is cut."""


def evidence(items: Proofs) -> tuple[str, ...]:
    """Return each id once; of more than `MOST_PROOFS`, the first and the last."""
    ids: dict[str, None] = {}
    for item in items:
        ids[item.event_id if isinstance(item, ApiCall) else item] = None
    every = tuple(ids)
    if len(every) <= MOST_PROOFS:
        return every
    half = MOST_PROOFS // 2
    return (*every[:half], *every[-half:])


def line_key(evidence: str, arn: str | None) -> str:
    """Return the key of the line that a piece of an execution's evidence names."""
    if evidence.startswith("#"):
        return f"{arn}{evidence}"
    return evidence if "#" in evidence else f"{CALL_KEY}{evidence}"


def brief_evidence(evidence: Sequence[str]) -> str:
    """Return evidence in a few words: `#5 #6, 5 calls 1f0c22ab…`; empty if none."""
    events = []
    tasks = []
    calls = []
    for item in evidence:
        if item.startswith("#"):
            events.append(clean(item))
        elif item.startswith(TASK_KEY):
            arn, _, _ = item.rpartition("#")
            task_id = clean(last_segment(arn))
            tasks.append(f"task {task_id[:_ID_LETTERS]}")
        else:
            calls.append(item)
    parts = (_brief_ids(events), _brief_ids(tasks), _brief_calls(calls))
    return ", ".join(filter(None, parts))


def _brief_ids(ids: Sequence[str]) -> str:
    """Name the first few ids, and add the number of the others."""
    named = " ".join(ids[:_NAMED_IDS])
    if len(ids) <= _NAMED_IDS:
        return named
    if len(ids) >= MOST_PROOFS:
        return f"{named} and more"
    return f"{named} and {len(ids) - _NAMED_IDS} more"


def _brief_calls(calls: Sequence[str]) -> str:
    """Name the first call, and add how many there are: `5 calls 1f0c22ab…`."""
    if not calls:
        return ""
    first = last_segment(clean(calls[0])).removeprefix("row-")
    if len(first) > _ID_LETTERS + 4:
        first = f"{first[:_ID_LETTERS]}…"
    if len(calls) == 1:
        return f"call {first}"
    more = "+" if len(calls) >= MOST_PROOFS else ""
    return f"{len(calls)}{more} calls {first}"
