"""One thing that a trace shows: a sentence with its evidence and its certainty."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from sfnwatch.trace.arns import last_segment
from sfnwatch.trace.task_states import TASK_KEY
from sfnwatch.trace.text import clean

MOST = 50
"""Of very many calls or events, so many are evidence enough."""
_NAMED = 3
_ID = 8


class Certainty(StrEnum):
    FACT = "fact"
    INFERENCE = "inference"


class Finding(Struct, frozen=True):
    """One explained sentence."""

    kind: str
    certainty: Certainty
    text: str
    evidence: tuple[str, ...] = ()
    """Ids of history events (`#5`) and of calls that it rests on, and of what ECS told
    of tasks their keys: `task#`, the task's ARN, `#` and the version."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Its figures: seconds and counts, as JSON values."""
    execution_arn: str | None = None
    """The execution it is about; None for the trace as a whole."""


def certainty(*, fact: bool) -> Certainty:
    return Certainty.FACT if fact else Certainty.INFERENCE


def evidence(items: Iterable[str]) -> tuple[str, ...]:
    """Give each id once; of very many the first and the last."""
    found = tuple(dict.fromkeys(items))
    if len(found) <= MOST:
        return found
    half = MOST // 2
    return (*found[:half], *found[-half:])


def brief_evidence(finding: Finding) -> str:
    """Name the evidence in a few words: `#5 #6, 5 calls 1f0c22ab…`; empty if none."""
    events = [item for item in finding.evidence if item.startswith("#")]
    tasks = [item for item in finding.evidence if item.startswith(TASK_KEY)]
    other = (item for item in finding.evidence if item not in tasks)
    calls = [item for item in other if not item.startswith("#")]
    told = [_few(events), _few([task_evidence(item) for item in tasks]), _calls(calls)]
    return ", ".join(part for part in told if part)


def task_evidence(item: str) -> str:
    """Name what ECS told of a task in a few words: `task 9f018ef6`."""
    task, _, _ = item.removeprefix(TASK_KEY).rpartition("#")
    return f"task {clean(last_segment(task))[:_ID]}"


def _few(events: Sequence[str]) -> str:
    more = len(events) - _NAMED
    named = " ".join(clean(item) for item in events[:_NAMED])
    if more <= 0:
        return named
    return f"{named} and more" if len(events) >= MOST else f"{named} and {more} more"


def _calls(calls: Sequence[str]) -> str:
    if not calls:
        return ""
    first = last_segment(clean(calls[0])).removeprefix("row-")
    short = f"{first[:_ID]}…" if len(first) > _ID + 4 else first
    if len(calls) == 1:
        return f"call {short}"
    count = f"{MOST}+" if len(calls) >= MOST else f"{len(calls)}"
    return f"{count} calls {short}"
