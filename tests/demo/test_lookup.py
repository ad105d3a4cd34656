"""LookupEvents, asked without HTTP, and the clients' own calls in it."""

import json
from datetime import timedelta
from typing import Any

import pytest

from sfnwatch.demo.account import Account
from tests.demo.clients import EPOCH, Direct, ManualClock

START = EPOCH.timestamp()


def by(key: str, value: str) -> list[dict[str, str]]:
    return [{"AttributeKey": key, "AttributeValue": value}]


def test_nothing_is_seen_before_it_is_delivered(direct: Direct) -> None:
    attribute = by("EventName", "RunTask")
    role = "StepFunctions-nightly-report-role"
    seen = []
    for _ in range(60):
        direct.clock.advance(10)
        page = direct.lookup(LookupAttributes=attribute, StartTime=START - 60)
        mine = [each for each in page["Events"] if role in each["CloudTrailEvent"]]
        seen.append(len(mine))
    assert seen[0] == 0
    assert seen == sorted(seen)
    assert seen[-1] == 1


def test_events_come_newest_first(direct: Direct) -> None:
    direct.clock.advance(900)
    times = [each["EventTime"] for each in direct.lookup()["Events"]]
    assert len(times) == 50
    assert times == sorted(times, reverse=True)


def test_the_bounds_are_inclusive(direct: Direct) -> None:
    direct.clock.advance(900)
    one = direct.lookup(MaxResults=1)["Events"][0]
    asked = {"LookupAttributes": by("EventId", one["EventId"])}
    at = one["EventTime"]
    assert direct.lookup(StartTime=at, EndTime=at, **asked)["Events"] == [one]
    assert not direct.lookup(StartTime=at + 1, **asked)["Events"]
    assert not direct.lookup(EndTime=at - 1, **asked)["Events"]


@pytest.mark.parametrize(
    ("key", "of"),
    [
        ("AccessKeyId", lambda each: each["AccessKeyId"]),
        ("EventId", lambda each: each["EventId"]),
        ("EventName", lambda each: each["EventName"]),
        ("EventSource", lambda each: each["EventSource"]),
        ("ReadOnly", lambda each: each["ReadOnly"]),
        ("ResourceName", lambda each: each["Resources"][0]["ResourceName"]),
        ("ResourceType", lambda each: each["Resources"][0]["ResourceType"]),
        ("Username", lambda each: each["Username"]),
    ],
)
def test_each_attribute_finds_what_has_it_and_nothing_else(
    direct: Direct, key: str, of: Any
) -> None:
    direct.clock.advance(900)
    sample = "AssumeRole" if key.startswith("Resource") else "RunTask"
    one = direct.lookup(LookupAttributes=by("EventName", sample))["Events"][0]
    found = direct.lookup(LookupAttributes=by(key, of(one)))["Events"]
    assert one["EventId"] in {each["EventId"] for each in found}
    assert {of(each) for each in found} == {of(one)}
    assert not direct.lookup(LookupAttributes=by(key, "nothing"))["Events"]


def test_the_envelope_agrees_with_its_record(direct: Direct) -> None:
    direct.clock.advance(900)
    for each in direct.lookup()["Events"]:
        record = json.loads(each["CloudTrailEvent"])
        assert record["eventID"] == each["EventId"]
        assert record["eventName"] == each["EventName"]
        assert record["eventSource"] == each["EventSource"]
        assert str(record["readOnly"]).lower() == each["ReadOnly"]
        assert record["userIdentity"].get("accessKeyId") == each.get("AccessKeyId")
        assert record["eventTime"].endswith("Z")


@pytest.mark.parametrize("size", [1, 7, 50])
def test_pages_hold_everything_once(direct: Direct, size: int) -> None:
    direct.clock.advance(900)
    asked = {
        "LookupAttributes": by("EventSource", "ecs.amazonaws.com"),
        "StartTime": START - 60,
        "EndTime": START + 300,
        "MaxResults": size,
    }
    ids: list[str] = []
    token: dict[str, object] = {}
    while True:
        page = direct.lookup(**asked, **token)
        assert len(page["Events"]) <= size
        ids += [each["EventId"] for each in page["Events"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert len(set(ids)) == len(ids) > 20


def test_a_token_needs_the_same_parameters(direct: Direct) -> None:
    direct.clock.advance(900)
    asked = {
        "LookupAttributes": by("EventSource", "ecs.amazonaws.com"),
        "MaxResults": 5,
    }
    token = direct.lookup(**asked)["NextToken"]
    direct.lookup(NextToken=token, **asked)
    for other in ({"StartTime": START}, {"LookupAttributes": by("ReadOnly", "true")}):
        direct.clock.advance(1)
        changed = asked | other | {"NextToken": token}
        code, _ = direct.refusal("LookupEvents", **changed)
        assert code == "InvalidNextTokenException"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"MaxResults": 0}, "InvalidMaxResultsException"),
        ({"MaxResults": 51}, "InvalidMaxResultsException"),
        (
            {"LookupAttributes": by("ReadOnly", "true") * 2},
            "InvalidLookupAttributesException",
        ),
        ({"LookupAttributes": by("Colour", "red")}, "InvalidLookupAttributesException"),
        ({"LookupAttributes": by("EventName", "")}, "InvalidLookupAttributesException"),
        ({"StartTime": START, "EndTime": START - 1}, "InvalidTimeRangeException"),
        ({"EndTime": START - 91 * 86400}, "InvalidTimeRangeException"),
        ({"StartTime": 1e20}, "InvalidTimeRangeException"),
        ({"EventCategory": "other"}, "InvalidEventCategoryException"),
        ({"NextToken": "x"}, "InvalidNextTokenException"),
        ({"MaxResults": "many"}, "SerializationException"),
    ],
)
def test_a_bad_parameter_is_refused(
    direct: Direct, parameters: dict[str, object], expected: str
) -> None:
    code, message = direct.refusal("LookupEvents", **parameters)
    assert code == expected
    assert message


def test_there_are_no_insights(direct: Direct) -> None:
    assert direct.lookup(EventCategory="insight") == {"Events": []}


def test_two_a_second_are_answered_and_no_more(direct: Direct) -> None:
    def asked() -> str | None:
        return direct.reply("LookupEvents").error_code

    assert [asked() for _ in range(3)] == [None, None, "ThrottlingException"]
    direct.clock.advance(0.5)
    assert [asked() for _ in range(2)] == [None, "ThrottlingException"]
    direct.clock.advance(60)
    assert [asked() for _ in range(3)] == [None, None, "ThrottlingException"]
    assert direct.refusal("LookupEvents")[1] == "Rate exceeded"


def test_a_clients_own_calls_are_recorded_and_late_too(direct: Direct) -> None:
    request_id = direct.reply(
        "GetExecutionHistory",
        executionArn=direct.account.executions["sync"],
        maxResults=3,
    ).request_id
    assert not direct.own_records()
    direct.clock.advance(420)
    record = direct.own_records()[0]
    assert record["requestID"] == request_id
    assert record["userAgent"] == "test-agent/1"
    assert record["requestParameters"]["maxResults"] == 3
    assert record["readOnly"] is True
    assert record["userIdentity"]["userName"] == "demo"


def test_looking_up_is_itself_looked_up(direct: Direct) -> None:
    direct.lookup(StartTime=START, LookupAttributes=by("ReadOnly", "true"))
    direct.clock.advance(420)
    found = direct.lookup(LookupAttributes=by("EventName", "LookupEvents"))["Events"]
    record = json.loads(found[0]["CloudTrailEvent"])
    assert record["eventSource"] == "cloudtrail.amazonaws.com"
    attribute = {"attributeKey": "ReadOnly", "attributeValue": "true"}
    assert record["requestParameters"] == {
        "lookupAttributes": [attribute],
        "startTime": "Nov 15, 2023, 12:28:24 AM",
    }


def test_a_refused_call_is_recorded_without_its_request(direct: Direct) -> None:
    direct.account.faults.deny.add("DescribeExecution")
    direct.refusal("DescribeExecution", executionArn="arn:aws:states:::x")
    direct.clock.advance(420)
    record = direct.own_records()[0]
    assert record["errorCode"] == "AccessDenied"
    assert record["requestParameters"] is None


def test_throttled_calls_are_not_recorded(direct: Direct) -> None:
    for _ in range(10):
        direct.reply("LookupEvents")
    direct.clock.advance(420)
    assert len(direct.records("cloudtrail.amazonaws.com")) == 2


def test_own_calls_do_not_pile_up_without_end(direct: Direct) -> None:
    for _ in range(5010):
        direct.reply("ListStateMachines", maxResults=1001)
    assert len(direct.account._own) == 5000


def test_the_same_account_at_the_same_time_shows_the_same(direct: Direct) -> None:
    names = tuple(direct.account.executions)
    clock = ManualClock()
    again = Account(names, clock=clock, epoch=direct.account.epoch, seed=7)
    for seconds in (0, 100, 300, 600):
        for each in (direct.clock, clock):
            each.advance(seconds)
        assert direct.account.delivered() == again.delivered()


def test_everything_of_the_executions_is_there_when_the_world_has_settled(
    direct: Direct,
) -> None:
    world = direct.account.world
    direct.clock.advance((world.settled_at - EPOCH) / timedelta(seconds=1))
    calls = {call.request_id for run in world.runs for call in run.calls}
    services = ("ecs.amazonaws.com", "states.amazonaws.com")
    seen = [record for source in services for record in direct.records(source)]
    assert calls <= {record["requestID"] for record in seen}
