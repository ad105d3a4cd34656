"""Lines that were put in their places batch by batch are those made of all at once."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.trace import Trace
from sfnwatch.view.outline import Outline
from sfnwatch.view.outline_items import Fold
from sfnwatch.view.outline_options import OutlineOptions
from tests import builders as aws
from tests.builders import SYNC, TASK_ARN, History, answer, call
from tests.tui.screens import recorded

NAMES = ("demo-distributed", "demo-sync", "moto-together", "moto-shared-role")
OPTIONS = (
    OutlineOptions(),
    OutlineOptions(folds=False),
    OutlineOptions(hidden_services=frozenset({"ecs.amazonaws.com"})),
    OutlineOptions(aligned=True),
)
CALLS = (RecordKind.LOOKUP, RecordKind.TRAIL)


def _told(outline: Outline) -> list[Any]:
    """Tell of each line what it is, what stands behind it, and which call on it."""
    found: list[Any] = [outline.filtered]
    for item in outline.items:
        members = [each.key for each in item.members] if isinstance(item, Fold) else ()
        order, call = outline.order, None
        if isinstance(item, HistoryEvent):
            call = order.attached_call(item)
        found.append((item.key, members, call and call.key))
    return found


def _orders(records: Sequence[Received]) -> dict[str, list[Received]]:
    calls = [each for each in records if each.kind in CALLS]
    others = [each for each in records if each.kind not in CALLS]
    return {
        "as they came": list(records),
        "calls before what made them, newest first": [*calls[::-1], *others],
        "calls late, newest first": [*others, *calls[::-1]],
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1, 7, 40])
def test_an_outline_kept_up_equals_one_made_anew(name: str, size: int) -> None:
    rng = random.Random(size)  # noqa: S311 - the same moments each time
    for order, records in _orders(recorded(name)).items():
        trace = Trace()
        kept = [Outline(trace, options) for options in OPTIONS]
        for first in range(0, len(records), size):
            changed = trace.add(records[first : first + size])
            for outline in kept:
                outline.update(changed)
            if rng.random() < size / 100 or first + size >= len(records):
                for outline in kept:
                    anew = Outline(trace, outline.options)
                    assert _told(outline) == _told(anew), (order, first)


def test_a_call_leaves_the_fold_of_a_child_whose_role_another_has_too() -> None:
    role = aws.ROLE.replace("sync", "archive")
    parent = [each for each in aws.nested_run() if each.execution_arn == aws.ARN]
    child = aws.History(aws.CHILD_ARN, begin=1).start(role)
    seen = aws.call("ListBuckets", 2, key="seen", source="s3.amazonaws.com", role=role)
    other = aws.History(aws.OTHER_ARN, begin=4).start(role)
    trace = Trace()
    outline = Outline(trace)
    for records in (parent, child.records, [seen]):
        outline.update(trace.add(records))
    assert isinstance(outline.line_of("call#seen"), Fold)
    outline.update(trace.add(other.records))
    assert outline.line_of("call#seen") is trace.calls["seen"]
    assert _told(outline) == _told(Outline(trace))


def test_states_of_a_task_have_lines_once_an_attempt_is_seen_to_have_it() -> None:
    run, life = aws.sync_history(), aws.task_life()
    trace = Trace()
    outline = Outline(trace)
    for records in (run[:2], life[:2], [*run[2:], *life[2:]]):
        outline.update(trace.add(records))
        assert _told(outline) == _told(Outline(trace))
    lines = [item.key for item in outline.items if item.key.startswith("task#")]
    assert len(lines) == len(life)


def test_one_that_started_first_and_comes_last_is_what_others_are_aligned_to() -> None:
    late = aws.History(aws.ARN, begin=40).start().state("A").state("B").end()
    early = aws.History(aws.OTHER_ARN).start().state("C").end()
    trace = Trace()
    outline = Outline(trace, OutlineOptions(aligned=True))
    for history in (late, early):
        outline.update(trace.add(history.records))
    assert _told(outline) == _told(Outline(trace, outline.options))


@pytest.mark.parametrize("named", [True, False])
def test_a_call_comes_after_the_event_that_first_tells_the_id_it_names(
    *, named: bool
) -> None:
    """CloudTrail has whole seconds: one of the same second would come before it."""
    run = History().start().task("Work", SYNC, submitted=answer("r", TASK_ARN), lasts=9)
    named_task = {"tasks": [TASK_ARN]} if named else {"cluster": "c"}
    poll = call("DescribeTasks", 0, key="poll", parameters=named_task)
    for records in ([*run.records, poll], [poll, *run.records]):
        trace = Trace()
        for record in records:
            trace.add([record])
        items = Outline(trace, OutlineOptions(folds=False)).items
        kinds = [i.type if isinstance(i, HistoryEvent) else "poll" for i in items]
        assert ("poll" in kinds[kinds.index("TaskSubmitted") :]) is named
