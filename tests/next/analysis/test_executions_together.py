"""Map Runs, child executions, and what several executions show together."""

from typing import Any

import pytest

from sfnwatch.next.analysis.finding import Certainty, Finding
from sfnwatch.next.analysis.findings import find
from sfnwatch.next.model.records import Received
from tests.next.analysis.finding_in import (
    explained,
    found,
    reasons,
    run_task,
    trace_of,
)
from tests.next.builders import (
    ARN,
    CHILD_ARN,
    MAP_RUN_ARN,
    NESTED,
    OTHER_ARN,
    REQUEST_RESPONSE,
    History,
    answer,
    call,
    counted,
    health,
    map_child,
    nested_run,
    photos,
    sync_history,
    sync_run,
)

# -- Map Runs --------------------------------------------------------------------------


def test_a_map_run_is_told_with_its_failures_first() -> None:
    (told,) = found(*photos())["children"]
    assert told.text == (
        "Each ran 4 items as 4 child executions: 1 failed and 3 succeeded (1 FAILED)."
        " 2 of the 4 child histories were read."
    )
    assert told.certainty is Certainty.FACT
    assert told.evidence == ("#4",)
    assert (told.data["failed"], told.data["errors"]) == (1, {"FAILED": 1})


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"succeeded": 3}, "3 child executions: all of them succeeded."),
        ({"succeeded": 1}, "1 child execution: it succeeded."),
        ({"running": 2, "pending": 1}, "child executions: 2 running and 1 pending."),
        ({"timedOut": 1, "aborted": 2}, "1 timed out and 2 were aborted."),
        ({}, "0 child executions: none has started. No child has run yet."),
    ],
)
def test_what_became_of_child_executions_is_counted(
    counts: dict[str, Any], words: str
) -> None:
    run = History().start().map_run("Each", MAP_RUN_ARN)
    assert words in found(*run.records, counted(**counts))["children"][0].text


def test_children_that_were_not_read_are_told_with_calls_that_may_be_theirs() -> None:
    told = reasons(found(*photos(), run_task(7, 3), arn=None))["children-unread"]
    assert told.text == (
        "2 of the 4 child executions of Map Run Each 276e5993 were counted but not"
        " read; 1 call by that role may belong to them (1 RunTask)."
    )
    assert told.evidence == ("run-7-3",)
    assert told.data["map_run"] == MAP_RUN_ARN


def test_what_child_executions_did_is_found_too() -> None:
    told = found(*photos(), arn=map_child(0))
    assert "unseen" not in told
    assert "time" not in told, "its one state takes no time of its own"
    retried = History(CHILD_ARN).start().task("Archive", retried=["E"]).end()
    records = [r for r in nested_run() if r.execution_arn == ARN]
    assert "retries" in found(*records, *retried.records, arn=CHILD_ARN)


def test_a_child_execution_that_failed_is_told_with_its_error() -> None:
    submitted = {"ExecutionArn": CHILD_ARN, **answer("req-start")}
    run = History().start().task("Ask", NESTED, submitted=submitted, error="E")
    child = History(CHILD_ARN, begin=1).start().end("Failed", error="Oops", cause="No.")
    (failed,) = found(*run.records, *child.records)["child-failed"]
    assert failed.text == (
        "The child execution started by Ask, archive › run-7f3a-child, ended as FAILED"
        " with Oops: No."
    )
    assert failed.evidence == ("#3",)
    assert failed.data["execution"] == CHILD_ARN


# -- several ways ----------------------------------------------------------------------


def three_ways(*, denied: bool = False) -> list[Received]:
    """Build two ways of the experiment: a `.sync` run, and one that left its task."""
    task = "arn:aws:ecs:ap-northeast-1:123456789012:task/my-cluster/" + "0" * 32
    output = answer("other", task)
    other = History(OTHER_ARN).start()
    other.task("ECS RunTask", REQUEST_RESPONSE, output=output).end()
    made = call("RunTask", 0, key="other", request_id="other")
    return [*sync_run(denied=denied), *other.records, made]


def conclusions(*records: Received) -> list[Finding]:
    """Conclude, first of `.sync`."""
    told = found(*records, arn=None).get("conclusion", [])
    return sorted(told, key=lambda finding: -len(finding.data["resource"]))


def test_each_way_to_call_a_service_is_told_in_one_sentence() -> None:
    sync, plain = conclusions(*three_ways())
    assert sync.text == (
        "ecs:runTask.sync (7f3a) calls RunTask, then DescribeTasks about once a"
        " minute (5 polls)."
    )
    assert plain.text == "ecs:runTask (0002) calls RunTask and nothing after it."
    assert sync.certainty is plain.certainty is Certainty.FACT
    assert (sync.data["polls"], sync.data["interval_mean"]) == (5, 58.6)
    assert plain.data["executions"] == [OTHER_ARN]


def test_that_denied_polls_did_not_matter_is_concluded() -> None:
    sync, _ = conclusions(*three_ways(denied=True))
    assert sync.text.endswith(
        "(5 polls); every poll was denied, yet it still succeeded, so completion"
        " doesn't depend on polling."
    )
    assert sync.certainty is Certainty.INFERENCE


def test_of_what_still_runs_only_what_was_seen_is_told() -> None:
    later = {"health", "describe"}
    records = [r for r in three_ways(denied=True) if r.kind not in later]
    begun = [r for r in records if r.record.get("type") not in _ENDS]
    behind = health("lookup", "live", 400, complete_to="2023-11-15T00:28:30Z")
    sync, plain = conclusions(*begun, behind)
    assert "(5 polls so far); every poll was denied so far, and it is still" in (
        sync.text
    )
    assert plain.text.endswith("and nothing after it up to 00:28:30.")
    assert sync.certainty is plain.certainty is Certainty.INFERENCE


_ENDS = {"TaskSucceeded", "TaskStateExited", "ExecutionSucceeded"}


def test_one_way_alone_concludes_nothing() -> None:
    assert conclusions(*sync_run()) == []
    assert conclusions(*sync_run(), *sync_history(OTHER_ARN)) == []


def test_executions_are_named_by_what_tells_them_apart() -> None:
    text = explained(*three_ways())
    assert text.startswith("In short\n")
    assert "Across all executions" in text
    assert "ecs:runTask.sync (7f3a) calls" in text


def test_findings_stand_by_execution_and_those_of_the_whole_come_last() -> None:
    owners = [f.execution_arn for f in find(trace_of(*three_ways()).as_of())]
    assert sorted(owners, key=[OTHER_ARN, ARN, None].index) == owners
    assert set(owners) == {ARN, OTHER_ARN, None}
