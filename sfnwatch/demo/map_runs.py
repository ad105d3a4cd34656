"""Step Functions' read operations on Map Runs."""

from datetime import datetime
from typing import Any

import msgspec

from sfnwatch.demo.account import Account
from sfnwatch.demo.ids import arn
from sfnwatch.demo.progress import Progress
from sfnwatch.demo.runs import MapRun
from sfnwatch.demo.states import Page, map_run_of, page, run_of
from sfnwatch.demo.times import epoch_seconds
from sfnwatch.demo.wire import parse, required

_ENDED = {
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "timedOut": "TIMED_OUT",
    "aborted": "ABORTED",
}


class ForMapRun(msgspec.Struct, rename="camel"):
    map_run_arn: str | None = None


class MapRunsPage(Page, rename="camel"):
    execution_arn: str | None = None


def describe_map_run(account: Account, body: bytes) -> dict[str, Any]:
    """Answer DescribeMapRun."""
    asked = parse(body, ForMapRun)
    progress = map_run_of(account, required(asked.map_run_arn, "mapRunArn"))
    map_run, now = progress.map_run, account.now()
    # An item a child: the demo knows no batches.
    counts = _counts(progress, now)
    return _begun(map_run, now) | {
        "status": map_run.status(now),
        "maxConcurrency": map_run.max_concurrency,
        "toleratedFailurePercentage": map_run.tolerated_percentage,
        "toleratedFailureCount": map_run.tolerated_count,
        "itemCounts": counts,
        "executionCounts": counts,
        "redriveCount": 0,
    }


def list_map_runs(account: Account, body: bytes) -> dict[str, Any]:
    """Answer ListMapRuns; that the newest comes first is inferred."""
    asked = parse(body, MapRunsPage)
    run, now = run_of(account, asked.execution_arn), account.now()
    begun = {each.arn: each for each in run.map_runs if each.started_at <= now}
    arns, token = page(account, asked, f"ListMapRuns {run.arn}", list(begun)[::-1])
    return {"mapRuns": [_listed(begun[each], now) for each in arns]} | token


def _counts(progress: Progress, now: datetime) -> dict[str, int]:
    """Return the counts; those about redrives are of a Map Run that had none.

    A recorded Map Run without a ResultWriter still tells of as many results written
    as children succeeded; that they are none before its end is inferred.
    """
    found = progress.counts(now)
    ended = {name: found.get(status, 0) for name, status in _ENDED.items()}
    written = ended["succeeded"] if progress.map_run.ends_at <= now else 0
    return ended | {
        "pending": found["PENDING"],
        "running": found["RUNNING"],
        "total": progress.map_run.total,
        "resultsWritten": written,
        "failuresNotRedrivable": 0,
        "pendingRedrive": 0,
    }


def _listed(map_run: MapRun, now: datetime) -> dict[str, Any]:
    machine = arn("states", f"stateMachine:{map_run.machine}")
    return _begun(map_run, now) | {"stateMachineArn": machine}


def _begun(map_run: MapRun, now: datetime) -> dict[str, Any]:
    ended = map_run.ends_at <= now
    return {
        "mapRunArn": map_run.arn,
        "executionArn": map_run.execution_arn,
        "startDate": epoch_seconds(map_run.started_at),
    } | ({"stopDate": epoch_seconds(map_run.ends_at)} if ended else {})
