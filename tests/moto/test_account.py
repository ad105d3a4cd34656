"""The account itself has AWS's manners, as boto3 sees them."""

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.moto.account import Account
from tests.moto.watching import Together
from tests.program.terminals import eventually

ECS = [{"AttributeKey": "EventSource", "AttributeValue": "ecs.amazonaws.com"}]


def look_up(account: Account, **asked: Any) -> dict[str, Any]:
    """Ask, as often as it takes: only two a second are answered."""

    def answer() -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = account.clients["cloudtrail"].lookup_events(**asked)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ThrottlingException":
                raise
            return None
        return found

    found: dict[str, Any] = eventually(answer, "an answer")
    return found


def test_a_record_has_aws_s_shape(together: Together) -> None:
    account = together.account
    truth = {call["event_id"]: call for call in account.truth}
    pages = [look_up(account, LookupAttributes=ECS, MaxResults=25)]
    while token := pages[-1].get("NextToken"):
        page = look_up(account, LookupAttributes=ECS, MaxResults=25, NextToken=token)
        pages.append(page)
    events = [event for page in pages for event in page["Events"]]
    assert [len(page["Events"]) for page in pages[:-1]] == [25] * (len(pages) - 1)
    times = [event["EventTime"] for event in events]
    assert times == sorted(times, reverse=True)
    assert {at.microsecond for at in times} == {0}
    assert len({event["EventId"] for event in events}) == len(events)
    made = account.made(*together.arns.values())
    assert made.keys() <= {event["EventId"] for event in events}
    sessions = set()
    for event in events:
        record = json.loads(event["CloudTrailEvent"])
        called = truth[event["EventId"]]
        assert record["requestID"] == called["request_id"]
        if not called["maker"]:
            assert record["userIdentity"]["type"] == "IAMUser"
            continue
        assert (
            record["userAgent"] == record["sourceIPAddress"] == "states.amazonaws.com"
        )
        session = record["userIdentity"]["sessionContext"]
        assert session["sessionIssuer"]["arn"] == called["maker"]["role"]
        assert session["attributes"]["creationDate"] == record["eventTime"]
        assert re.fullmatch(r"[A-Za-z]{32}", event["Username"])
        sessions.add(event["Username"])
    by_states = [event for event in events if truth[event["EventId"]]["maker"]]
    assert len(sessions) == len(by_states) >= len(made)


def test_a_token_is_good_for_its_own_request_only(together: Together) -> None:
    account = together.account
    token = look_up(account, LookupAttributes=ECS, MaxResults=1)["NextToken"]
    with pytest.raises(ClientError, match="InvalidNextToken"):
        look_up(account, LookupAttributes=ECS, MaxResults=2, NextToken=token)


def test_a_history_comes_in_pages_and_either_way(together: Together) -> None:
    states, arn = together.account.states, together.arns["breaks"]
    pages = states.get_paginator("get_execution_history")
    whole = [
        [
            event["id"]
            for page in pages.paginate(
                executionArn=arn, reverseOrder=reverse, maxResults=4
            )
            for event in page["events"]
        ]
        for reverse in (False, True)
    ]
    assert whole == [sorted(whole[0]), sorted(whole[0], reverse=True)]
    assert whole[0] == list(range(1, len(whole[0]) + 1))
    assert len(whole[0]) > 4
