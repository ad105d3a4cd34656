"""Whole watches: histories poll by poll, what executions start, and who else ran.

What passes again, from an outage to a login, is in `tests/reliability`: its storms.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from sfnwatch.demo.scenarios import PLANS
from sfnwatch.model.records import Batch, RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.trace import Trace
from sfnwatch.sources.live_options import CallOptions, ChildOptions
from sfnwatch.sources.rate_limits import RATES
from tests.builders import HEAD
from tests.demo.photos import photos
from tests.model.answers import answers
from tests.sources.clocks import EPOCH
from tests.sources.conftest import Simulate
from tests.sources.loopback import AskedOf, Refusal, page_of
from tests.sources.simulation import Arrival, Simulation, Watched

HISTORY, DESCRIBE = "GetExecutionHistory", "DescribeExecution"
Event = Mapping[str, Any]


def paged(simulation: Simulation, size: int, hidden_until: float = 0.0) -> None:
    """Have the history come in pages of a size: what is asked for is a limit only.

    Nothing but the first event is there until so many seconds have passed.
    """

    def answer(asked: AskedOf, given: dict[str, Any]) -> Any:
        hidden = simulation.seconds(simulation.clock.now()) < hidden_until
        events = [e for e in given["events"] if e["id"] == 1 or not hidden]
        return page_of(events, asked.parameters, "events", size)

    simulation.unpaged.add(HISTORY)
    simulation.changes[HISTORY] = answer


# -- reading -------------------------------------------------------------------------


async def test_a_long_history_is_read_forward_once_page_by_page(
    simulate: Simulate,
) -> None:
    simulation = await simulate("failure")
    paged(simulation, 3)
    simulation.clock.advance(3600)
    watched = await simulation.watch(drain=0)
    assert watched.event_ids() == list(range(1, 12))
    asked = [r.parameters for r in simulation.asked(HISTORY)]
    asked = [each for each in asked if not each["reverseOrder"]]
    assert {each["maxResults"] for each in asked} == {1000}
    assert ["nextToken" in each for each in asked] == [False, True, True, True]
    told = watched.told(RecordKind.REQUEST, "note")
    notes = [note for note in told if note.startswith("first")]
    pages = ["", ", page 2", ", page 3", ", page 4"]
    assert notes == [f"first reading{page}" for page in pages]


async def test_a_history_longer_than_any_is_left_and_read_from_its_end(
    sync: Simulation,
) -> None:
    """Pages that go on and on are an endpoint's fault: they are not followed."""
    sync.unpaged.add(HISTORY)

    def answer(asked: AskedOf, given: dict[str, Any]) -> Any:
        number = len(sync.asked(HISTORY))
        if number > 29:
            return given
        events = [{**each, "page": number} for each in given["events"]]
        return {"events": events * (900 // len(events)), "nextToken": str(number)}

    sync.changes[HISTORY] = answer
    watched = await sync.watch()
    assert watched.status == "SUCCEEDED"
    (said,) = {text for text in watched.messages("history") if text}
    why = "more than 25,000 items, and AWS never has so many. What comes after them"
    assert said.partition(": ")[2] == f"{why} is not known."
    assert watched.states("history")[-1] is HealthState.ENDED
    assert watched.healths("history")[-1].message == "", "its newest page was read"


@pytest.mark.parametrize("seconds", [0, 200])
async def test_a_gap_below_the_newest_events_is_closed_before_they_are_handed_over(
    sync: Simulation, seconds: float
) -> None:
    paged(sync, 2, seconds)
    watched = await sync.watch(drain=0)
    assert watched.event_ids() == list(range(1, 9))
    if seconds:
        asked = [r.parameters for r in sync.asked(HISTORY)]
        assert any(each["reverseOrder"] and "nextToken" in each for each in asked)


async def test_events_come_as_aws_wrote_them_each_once(sync: Simulation) -> None:
    written: dict[int, bytes] = {}

    def spaced(asked: AskedOf, given: dict[str, Any]) -> bytes:
        events = [json.dumps(event, indent=1).encode() for event in given["events"]]
        written.update({json.loads(each)["id"]: each for each in events})
        return b'{"events": [' + b",".join(events * 2) + b"]}"

    sync.changes[HISTORY] = spaced
    watched = await sync.watch(drain=0)
    data = [received.data for received in watched.of(RecordKind.HISTORY)]
    assert data == [written[number] for number in range(1, 9)]
    assert watched.status == "SUCCEEDED"


ODD: Sequence[Any] = (
    {},
    {"id": "x", "type": "TaskScheduled", "timestamp": 1},
    {"id": 3.5, "type": "TaskScheduled", "timestamp": 1},
    {"id": 9, "timestamp": 1},
    {"id": 9, "type": 7},
)


async def test_what_is_no_event_is_kept_as_such_and_hides_no_other(
    sync: Simulation,
) -> None:
    def odd(asked: AskedOf, given: dict[str, Any]) -> Any:
        return {**given, "events": [*ODD, *given["events"], *ODD]}

    sync.changes[HISTORY] = odd
    watched = await sync.watch(drain=0)
    assert watched.event_ids() == list(range(1, 9))
    unread = [json.loads(received.data) for received in watched.of(RecordKind.UNREAD)]
    assert unread == list(ODD), "each once"
    assert len(watched.trace.unread) == len(ODD)
    assert watched.status == "SUCCEEDED"


# -- the end -------------------------------------------------------------------------


async def test_half_of_a_surrogate_pair_does_not_hide_how_it_ended(
    simulate: Simulate,
) -> None:
    """A cause that was cut may end within a pair; the event is kept as it came."""
    simulation = await simulate("failure")

    def cut(_: AskedOf, given: dict[str, Any]) -> Any:
        for event in given["events"]:
            if "executionFailedEventDetails" in event:
                event["executionFailedEventDetails"]["cause"] = "half \ud800"
        return given

    simulation.changes[HISTORY] = cut
    watched = await simulation.watch()
    assert watched.status == "FAILED"
    assert watched.of(RecordKind.UNREAD) == []
    end = watched.of(RecordKind.HISTORY)[-1]
    assert rb"half \ud800" in end.data


DEFINITION = "DescribeStateMachineForExecution"


@pytest.mark.parametrize("body", [b"{}", b"[]", b"<html>log in</html>"])
async def test_a_history_is_read_though_the_definition_is_not(
    sync: Simulation, body: bytes
) -> None:
    sync.changes[DEFINITION] = lambda *_: body
    watched = await sync.watch(tries=5)
    first = sync.asked(HISTORY)[0]
    assert sync.seconds(first.at) < 1
    assert watched.status == "SUCCEEDED"
    assert set(watched.messages("history")) == set()
    assert watched.states("definition")[-1] is HealthState.ENDED
    last = watched.messages("definition")[-1]
    assert last.startswith("The definition is not known: ")
    assert DEFINITION in last
    assert len(watched.matched_calls) == 6, "what is called is known by the history"


async def test_a_definition_that_comes_late_is_there_all_the_same(
    sync: Simulation,
) -> None:
    def late(_: AskedOf, given: dict[str, Any]) -> Any:
        return given if sync.seconds(sync.clock.now()) > 120 else {}

    sync.changes[DEFINITION] = late
    watched = await sync.watch(tries=5)
    assert len(watched.of(RecordKind.DEFINITION)) == 1
    assert watched.messages("definition")[-1].endswith("cut or garbled.")


@pytest.mark.parametrize("behind", [2, 99])
async def test_the_outcome_is_asked_for_until_it_is_consistent_or_long_enough(
    sync: Simulation, behind: int
) -> None:
    told: list[str] = []

    def change(_: AskedOf, given: dict[str, Any]) -> Any:
        if given["status"] != "RUNNING" and len(told) < behind:
            told.append("RUNNING")
            return {**given, "status": "RUNNING"}
        return given

    sync.changes[DESCRIBE] = change
    watched = await sync.watch(drain=0)
    statuses = watched.told(RecordKind.DESCRIBE, "status")
    last = ["SUCCEEDED"] if behind == 2 else []
    assert statuses == ["RUNNING"] * (1 + min(behind, 5)) + last
    assert watched.status == "SUCCEEDED", "the history has the last word"
    assert watched.states("history")[-1] is HealthState.ENDED


async def test_a_redrive_that_was_there_from_the_first_goes_on_to_the_new_end(
    sync: Simulation,
) -> None:
    def change(asked: AskedOf, given: dict[str, Any]) -> Any:
        events = sorted(given["events"], key=lambda event: event["id"])[:5]
        at = events[-1]["timestamp"]
        kinds = ["ExecutionAborted", "ExecutionRedriven", "ExecutionSucceeded"]
        shown = 2 + (sync.seconds(sync.clock.now()) > 90)
        for number, kind in enumerate(kinds[:shown], 6):
            events.append({"id": number, "type": kind, "timestamp": at})
        return {"events": events[::-1] if asked.parameters["reverseOrder"] else events}

    sync.clock.advance(60)
    sync.changes[HISTORY] = change
    watched = await sync.watch(drain=0)
    assert watched.status == "SUCCEEDED"
    assert watched.event_ids() == list(range(1, 9))


# -- redrives ------------------------------------------------------------------------

FAILED, BACK = "ExecutionFailed", "ExecutionRedriven"


@pytest.fixture
async def redriven(simulate: Simulate) -> Simulation:
    return await simulate("redrive")


def described(
    simulation: Simulation, change: Callable[[float], Mapping[str, Any]]
) -> None:
    """Have DescribeExecution say more or otherwise, by the seconds since the epoch."""
    simulation.changes[DESCRIBE] = lambda _, given: {
        **given,
        **change(simulation.seconds(simulation.clock.now())),
    }


async def test_followed_it_costs_one_request_a_minute_and_goes_on_to_the_last_outcome(
    redriven: Simulation,
) -> None:
    watched = await redriven.watch(follow_redrive=True, drain=30)
    (execution,) = watched.trace.as_of().executions.values()
    assert [a.status for _, a in execution.attempts] == ["failed", "succeeded"]
    assert (execution.status, len(execution.redrives)) == ("SUCCEEDED", 1)
    states = [HealthState.CONNECTING, HealthState.LIVE, HealthState.WAITING]
    assert watched.states("history") == [*states, HealthState.LIVE, HealthState.ENDED]
    waits, goes_on = watched.messages("history")
    assert waits == (
        "It is over, and watched for a redrive once a minute; that may come until"
        " 2023-11-29 00:29 UTC."
    )
    assert goes_on == "Redriven: going on."
    failed, back = redriven.seconds_of(FAILED), redriven.seconds_of(BACK)
    between = [
        r.operation
        for r in redriven.requests
        if failed + 60 < redriven.seconds(r.at) < back
    ]
    assert set(between) == {DESCRIBE}, "and nothing is looked up"
    assert len(between) in {5, 6}
    statuses = watched.told(RecordKind.DESCRIBE, "status")
    assert statuses == ["RUNNING", "FAILED", "RUNNING", "SUCCEEDED"]
    again = [
        r.parameters["StartTime"]
        for r in redriven.asked("LookupEvents")
        if redriven.seconds(r.at) > back and r.asked.value == "ecs.amazonaws.com"
    ]
    assert min(again) < EPOCH.timestamp(), "what came before it may be there only now"
    keys = watched.told(RecordKind.LOOKUP, "EventId")
    assert len(keys) == len(set(keys)), "and what was told is not told again"
    assert watched.states("lookup")[-1] is HealthState.ENDED


@pytest.mark.parametrize("scenario", ["sync", "failure"])
async def test_what_may_not_be_redriven_is_not_followed_and_it_says_why(
    simulate: Simulate, scenario: str
) -> None:
    simulation = await simulate(scenario)
    reason = "Execution history event limit exceeded"
    no = {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
    described(simulation, lambda _: no)
    watched = await simulation.watch(follow_redrive=True, drain=0)
    assert watched.states("history")[-1] is HealthState.ENDED
    said = [f"It can't be redriven: {reason}."] if scenario == "failure" else []
    assert watched.messages("history") == said
    after = [
        each for each in simulation.asked(DESCRIBE) if each.at > simulation.stopped_at
    ]
    assert len(after) == 1


async def test_it_is_followed_for_as_long_as_a_redrive_may_come(
    simulate: Simulate,
) -> None:
    simulation = await simulate("failure")
    stopped: list[float] = []

    def long_ago(_: AskedOf, given: dict[str, Any]) -> Any:
        if given["status"] == "FAILED":
            given["stopDate"] -= 14 * 86400 - 540
            stopped.append(given["stopDate"])
        return given

    simulation.changes[DESCRIBE] = long_ago
    watched = await simulation.watch(follow_redrive=True, drain=0)
    states = watched.states("history")
    assert states[-2:] == [HealthState.WAITING, HealthState.ENDED]
    last = simulation.asked(DESCRIBE)[-1].at.timestamp()
    assert 0 <= last - (stopped[0] + 14 * 86400) <= 60


@pytest.mark.parametrize(
    "told",
    [
        {"status": "PENDING_REDRIVE"},
        {"status": "RUNNING", "redriveCount": 1},
        {"status": "FAILED", "redriveCount": 1},
    ],
)
async def test_a_redrive_that_only_the_outcome_tells_of_is_awaited(
    redriven: Simulation, told: Mapping[str, Any]
) -> None:
    """The history may be behind its description."""
    failed, back = redriven.seconds_of(FAILED), redriven.seconds_of(BACK)
    described(redriven, lambda now: told if failed <= now < back else {})
    watched = await redriven.watch(drain=0)
    assert watched.status == "SUCCEEDED"
    assert "Redriven: going on." in watched.messages("history")


# -- what may not be read -------------------------------------------------------------

EVENTS = list(range(1, 9))
LOOKUP = "LookupEvents"


# -- permissions ---------------------------------------------------------------------


async def test_one_lane_denied_leaves_the_other_alone(sync: Simulation) -> None:
    sync.faults.deny = {LOOKUP}
    watched = await sync.watch()
    assert (watched.status, watched.event_ids()) == ("SUCCEEDED", EVENTS)
    assert watched.messages("history") == []
    assert watched.states("lookup")[1:] == [HealthState.DENIED, HealthState.REFUSED]
    message = watched.messages("lookup")[-1]
    assert message.startswith("LookupEvents on ecs.amazonaws.com: AccessDenied")
    assert message.endswith(
        "Allow cloudtrail:LookupEvents (see sfnwatch iam-policy),"
        " or choose another --profile."
    )
    tries = [request.at for request in sync.asked(LOOKUP)]
    assert len(tries) < 10, "a permission is granted in minutes, if at all"
    last = (tries[-1] - sync.stopped_at).total_seconds()
    assert 0 <= last < 10, "the end of the execution ends the hope"


@pytest.mark.parametrize("operation", ["DescribeExecution", "GetExecutionHistory"])
async def test_a_history_that_may_not_be_read_ends_the_watch_that_nobody_watches(
    sync: Simulation, operation: str
) -> None:
    sync.faults.deny = {operation}
    watched = await sync.watch(tries=3)
    assert watched.states("history")[-1] is HealthState.REFUSED
    assert watched.states("lookup")[-1] in {HealthState.ENDED, HealthState.REFUSED}
    assert f"Allow states:{operation}" in watched.messages("history")[-1]
    assert sync.seconds(sync.clock.now()) < 60


async def test_one_that_is_refused_keeps_no_calls_from_one_long_over(
    sync: Simulation,
) -> None:
    sync.clock.advance(3600)
    watched = await sync.watch(sync.arn, f"{sync.arn}zz", tries=1)
    assert len(watched.matched()) == 6
    assert "Nothing to look up" not in " ".join(watched.messages("lookup"))
    refused, ended = sorted(
        (h for h in watched.trace.as_of().each_health if h.lane == "history"),
        key=lambda health: health.state != HealthState.REFUSED,
    )
    assert (refused.state, ended.state) == (HealthState.REFUSED, HealthState.ENDED)


# -- what executions start ------------------------------------------------------------

DEEP = ChildOptions(depth=3, children=10)


async def test_a_map_run_is_counted_and_listed_whole(simulate: Simulate) -> None:
    simulation = await simulate("distributed")
    watched = await simulation.watch(children=DEEP)
    trace, snapshot = watched.trace, watched.trace.as_of()
    (told,) = snapshot.map_runs.values()
    assert (told.executions.total, told.executions.unsuccessful) == (40, 3)
    assert (told.executions.running, told.executions.pending) == (0, 0)
    listed = [answers_[-1] for answers_ in trace.children.values()]
    found = Counter(each.listed.status for each in listed)
    assert found == {"FAILED": 3, "SUCCEEDED": 37}
    read = snapshot.children
    of_run = [arn for arn in read if arn in trace.children]
    assert 10 <= len(of_run) <= 13, "three that failed, and ten that ran or went well"
    failed = {each.listed.arn for each in listed if each.listed.failed}
    assert failed <= read.keys()
    rules = Counter(str(link.rule) for link in trace.links.values() if link.key)
    assert set(rules) == {"request-id", "resource-id"}
    again = Trace()
    again.add(watched.records[::-1])
    assert answers(again.as_of()) == answers(snapshot)


async def test_thousands_of_children_are_counted_within_the_budget(
    simulate: Simulate,
) -> None:
    simulation = await simulate(
        photos(*[0.0] * 25, *[12.0] * 1175, places=200, ToleratedFailurePercentage=5)
    )
    watched = await simulation.watch(children=ChildOptions(3, 4), drain=0)
    (told,) = watched.trace.as_of().map_runs.values()
    assert (told.executions.total, told.executions.failed) == (1_200, 25)
    assert len(watched.trace.children) == 1_200
    read = [each.status for each in watched.trace.as_of().children.values()]
    assert read.count("FAILED") == 4
    for operation, (rate, burst) in RATES.items():
        asked = simulation.asked(operation.partition(":")[2])
        if asked:
            seconds = (asked[-1].at - asked[0].at).total_seconds()
            # The root itself reads its history, and is described, beside them.
            assert len(asked) <= burst + rate * seconds + seconds + 10, operation


async def test_any_of_them_is_read_when_somebody_asks_while_it_is_watched(
    simulate: Simulate,
) -> None:
    simulation = await simulate(photos(*[12.0] * 30))
    asked: list[str] = []
    seen = Watched()

    def ask(batch: Any) -> None:
        seen(batch)
        live = simulation.watching
        assert live is not None
        assert not live.follow("arn:none")
        known = [a for a in seen.trace.children if a not in seen.trace.executions]
        if not asked and len(known) > 1:
            asked.append(known[-1])
            assert live.follow(asked[0])
            assert live.follow(asked[0]), "and asking twice is no harm"

    options = ChildOptions(3, 0)
    watched = await simulation.watch(children=options, also=ask, drain=0)
    (child,) = watched.trace.as_of().children.values()
    assert ([child.arn], child.status) == (asked, "SUCCEEDED")
    unread = watched.trace.children.keys() - watched.trace.executions.keys()
    requests = len(simulation.requests)
    assert simulation.watching is not None
    assert not simulation.watching.follow(min(unread)), "the watch is over"
    assert simulation.watching.follow(asked[0]), "that one is here"
    assert len(simulation.requests) == requests


@pytest.mark.parametrize(
    ("scenario", "operation"),
    [
        ("pipeline", "DescribeExecution"),
        ("pipeline", HISTORY),
        ("distributed", "DescribeMapRun"),
    ],
)
async def test_what_may_not_be_read_stops_nothing(
    scenario: str, operation: str, simulate: Simulate
) -> None:
    simulation = await simulate(scenario)
    roots = set(simulation.account.executions.values())

    def change(asked: AskedOf, given: dict[str, Any]) -> Any:
        if asked.parameters.get("executionArn") not in roots:
            raise Refusal("AccessDeniedException")
        return given

    simulation.changes[operation] = change
    watched = await simulation.watch(children=DEEP, drain=0)
    (root,) = watched.trace.as_of().roots.values()
    assert root.status == "SUCCEEDED"
    assert HealthState.DENIED not in watched.states("history")
    assert watched.states("children")[-1] is HealthState.REFUSED, "nobody waits for it"
    assert any(operation in words for words in watched.messages("children"))


async def test_what_did_not_wait_is_let_go_of_with_its_parent(
    simulate: Simulate,
) -> None:
    simulation = await simulate("pipeline")
    roots = set(simulation.account.executions.values())

    def unending(asked: AskedOf, given: dict[str, Any]) -> Any:
        if asked.parameters["executionArn"] not in roots:
            kept = [e for e in given["events"] if e["type"] != "ExecutionSucceeded"]
            given["events"] = kept
        return given

    simulation.changes[HISTORY] = unending
    watched = await simulation.watch(children=DEEP, drain=0)
    assert any("It goes on" in words for words in watched.messages("children"))
    assert watched.states("children")[-1] is HealthState.ENDED


# -- who else ran on their machines: asked for at the beginning and at the end ---------

LIST = "ListExecutions"
DAY = 86_400.0
ENDS = 309
"""Seconds after the epoch at which the execution that is watched has ended."""


def ran(simulation: Simulation, *spans: tuple[float, float | None]) -> None:
    """Have others run on the machine, from when to when, and AWS list them."""
    began = simulation.clock.now().timestamp()

    def item(number: int, start: float, stop: float | None) -> dict[str, Any]:
        now = simulation.clock.now().timestamp() - began
        over = stop is not None and stop <= now
        return {
            "executionArn": f"{HEAD}:execution:nightly-report:stranger-{number}",
            "stateMachineArn": f"{HEAD}:stateMachine:nightly-report",
            "name": f"stranger-{number}",
            "status": "FAILED" if over else "RUNNING",
            "startDate": began + start,
            **({"stopDate": began + (stop or 0.0)} if over else {}),
        }

    def answer(asked: AskedOf, given: dict[str, Any]) -> Any:
        now = simulation.clock.now().timestamp() - began
        status = asked.parameters.get("statusFilter")
        listed = [item(n, *span) for n, span in enumerate(spans) if span[0] <= now]
        fitting = [i for i in listed if status in (None, i["status"])]
        items = [*given["executions"], *fitting]
        items.sort(key=lambda i: i.get("stopDate", i["startDate"]), reverse=True)
        return page_of(items, asked.parameters, "executions", 100)

    simulation.unpaged.add(LIST)
    simulation.changes[LIST] = answer


def others(watched: Watched, arn: str) -> int | None:
    """Count the others that ran while an execution did."""
    trace = watched.trace
    execution = trace.as_of().executions[arn]
    assert execution.started_at is not None
    begin, end = execution.started_at, execution.stopped_at
    return trace.execution_lists.count_others(arn, begin, end, trace.executions)


def asked_for(asked: Sequence[Arrival]) -> list[str | None]:
    return [each.parameters.get("statusFilter") for each in asked]


def refusal_of(simulation: Simulation, code: str) -> None:
    def change(*_: Any) -> Any:
        raise Refusal(code, "Not you.")

    simulation.changes[LIST] = change


# -- what is asked, and when -------------------------------------------------------


async def test_a_machine_is_asked_for_at_the_beginning_and_after_the_end(
    sync: Simulation,
) -> None:
    watched = await sync.watch()
    asked = sync.asked(LIST)
    assert asked_for(asked) == ["RUNNING", None] * 2
    assert {each.parameters["stateMachineArn"] for each in asked} == {
        f"{HEAD}:stateMachine:nightly-report"
    }
    first, *_, last = (sync.seconds(each.at) for each in asked)
    assert first <= 2
    assert ENDS + 15 <= last <= ENDS + 20
    told = watched.of(RecordKind.MACHINE_EXECUTIONS)
    assert [received.record["running_complete"] for received in told] == [True, True]
    assert [len(received.record["running"]) for received in told] == [1, 0]
    assert [len(received.record["newest"]) for received in told] == [3, 3]
    assert others(watched, sync.arn) == 0, "those of the days before were over"
    assert watched.states("others") == ["connecting", "live", "ended"]
    assert not watched.messages("others")
    notes = {r.note for r in watched.trace.requests if r.operation == LIST}
    assert notes == {"running executions", "newest executions"}


async def test_whoever_ran_at_the_time_is_counted(sync: Simulation) -> None:
    ran(
        sync,
        *((-30 * DAY, 10), (20, 30), (-50, None), (250, ENDS + 90)),
        *((-90, -1), (ENDS + 5, ENDS + 6)),
    )
    watched = await sync.watch(drain=30)
    assert others(watched, sync.arn) == 4


async def test_of_one_that_is_long_over_it_is_asked_once(sync: Simulation) -> None:
    sync.clock.advance(3600)
    watched = await sync.watch(drain=30)
    assert asked_for(sync.asked(LIST)) == ["RUNNING", None]
    assert others(watched, sync.arn) == 0


async def test_the_last_lists_need_only_reach_back_to_the_first(
    sync: Simulation,
) -> None:
    before = [(-500.0 - n, -400.0 - n) for n in range(100)]
    ended = [(n / 2, n / 2 + 1) for n in range(450)]
    ran(sync, *before, *ended)
    watched = await sync.watch(drain=30)
    assert asked_for(sync.asked(LIST)) == ["RUNNING", None, "RUNNING", *[None] * 5]
    assert others(watched, sync.arn) == 450
    (_, told) = watched.of(RecordKind.MACHINE_EXECUTIONS)
    assert not told.record["newest_complete"]


async def test_without_calls_to_look_for_nobody_asks(sync: Simulation) -> None:
    watched = await sync.watch(calls=CallOptions(lookup=False))
    assert not sync.asked(LIST)
    assert not watched.states("others")
    assert others(watched, sync.arn) is None


async def test_a_nested_execution_is_read_and_its_machine_asked_for_too(
    simulate: Simulate,
) -> None:
    simulation = await simulate("pipeline")
    watched = await simulation.watch(children=DEEP, drain=30)
    snapshot = watched.trace.as_of()
    (root,), (child,) = snapshot.roots.values(), snapshot.children.values()
    assert (root.status, child.status) == ("SUCCEEDED", "SUCCEEDED")
    visit = root.visit(snapshot.lineage.parents[child.arn].visit_id)
    assert visit is not None
    assert visit.name == "Ship"
    described = simulation.asked("DescribeStateMachineForExecution")
    assert len(described) == 2, "its branches are numbered by its definition"
    machines = {each.parameters["stateMachineArn"] for each in simulation.asked(LIST)}
    assert len(machines) == 2
    assert [others(watched, arn) for arn in (root.arn, child.arn)] == [0, 0]


async def test_what_a_map_run_runs_is_in_no_machine_s_list(simulate: Simulate) -> None:
    simulation = await simulate("distributed")
    watched = await simulation.watch(
        children=ChildOptions(depth=1, children=2), drain=30
    )
    asked = [each.parameters.get("stateMachineArn") for each in simulation.asked(LIST)]
    assert {each for each in asked if each} == {f"{HEAD}:stateMachine:resize-photos"}
    child = next(
        arn for arn in watched.trace.children if arn in watched.trace.as_of().executions
    )
    assert others(watched, child) is None


async def test_executions_of_one_machine_are_asked_for_together(
    simulate: Simulate,
) -> None:
    simulation = await simulate(replace(PLANS["sync"], name="twin"), "sync")
    arns = list(simulation.account.executions.values())
    watched = await simulation.watch(drain=30)
    assert asked_for(simulation.asked(LIST)) == ["RUNNING", None] * 2
    assert [others(watched, arn) for arn in arns] == [0, 0]
    alone = await simulation.watch(arns[0], drain=30)
    assert others(alone, arns[0]) == 1


async def test_of_one_that_is_known_later_to_have_begun_earlier_it_is_asked_anew(
    simulate: Simulate,
) -> None:
    simulation = await simulate(replace(PLANS["sync"], name="twin"), "sync")
    first, second = simulation.account.executions.values()

    def change(asked: AskedOf, given: dict[str, Any]) -> Any:
        if asked.parameters["executionArn"] == first and simulation.clock.now() < late:
            raise Refusal("ThrottlingException", "Rate exceeded")
        return given

    late = EPOCH + timedelta(seconds=30)
    simulation.changes["DescribeExecution"] = change
    watched = await simulation.watch(second, first, drain=30)
    assert asked_for(simulation.asked(LIST)) == ["RUNNING", None] * 3
    assert {others(watched, first), others(watched, second)} == {0}


@pytest.mark.parametrize("denied", [False, True])
async def test_where_no_more_calls_are_awaited_it_is_asked_at_once(
    sync: Simulation, *, denied: bool
) -> None:
    def stop(_: Batch) -> None:
        if sync.clock.now() >= sync.stopped_at and sync.watching is not None:
            sync.watching.end_drain()

    sync.faults.deny = {LOOKUP} if denied else set()
    watched = await sync.watch(also=None if denied else stop)
    assert (watched.states("lookup")[-1] is HealthState.REFUSED) is denied
    assert len(sync.asked(LIST)) == 4
    assert sync.seconds(sync.requests[-1].at) <= ENDS + 10


# -- what is not known -----------------------------------------------------------------


async def test_what_is_not_permitted_is_said_once_and_all_else_goes_on(
    sync: Simulation,
) -> None:
    sync.faults.deny.add(LIST)
    watched = await sync.watch()
    assert len(sync.asked(LIST)) == 2, "at the beginning, and it may have been granted"
    assert not watched.of(RecordKind.MACHINE_EXECUTIONS)
    assert others(watched, sync.arn) is None
    assert watched.states("others") == ["connecting", "ended"]
    (message,) = watched.messages("others")
    assert message.startswith(
        "Whether others ran at the time is not known. ListExecutions on nightly-report:"
        " AccessDeniedException. Not you. Allow states:ListExecutions (see "
    )
    assert watched.states("lookup")[-1] is HealthState.ENDED
    assert len(watched.matched_calls) == 6
    assert watched.status == "SUCCEEDED"


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalFailure"])
async def test_what_is_not_answered_is_tried_for_as_long_as_calls_are_awaited(
    code: str, sync: Simulation
) -> None:
    refusal_of(sync, code)
    watched = await sync.watch()
    # Botocore itself tries some again, at once.
    asked = sorted({round(sync.seconds(each.at), -1) for each in sync.asked(LIST)})
    before, after = [t for t in asked if t < ENDS], [t for t in asked if t > ENDS]
    assert len(before) == 3
    pauses = [later - at for at, later in pairwise(after)]
    assert 120 <= max(pauses[:-1]) <= 200
    last_call = max(sync.seconds(each.at) for each in sync.asked("LookupEvents"))
    assert abs(after[-1] - last_call) < 10, "nobody waits for it after that"
    assert others(watched, sync.arn) is None
    assert watched.states("others") == ["connecting", "ended"]
    (message,) = watched.messages("others")
    assert code in message
    assert watched.states("lookup")[-1] is HealthState.ENDED


async def test_a_region_that_was_out_at_the_end_is_asked_once_it_is_back(
    sync: Simulation,
) -> None:
    sync.clock.when(60, lambda: refusal_of(sync, "InternalFailure"))
    sync.clock.when(ENDS + 300, sync.changes.clear)
    watched = await sync.watch()
    assert others(watched, sync.arn) == 0
    assert not watched.messages("others")


async def test_no_more_than_five_pages_of_a_list_are_read(sync: Simulation) -> None:
    ran(sync, *((n / 4 - 200, n / 4 - 190) for n in range(2000)))
    watched = await sync.watch(drain=30)
    assert asked_for(sync.asked(LIST))[-6:] == ["RUNNING", *[None] * 5]
    assert others(watched, sync.arn) is None
    told = watched.of(RecordKind.MACHINE_EXECUTIONS)[-1].record
    assert len(told["newest"]) == 500
    execution = watched.trace.as_of().executions[sync.arn]
    assert execution.stopped_at is not None
    lists = watched.trace.execution_lists
    end = execution.stopped_at
    assert lists.count_others(sync.arn, end, end, [sync.arn]) is not None
