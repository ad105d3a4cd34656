"""What executions began, as screens show it: a Map Run with failures, a nested one."""

from sfnwatch.trace.events import Received
from tests.builders import in_order
from tests.trace.families import (
    WAITING,
    Maps,
    Starts,
    child_of_run,
    counted,
    described,
    execution,
    history,
    listing,
    run_arn,
)

PARENT, NESTED = execution(0), execution(1)
RUN = run_arn(0)
COUNT, FAILING, READ = 40, 3, 4


def child(number: int) -> str:
    return child_of_run(0, number)


def a_map_run(*, ended: bool = True) -> list[Received]:
    """Build a parent with a Map Run of 40, three of which fail; four are read."""
    run = counted(
        RUN,
        at=70 if ended else 65,
        status="SUCCEEDED" if ended else "RUNNING",
        succeeded=37 if ended else 20,
        failed=FAILING,
        running=0 if ended else 8,
        pending=0 if ended else 9,
    )
    statuses = ["FAILED"] * FAILING + ["SUCCEEDED"] * 29
    statuses += ["SUCCEEDED" if ended else "RUNNING"] * 8
    listed = [(child(number), status) for number, status in enumerate(statuses)]
    parent = history(PARENT, None, Maps((RUN,)), Starts(NESTED, WAITING), pace=10)
    records = [
        described(PARENT, status="SUCCEEDED" if ended else "RUNNING"),
        *(parent if ended else parent[:6]),
        run,
        listing(RUN, *listed, at=151, begin=61),
    ]
    for number in range(READ):
        error = "BadPhoto" if number < FAILING else None
        begin = 61 + number / 10
        records += history(child(number), None, None, begin=begin, error=error, pace=1)
    if ended:
        records += history(NESTED, None, begin=111, pace=2)
    return in_order(records)
