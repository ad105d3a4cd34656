"""A row of a trail's table that has all that a record has, and makes the same call."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.calls import _WHOLE, ApiCall, decode_call
from sfnwatch.trace.events import From, Received
from tests.builders import ACCOUNT, ROLE, START, call, sync_calls


def bare(received: Received) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(received.data["CloudTrailEvent"])
    return record


def row(record: dict[str, Any]) -> dict[str, Any]:
    """Write a record as the columns of a query would have it."""
    identity = record.get("userIdentity") or {}
    issuer = identity.get("sessionContext", {}).get("sessionIssuer", {})
    texts = {
        name.lower(): record.get(name)
        for name in (
            *("eventID", "eventTime", "eventSource", "eventName", "errorCode"),
            *("errorMessage", "requestID", "sourceIPAddress", "userAgent"),
            *("awsRegion", "recipientAccountId"),
        )
    }
    payloads = {
        name.lower(): None if record.get(name) is None else json.dumps(record[name])
        for name in ("requestParameters", "responseElements")
    }
    read_only = record.get("readOnly")
    return {
        **texts,
        **payloads,
        "readonly": None if read_only is None else str(read_only).lower(),
        "arn": identity.get("arn"),
        "issuerarn": issuer.get("arn"),
        "accountid": identity.get("accountId"),
        "invokedby": identity.get("invokedBy"),
    }


def decoded(source: From, data: dict[str, Any]) -> ApiCall:
    return decode_call(Received(START, source, None, data))


def facts(found: ApiCall) -> dict[str, Any]:
    told = set(found.__struct_fields__) - {"coat", "record"}
    told |= {"ids", "role", "own", "session_name"}
    return {name: getattr(found, name) for name in told}


CALLS = [
    *sync_calls(),
    *sync_calls(denied=True),
    call("RunTask", 1, key="x", role=ROLE.replace("role/", "role/a/path/")),
    call("RunTask", 1, key="x", invoked_by=None, user_agent="aws-cli/2"),
    call("RunTask", 1, key="x", invoked_by=None, user_agent="states.amazonaws.com"),
    call("LookupEvents", 1, key="x", invoked_by=None, user_agent="z sfnwatch/1.0"),
    call("RunTask", 1, key="x", invoked_by="states.amazonaws.com.cn"),
    call("RunTask", 1, key="x", parameters={"a": [{"b": "é\u2028"}], "n": 1.5}),
]


@pytest.mark.parametrize("received", CALLS)
def test_a_whole_row_makes_the_call_that_its_record_makes(received: Received) -> None:
    record = bare(received)
    assert facts(decoded(From.ATHENA, row(record))) == facts(
        decoded(From.TRAIL, record)
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"userIdentity": {"invokedBy": "states.amazonaws.com"}},
        {"userIdentity": {"type": "AWSService"}, "sourceIPAddress": "states.x"},
        {"recipientAccountId": "210987654321"},
        {"readOnly": None, "requestID": None},
        {"sourceIPAddress": "states.eu-west-1.amazonaws.com"},
    ],
)
def test_so_does_one_that_lacks_something(changes: dict[str, Any]) -> None:
    record = {**bare(sync_calls()[0]), **changes}
    assert facts(decoded(From.ATHENA, row(record))) == facts(
        decoded(From.TRAIL, record)
    )


@pytest.mark.parametrize("column", sorted(_WHOLE))
def test_without_any_of_its_columns_a_row_is_not_whole(column: str) -> None:
    needed = {"eventtime", "eventsource", "eventname"}
    whole = row(bare(sync_calls()[0]))
    assert decoded(From.ATHENA, whole).whole
    if column not in needed:
        some = {name: value for name, value in whole.items() if name != column}
        assert not decoded(From.ATHENA, some).whole


def test_a_whole_row_does_not_take_a_user_agents_word_for_who_called() -> None:
    claims = call(
        "RunTask", 1, key="x", invoked_by=None, user_agent="states.amazonaws.com"
    )
    whole = row(bare(claims))
    assert not decoded(From.ATHENA, whole).by_step_functions
    some = {k: v for k, v in whole.items() if k not in {"invokedby", "issuerarn"}}
    assert decoded(From.ATHENA, some).by_step_functions


def test_the_seeds_six_columns_are_a_call_still() -> None:
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/R/xxxxxxxxxxxxxxxx"
    six = {
        "eventtime": "2023-11-15T00:28:25Z",
        "eventsource": "ecs.amazonaws.com",
        "eventname": "RunTask",
        "errorcode": None,
        "errormessage": None,
        "arn": arn,
    }
    found = decoded(From.ATHENA, six)
    assert (found.role_arn, found.role, found.whole) == (arn, "R", False)
    assert found.event_id.startswith("row-")


@settings(deadline=None)
@given(st.text(), st.text())
def test_whatever_a_request_holds_is_what_the_record_holds(key: str, text: str) -> None:
    record = {**bare(sync_calls()[0]), "requestParameters": {key: [text]}}
    asked = decoded(From.ATHENA, row(record))
    assert asked.raw["requestParameters"] == {key: [text]}
    assert asked.ids == decoded(From.TRAIL, record).ids
