"""Pairs of executions, by names that say what is to be told of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sfnwatch.analysis.compare.compare import compare
from sfnwatch.analysis.compare.comparison import Comparison
from sfnwatch.analysis.compare.remarks import remarks
from sfnwatch.analysis.compare.rows import compare_rows
from sfnwatch.analysis.compare.sentences import comparison_findings
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.times import iso
from sfnwatch.model.trace import Trace
from sfnwatch.model.values import ascii_json
from tests.analysis.finding_in import Doubted, trace_of
from tests.builders import (
    ARN,
    LAMBDA,
    OTHER_ARN,
    REQUEST_RESPONSE,
    SYNC,
    TASK_ARN,
    History,
    answer,
    at,
    call,
    definition,
    describe,
    health,
    redriven_run,
    sync_calls,
    sync_history,
    sync_run,
)

Steps = Callable[[History], Any]
Ends = tuple[str, str]
BAD: Ends = ("Failed", "Failed")
WELL: Ends = ("Succeeded", "Succeeded")


def snapshot_of(*records: Iterable[Received]) -> Snapshot:
    trace = Trace()
    trace.add([record for some in records for record in some])
    return trace.as_of()


def story(arn: str, *steps: Steps, ends: str = "Succeeded") -> list[Received]:
    """Write a history in which only what waits takes time."""
    run = History(arn, pace=0).start()
    for step in steps:
        step(run)
    error = {"error": "E"} if ends == "Failed" else {}
    return run.end(ends, **error).records if ends else run.records


def passes(*names: str, seconds: float = 1) -> Steps:
    return lambda run: [run.state(name, wait=seconds) for name in names]


def task(name: str, which: Any = LAMBDA, seconds: float = 1, **more: Any) -> Steps:
    return lambda run: run.task(name, which, lasts=seconds, **more)


def each(name: str, lengths: Iterable[float]) -> Steps:
    return lambda run: run.map(
        name, *(passes("Work", seconds=length) for length in lengths)
    )


def ask(begins: float, lasts: float) -> Steps:
    """Run a Task that begins to work after some seconds."""

    def steps(run: History) -> None:
        run.add("TaskStateEntered", name="t")
        run.add("TaskScheduled", **REQUEST_RESPONSE)
        run.add("TaskStarted", wait=begins, **REQUEST_RESPONSE)
        run.add("TaskSucceeded", wait=lasts, output="{}", **REQUEST_RESPONSE)
        run.add("TaskStateExited", name="t")

    return steps


def both(
    a: Iterable[Steps], b: Iterable[Steps], *more: Received, ends: Ends = WELL
) -> Comparison:
    """Compare two executions that took these steps, and ended so."""
    one = story(ARN, *a, ends=ends[0])
    other = story(OTHER_ARN, *b, ends=ends[1])
    snapshot = snapshot_of(one, other, more)
    return compare((snapshot, ARN), (snapshot, OTHER_ARN))


def apart(one: Iterable[Received], other: Iterable[Received]) -> Comparison:
    return compare((snapshot_of(one), ARN), (snapshot_of(other), ARN))


def itself(records: Iterable[Received]) -> Comparison:
    snapshot = snapshot_of(records)
    return compare((snapshot, ARN), (snapshot, ARN))


def told_of_pair(found: Comparison) -> Iterator[str]:
    """Yield what is told: each sentence, each line."""
    for told in (*found.differences, *found.gaps, *comparison_findings(found)):
        yield f"{told.kind}, {told.certainty}: {told.text}"
        data = {k: v for k, v in told.data.items() if v is not None and k != "call"}
        yield from [f"  {' '.join(told.evidence)} {data}"] if data else []
    for remark in remarks(found)[len(found.gaps) :]:
        yield f"remark: {remark}"
    for row in compare_rows(found):
        sides = [f"{c.text} {c.evidence or ''}".strip() for c in (row.a, row.b)]
        more = f"{row.seconds.more_words} {row.seconds.ratio_words}".strip()
        label = f"{' ' * row.depth}{row.label}"
        yield " | ".join([f"{row.mark:1}", label, *sides, more]).rstrip()


# -- what differs ----------------------------------------------------------------------


def fan_out(run: History) -> None:
    run.parallel("Fan", passes("L"), task("R"))


def failing(run: History) -> None:
    run.add("ParallelStateEntered", name="Fan")
    begun = run.add("ParallelStateStarted")
    run.add("PassStateEntered", after=begun, name="L")
    run.last = begun
    run.task("R", LAMBDA, error="E")
    run.add("ParallelStateFailed", error="E")


def aborted() -> list[Received]:
    run = History().start()
    run.add("TaskStateEntered", name="Work")
    run.add("TaskScheduled", **SYNC)
    output = ascii_json(answer("run", TASK_ARN))
    run.add("TaskSubmitted", output=output, **SYNC)
    made = call("RunTask", 0, key="run", request_id="run")
    return [*run.end("Aborted", wait=9).records, made]


def with_inner(result: int) -> dict[str, Any]:
    states = {"in": {"Type": "Pass", "Result": result}}
    return {"Type": "Map", "ItemProcessor": {"StartAt": "in", "States": states}}


def redriven_iteration() -> list[Received]:
    run = History(ARN, pace=0).start()
    run.add("MapStateEntered", name="Each")
    run.add("MapStateStarted", length=1)
    run.add("MapIterationStarted", name="Each", index=0)
    run.task("Work", LAMBDA, error="E", lasts=5).end("Failed", error="E")
    entered = next(n for n, r in enumerate(run.records, 1) if b"Work" in r.data)
    return (
        run.redrive(wait=700)
        .task("Work", LAMBDA, lasts=7, entered=entered)
        .end()
        .records
    )


def still_running(*steps: Steps, now: float) -> Comparison:
    snapshot = snapshot_of(story(ARN, *steps), story(OTHER_ARN, passes("x"), ends=""))
    return compare((snapshot, ARN), (snapshot, OTHER_ARN), at(now))


def cut(kept: int) -> Comparison:
    page = story(OTHER_ARN, passes("x", "y"))[-kept:] if kept else []
    stopped = describe(arn=OTHER_ARN, stopped=2)
    snapshot = snapshot_of(story(ARN, passes("x")), page, [stopped])
    return compare((snapshot, ARN), (snapshot, OTHER_ARN))


def guessed() -> Comparison:
    traces = [trace_of(*sync_run(denied=denied)) for denied in (False, True)]
    a, b = (Doubted(trace, set(trace.calls), matched=True) for trace in traces)
    return compare((a, ARN), (b, ARN))


RUN = [*sync_history(), *sync_calls()]
ASKED = call("DescribeTasks", 2, key="one", parameters={"tasks": [TASK_ARN]})
STOP = call("StopTask", 10, key="stop", parameters={"task": TASK_ARN})
EARLY = health("lookup", "ended", 600, complete_to=iso(at(200)), lag=131.0)
PLAIN = [task("t", REQUEST_RESPONSE, seconds=9)]
WATCHED = [r for r in sync_run() if r.kind != RecordKind.HEALTH]
COMPARED: Mapping[str, Comparison] = {
    "times alone make no difference": both(
        [passes("x", "y")], [passes("x", "y", seconds=90)]
    ),
    "nothing differs from itself": itself(sync_run()),
    "nothing is in common": both([passes("x")], [passes("y")]),
    "there is no state": both([], []),
    "another state is next": both([passes("x", "y")], [passes("x", "z")]),
    "no state is next": both([passes("x", "y")], [passes("x")]),
    "another state is the first": both([passes("x", "z")], [passes("y", "z")]),
    "only one waits for its job": both(
        [task("t", SYNC)], [task("t", REQUEST_RESPONSE)]
    ),
    "the same job under another name": both(
        [task("Import", SYNC)], [passes("x"), task("Run", SYNC), passes("y")]
    ),
    "one had more iterations": both([each("m", [1])], [each("m", [1] * 9)]),
    "one is missing an iteration of few": both(
        [each("Each", [1, 1]), passes("z")], [each("Each", [1] * 3)]
    ),
    "an error was caught": both(
        [task("t"), passes("y")], [task("t", error="E", caught=True), passes("z")]
    ),
    "a try failed": both([task("t")], [task("t", retried="E")]),
    "one tried more often": both(
        [task("t", retried="E", error="E")],
        [task("t", retried="EE", error="E")],
        ends=BAD,
    ),
    "the errors differ": both([task("t", error="E")], [task("t", error="F")], ends=BAD),
    "both timed out, and a try failed before": both(
        [task("t")], [task("t", retried="E")], ends=("TimedOut", "TimedOut")
    ),
    "the types differ": both([passes("x")], [lambda run: run.state("x", "Wait")]),
    "all is told in the order of A": both(
        [passes("x"), task("t"), passes("y")],
        [passes("x"), task("t", retried="E")],
        ends=("Succeeded", "Aborted"),
    ),
    "what was aborted comes after its reason": both(
        [fan_out], [failing], ends=("Succeeded", "Failed")
    ),
    "denied polls": apart(sync_run(), sync_run(denied=True)),
    "fewer polls are no difference": apart(
        sync_run(), [*sync_history(), *sync_calls()[:3]]
    ),
    "one more poll is none": apart(RUN, [*RUN, ASKED]),
    "only one stopped its job": apart(aborted(), [*aborted(), STOP]),
    "no calls on one side": apart(sync_run(denied=True), sync_history()),
    "no polls on one side": apart(sync_run(), [*sync_history(), *sync_calls()[:1]]),
    "CloudTrail may still deliver polls": apart(sync_run(), [*WATCHED, EARLY]),
    "calls are matched by a guess": guessed(),
    "calls may be of either": both(
        PLAIN, PLAIN, *(call("RunTask", 1, key=key) for key in ("p", "q"))
    ),
    "one still runs": still_running(passes("x", "y"), now=61),
    "so far both did the same": still_running(passes("x"), now=90),
    "a history is missing": cut(0),
    "a history is not whole": cut(3),
    "one was redriven": apart(redriven_run(), sync_run()),
    "a redriven iteration did not take the time it stood still": itself(
        redriven_iteration()
    ),
    "definitions differ": both(
        [passes("x")],
        [passes("x")],
        definition({"x": {"Type": "Pass"}, "m": with_inner(1)}),
        definition({"m": with_inner(2), "y": {"Type": "Pass"}}, arn=OTHER_ARN),
    ),
    "differences are given in one notation, large and small": both(
        [task("t", REQUEST_RESPONSE, 300), passes("x", seconds=10)],
        [task("t", REQUEST_RESPONSE, 1), passes("x", seconds=2)],
    ),
    "a phase made the difference": both(
        [passes("x"), ask(1, 10)], [passes("x"), ask(1, 80)]
    ),
    "a crowd of iterations is one line": both(
        [each("m", [1] * 300)], [each("m", [*[1] * 298, 60])]
    ),
}
