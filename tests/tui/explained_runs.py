"""Findings with fixed words, on real rows: what is found is tested elsewhere."""

from datetime import datetime

from sfnwatch.trace.findings import Certainty, Finding
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.tui.explain_page import Explained, page_of
from tests.builders import ARN, call, sync_run
from tests.tui.runs import seconds

NOW = seconds(600)
FACT, INFERENCE = Certainty.FACT, Certainty.INFERENCE
POLLS = tuple(f"poll-{number}" for number in range(5))
OTHER_ROLE = "arn:aws:iam::123456789012:role/somebody-else"
PATTERN = Finding(
    "pattern",
    FACT,
    "ECS RunTask uses ecs:runTask.sync: it runs a job and waits for its end.",
    ("#3",),
    {"visit": 2},
    ARN,
)
POLLING = Finding(
    "polling",
    FACT,
    "While ECS RunTask waited, Step Functions polled 5 times; all 5 were denied.",
    POLLS,
    {"visit": 2, "attempt": 3},
    ARN,
)
NOTICED = Finding(
    "noticed",
    INFERENCE,
    "The task started by ECS RunTask stopped and Step Functions knew 1.9 s later, by an"
    " event of the managed rule StepFunctionsGetEventsForECSTaskRule: no poll lies in"
    " between.",
    ("#6", *POLLS),
    {"visit": 2, "attempt": 3},
    ARN,
)
DENIED = Finding(
    "denied-but-succeeded",
    INFERENCE,
    "5 polls were denied, and ECS RunTask succeeded all the same.",
    POLLS,
    {"visit": 2, "attempt": 3},
    ARN,
)
TIME = Finding(
    "time",
    FACT,
    "Of 5 min 9 s: 5 min 6 s working, 1.3 s waiting.",
    ("#1", "#8"),
    {
        "seconds": 309.05,
        "working": 305.9,
        "waiting": 1.2,
        "backing_off": 0.0,
        "noticing": 1.9,
        "around": 0.0,
        "between": 0.05,
    },
    ARN,
)
UNSEEN = Finding("unseen", FACT, "No records of data events were read.", (), {}, ARN)
LATER = Finding("of-a-later-version", FACT, "Something new.", ("#9", "x"), {}, ARN)
WHOLE = Finding("lag", FACT, "CloudTrail was 2 min behind.", ("other", "run"))
FOUND = (PATTERN, POLLING, NOTICED, DENIED, TIME, UNSEEN, LATER, WHOLE)


def trace_of(*, denied: bool = True, until: float = 1000) -> Trace:
    """Build the seed's run, and a call that nobody watched has to do with."""
    records = [r for r in sync_run(denied=denied) if r.at and r.at <= seconds(until)]
    other = call("ListTasks", 20, key="other", role=OTHER_ROLE, invoked_by=None)
    return extend(Trace(), [*records, other])


def page(
    found: tuple[Finding, ...] = FOUND,
    *,
    trace: Trace | None = None,
    now: datetime = NOW,
) -> Explained:
    trace = trace_of() if trace is None else trace
    return page_of(trace, now, found, build_lanes(trace))
