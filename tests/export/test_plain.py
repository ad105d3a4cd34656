"""`--plain`: lines that each stand alone, and are never taken back."""

from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.analysis.finding import FactOrInference, Finding
from sfnwatch.export.plain import PlainLines
from sfnwatch.export.plain_sentences import finding_line
from sfnwatch.model.records import Received
from sfnwatch.model.times import iso
from sfnwatch.model.trace import Trace
from tests import builders as aws
from tests import examples
from tests.export.traces import RECORDS, trace_of


def printed(
    batches: Iterable[Sequence[Received]], *, end: bool = False
) -> tuple[list[str], list[str]]:
    """Give the lines of batches, and what was narrated."""
    trace, out, said = Trace(), StringIO(), list[str]()
    lines = PlainLines(trace, out, said.append, ())
    for batch in batches:
        lines(batch, trace.add(batch))
    if end:
        lines.finish()
    return out.getvalue().splitlines(), said


def one_by_one(name: str) -> list[list[Received]]:
    return [[record] for record in RECORDS[name]]


@examples(20)
@given(
    st.sampled_from(["denied", "shop", "tasks", "nested", "photos", "several"]),
    st.randoms(use_true_random=False),
)
def test_each_event_call_and_task_is_printed_once_in_whatever_order_it_comes(
    name: str, dice: object
) -> None:
    records = list(RECORDS[name])
    dice.shuffle(records)  # type: ignore[attr-defined]
    lines, _ = printed([[record] for record in (*records, *records)])
    first = [line for line in lines if "(now " not in line and "  count  " not in line]
    snapshot = trace_of(records).as_of()
    events = sum(each.event_count for each in snapshot.executions.values())
    tasks = sum(map(len, snapshot.task_states.values()))
    assert len(first) == events + len(snapshot.calls) + tasks


def test_a_call_is_told_again_once_an_id_matches_it() -> None:
    run, history = aws.sync_calls()[0], aws.sync_history()
    lines, _ = printed([history[:4], [run], history[4:]])
    calls = [line for line in lines if "RunTask  " in line and "  call   " in line]
    assert "->" not in calls[0]
    assert calls[1].endswith("= request ID  [ecs]  -> ECS RunTask  (now matched)")


def test_a_guess_is_said_at_the_end_and_not_before() -> None:
    run = aws.api_call("RunTask", 1, key="run")
    history = aws.History().start().task("Go", aws.SDK).end().records
    late = aws.health("lookup", "ended", 900, complete_to=iso(aws.at(800)))
    before, _ = printed([history, [aws.lookup(run)], [late]])
    assert not any("->" in line for line in before)
    after, _ = printed([history, [aws.lookup(run)], [late]], end=True)
    (guess,) = [line for line in after if line.endswith("(a guess)")]
    assert "RunTask" in guess
    assert "-> Go" in guess


def test_an_ambiguous_call_is_said_to_be_so_and_not_to_be_a_guess() -> None:
    run = aws.History().start()
    run.parallel("Fan", *[lambda it: it.task("Work", aws.REQUEST_RESPONSE)] * 2)
    made = aws.call("RunTask", 1, key="c")
    lines, _ = printed([run.records, [made]], end=True)
    last = [line for line in lines if "RunTask" in line and "? one of 2" in line]
    assert [line.rpartition("  ")[2] for line in last] == ["(ambiguous)"]


def test_how_the_end_was_learned_is_said_at_the_end_if_not_before() -> None:
    coverage = aws.health("lookup", "live", 1, complete_to=iso(aws.at(0)))
    told = aws.health("lookup", "live", 500, complete_to=iso(aws.at(420)))
    history, calls = aws.sync_history(), aws.sync_calls()
    lines, _ = printed([[coverage], [*history, *calls], [told]], end=True)
    (line,) = [line for line in lines if "after the task stopped" in line]
    assert line.endswith("with no DescribeTasks call in between so far")
    assert any("learned of it 1.9 s later, from the Event" in line for line in lines)


def test_a_finding_is_a_line_with_its_evidence_behind_it() -> None:
    known = Finding("k", FactOrInference.FACT, "So it is.", ("#5", "#6", "poll-1"))
    assert finding_line(known) == "fact          So it is.  [#5 #6, call poll-1]"
    bare = Finding("conclusion", FactOrInference.INFERENCE, "So it seems.")
    assert finding_line(bare) == "inference     Conclusion: So it seems."


def test_trouble_is_narrated_once_and_its_end_too() -> None:
    trouble: dict[str, Any] = {"message": "Rate exceeded.\x1b[2J", "retry_in": 2.0}
    _, said = printed(
        [
            aws.sync_history()[:2],
            [aws.health("lookup", "connecting", 0)],
            [aws.health("lookup", "live", 1)],
            [aws.health("lookup", "throttled", 2, **trouble)],
            [aws.health("lookup", "throttled", 3, **trouble)],
            [aws.health("lookup", "live", 4)],
            [aws.health("lookup", "draining", 5, until=iso(aws.at(900)))],
        ]
    )
    assert said == [
        "CloudTrail: throttled. Rate exceeded.␛[2J Trying again in 2.00 s.",
        "CloudTrail: live",
        "CloudTrail: waiting for late records, until 00:43:24 at most",
    ]


def test_what_is_not_shown_is_counted_at_the_end() -> None:
    stranger = aws.call("ListTasks", 5, key="s", role="arn:aws:iam::1:role/other")
    bad = aws.received("history", {"id": "x"}, 1, aws.ARN)
    _, said = printed([[*aws.sync_history(), stranger, bad]], end=True)
    assert said == [
        "1 call by others, or by X-Ray, not shown.",
        "1 record could not be read.",
    ]


def test_a_task_whose_state_the_history_does_not_name_is_told_with_its_resource() -> (
    None
):
    run = aws.History().start()
    run.add("ParallelStateEntered", name="Fan")
    arn = "arn:aws:states:::aws-sdk:sqs:getQueueUrl"
    error: dict[str, Any] = {"error": "E", "cause": "C"}
    for phase, details in (("Scheduled", {}), ("Failed", error)):
        run.add(f"Task{phase}", after=0, resource=arn, **details)
    lines, _ = printed([run.records])
    where = "in a state this history does not name"
    assert lines[2].endswith(f"  aws-sdk:sqs:getQueueUrl  scheduled  {where}")
    assert lines[3].endswith(f"  aws-sdk:sqs:getQueueUrl  ✘ failed  {where}  E  C")
