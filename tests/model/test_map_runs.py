"""Map Runs and nested executions: who started whom, and what is told of each."""

from operator import attrgetter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.model.execution_list import decode_listed
from sfnwatch.model.map_runs import map_run_name
from sfnwatch.model.records import Received
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.time_axis import TimeAxis
from tests import builders as aws
from tests import examples
from tests.model.answers import answers, differences, trace_of
from tests.model.laws import in_batches, shuffled
from tests.model.machines import dice_of

SECOND_RUN = aws.MAP_RUN_ARN.replace("276e5993", "ffff5993")
LETTING_GO = {**aws.NESTED, "resource": "startExecution"}
HOSTILE = "arn:\x1b]8;;evil\x07 [b]x[/b]\u202e\ud800"


def now(*records: Received) -> Snapshot:
    return trace_of(*records).as_of()


def starts(
    parent: str, *children: str, begin: float = 0, how: aws.Which = aws.NESTED
) -> aws.History:
    """Write an execution that starts others one after the other, and begins so late."""
    run = aws.History(parent, begin=begin).start()
    for child in children:
        run.task(f"Start {child[-4:]}", how, submitted={"ExecutionArn": child})
    return run


# -- who started whom ----------------------------------------------------------------


def test_one_that_was_not_waited_for_is_a_child_all_the_same() -> None:
    child = starts(aws.CHILD_ARN)
    for how, waits in ((aws.NESTED, True), (LETTING_GO, False)):
        run = starts(aws.ARN, aws.CHILD_ARN, how=how)
        found = now(*run.records, *child.records)
        assert (list(found.roots), list(found.children)) == ([aws.ARN], [aws.CHILD_ARN])
        assert found.lineage.parents[aws.CHILD_ARN].waits is waits


@pytest.mark.parametrize(
    "told",
    [
        aws.listing((aws.map_child(0), "RUNNING")),
        aws.describe("RUNNING", arn=aws.map_child(0), mapRunArn=aws.MAP_RUN_ARN),
    ],
)
def test_an_execution_says_or_is_said_to_be_of_a_map_run(told: Received) -> None:
    run = aws.History().start().state("A").map_run("Each", aws.MAP_RUN_ARN)
    records = [*run.records, *aws.History(aws.map_child(0), begin=1).start().records]
    assert set(now(*records).roots) == {aws.ARN, aws.map_child(0)}
    parent = now(*records, told).lineage.parents[aws.map_child(0)]
    assert (parent.map_run_arn, parent.visit_id) == (aws.MAP_RUN_ARN, 4)
    assert parent.attempt_id is None


def test_a_child_whose_parent_is_not_there_stands_for_itself() -> None:
    child = aws.map_child(0)
    found = now(
        *aws.History(child).start().records,
        aws.describe("RUNNING", arn=child, mapRunArn=aws.MAP_RUN_ARN),
        aws.listing((child, "RUNNING")),
        aws.counted(running=1),
    )
    assert list(found.roots) == [child]
    assert list(found.map_runs) == [aws.MAP_RUN_ARN]


def test_of_a_child_nothing_is_told_before_its_own_first_record() -> None:
    defined = aws.definition({}, arn=aws.CHILD_ARN, seen=0.5)
    trace = trace_of(*aws.nested_run(), defined)
    early = trace.as_of(aws.at(0.6), TimeAxis.ARRIVAL)
    assert list(early.executions) == [aws.ARN]
    assert list(trace.as_of(aws.at(9), TimeAxis.ARRIVAL).executions) == [
        aws.ARN,
        aws.CHILD_ARN,
    ]


def test_of_two_that_claim_one_child_the_first_to_start_has_it() -> None:
    one, other = (
        starts(aws.ARN, aws.CHILD_ARN),
        starts(aws.OTHER_ARN, aws.CHILD_ARN, begin=5),
    )
    own = starts(aws.CHILD_ARN, begin=6)
    for runs in ([one, other, own], [own, other, one]):
        found = now(*(record for run in runs for record in run.records))
        assert found.lineage.parents[aws.CHILD_ARN].execution_arn == aws.ARN
        assert set(found.roots) == {aws.ARN, aws.OTHER_ARN}


def test_of_what_is_no_arn_or_is_only_named_no_execution_is_made() -> None:
    run = starts(aws.ARN, "no ARN", HOSTILE, aws.CHILD_ARN).map_run("Each", HOSTILE)
    found = now(*run.records, aws.listing((aws.map_child(0), "FAILED")))
    assert list(found.executions) == [aws.ARN]
    assert list(found.listed) == [aws.map_child(0)]
    assert HOSTILE in found.lineage.map_runs, "what a history calls a Map Run is one"


# -- what is told of them ------------------------------------------------------------


def test_counts_are_those_of_the_newest_answer_or_of_the_moment() -> None:
    trace = trace_of(*aws.photos())
    run, early = (
        trace.as_of(at).map_runs[aws.MAP_RUN_ARN] for at in (None, aws.at(55))
    )
    assert (run.executions.done, run.executions.unsuccessful) == (4, 1)
    assert (early.running, early.executions.running) == (True, 4)
    assert map_run_name(aws.MAP_RUN_ARN) == "Each 276e5993"


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "ABORTED"])
def test_of_answers_without_times_the_one_that_knows_of_the_end_holds(
    status: str,
) -> None:
    records = [
        aws.listing((aws.map_child(0), "RUNNING")),
        aws.listing((aws.map_child(0), status)),
        aws.counted(running=1),
        aws.counted(status=status),
    ]
    for order in (records, records[::-1]):
        found = now(*map(aws.undated, order))
        assert found.listed[aws.map_child(0)].listed.status == status
        assert found.map_runs[aws.MAP_RUN_ARN].status == status
    redriven = aws.undated(aws.counted(running=1, more={"redriveCount": 1}))
    assert now(*map(aws.undated, records), redriven).map_runs[aws.MAP_RUN_ARN].running


def test_of_a_list_failures_come_first_then_what_runs() -> None:
    statuses = ["SUCCEEDED", "RUNNING", "TIMED_OUT", "FAILED", "RUNNING", "ABORTED"]
    told = [(aws.map_child(n), status) for n, status in enumerate(statuses)]
    found = now(aws.listing(*told)).listed_of[aws.MAP_RUN_ARN]
    assert [child.listed.status for child in found] == [
        *("TIMED_OUT", "FAILED", "ABORTED", "RUNNING", "RUNNING", "SUCCEEDED")
    ]
    assert [child.item_count for child in found] == [1] * 6


# -- executions of a list ------------------------------------------------------------


def test_an_item_is_read_as_aws_writes_it_and_needs_no_more_than_its_arn() -> None:
    (item,) = aws.listing((aws.ARN, "SUCCEEDED")).record["executions"]
    listed, going_on = decode_listed(item), decode_listed(item | {"status": "RUNNING"})
    assert listed is not None
    assert (listed.machine, listed.name) == ("nightly-report", "run-7f3a")
    assert (listed.running, listed.failed) == (False, False)
    assert listed.seconds(aws.START) == 3
    assert going_on is not None
    assert (going_on.seconds(aws.at(11)), going_on.seconds(aws.at(-9))) == (10, 0)
    keys = ("stateMachineArn", "name", "status", "startDate", "stopDate")
    odd: list[Any] = [None, True, "", [], {"a": 1}]
    for value in odd:
        assert decode_listed({"executionArn": value}) is None
        bare = decode_listed({"executionArn": aws.ARN, **dict.fromkeys(keys, value)})
        assert bare is not None
        assert (bare.name, bare.status, bare.started_at) == ("run-7f3a", "", None)
        assert bare.seconds(aws.START) is None


def test_what_runs_comes_before_what_is_over_and_then_the_newest() -> None:
    rows = [("old", "FAILED", 1), ("long", "RUNNING", 2), ("new", "SUCCEEDED", 9)]
    rows += [("fresh", "RUNNING", 8), ("waits", "PENDING_REDRIVE", 3)]
    keys = ("executionArn", "name", "status", "startDate")
    items = [dict(zip(keys, (row[0], *row), strict=True)) for row in rows]
    found = [item for each in items if (item := decode_listed(each))]
    by_start = [each.name for each in sorted(found, key=attrgetter("running_first"))]
    assert by_start == ["fresh", "waits", "long", "new", "old"]
    by_failure = [each.name for each in sorted(found, key=attrgetter("failed_first"))]
    assert by_failure == ["old", "fresh", "waits", "long", "new"]


# -- laws ----------------------------------------------------------------------------

_ARNS = [
    aws.ARN,
    aws.OTHER_ARN,
    aws.CHILD_ARN,
    aws.map_child(0),
    aws.map_child(1),
    "no ARN",
    HOSTILE,
]
_RUNS = [aws.MAP_RUN_ARN, SECOND_RUN, "no Map Run", aws.CHILD_ARN]
_STATUSES = ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", HOSTILE]


def _family(seed: int) -> list[Received]:
    """Build executions that start each other in whatever way: AWS never says some."""
    dice = dice_of(seed)
    records: list[Received] = []
    for arn in dice.sample(_ARNS[:-2], dice.randint(1, 4)):
        run = aws.History(arn, begin=dice.randrange(30)).start()
        for number in range(dice.randrange(3)):
            if dice.random() < 0.5:
                which = dice.choice([aws.NESTED, LETTING_GO])
                told = {"ExecutionArn": dice.choice(_ARNS)}
                run.task(f"S{number}", which, submitted=told, output=told)
            else:
                run.map_run(f"S{number}", *dice.sample(_RUNS, dice.randint(1, 2)))
        records += run.end(dice.choice(["Succeeded", "Failed"])).records
        if dice.random() < 0.4:
            run_arn = dice.choice(_RUNS)
            records.append(aws.describe("RUNNING", arn=arn, mapRunArn=run_arn))
    for _ in range(dice.randrange(4)):
        told_of = [(dice.choice(_ARNS), dice.choice(_STATUSES)) for _ in range(3)]
        records.append(
            aws.listing(*told_of, run=dice.choice(_RUNS), seen=dice.randrange(40))
        )
        records.append(aws.counted(dice.choice(_RUNS), status=dice.choice(_STATUSES)))
    return records


@examples(80)
@given(st.integers(0, 2**32))
def test_every_execution_climbs_to_a_root_whatever_the_order(seed: int) -> None:
    records, dice = _family(seed), dice_of(seed)
    plain = now(*records)
    again = in_batches(shuffled(records, dice), dice).as_of()
    assert not differences(answers(again), answers(plain))
    assert not plain.roots.keys() & plain.children.keys()
    assert plain.roots, "there is always one that nothing started"
    for arn in plain.children:
        climbed = arn
        for _ in range(plain.lineage.level(arn)):
            climbed = plain.lineage.parents[climbed].execution_arn
        assert climbed == plain.lineage.root_of(arn)
        assert climbed in plain.roots
