"""One call of an AWS API, in the three forms that CloudTrail records come in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from sfnwatch.model.api_call import ApiCall, decode_call, ids_in, session_name
from sfnwatch.model.records import DecodeError, Received
from tests import builders as aws
from tests.model.answers import trace_of

ROW = ("eventtime", "eventsource", "eventname")


def read(record: Received) -> ApiCall:
    return decode_call(record)[0]


def run(**changes: Any) -> Received:
    """Build a bare record with other values, `...` for one that is not there."""
    return aws.changed(aws.trail(aws.api_call("RunTask", 1, key="run"), 130), **changes)


def test_all_three_forms_say_the_same() -> None:
    record = aws.api_call("RunTask", 1, key="run", error=aws.DENIED, parameters=[1])
    written = (aws.lookup, aws.trail, aws.athena)
    forms = [read(form(record, lag=130)) for form in written]
    assert [each.kind for each in forms] == ["lookup", "trail", "athena"]
    one, two, three = (replace(each, kind="") for each in forms)
    assert one == two == three
    assert (one.event_id, one.request_id, one.whole) == ("run", "request-run", True)
    assert (one.role_arn, one.role) == (aws.ROLE, aws.ROLE.rpartition("/")[2])
    assert (one.region, one.account_id) == (aws.REGION, aws.ACCOUNT)
    assert one.event_time == datetime(2023, 11, 15, 0, 28, 25, tzinfo=UTC)
    assert one.seen_at == one.event_time + timedelta(seconds=130)
    assert (one.error_code, one.error_message) == aws.DENIED
    assert (one.has_request, one.has_answer, one.read_only) == (True, False, False)
    assert (one.by_step_functions, one.by_others, one.own) == (True, False, False)


# -- rows and envelopes that say less ------------------------------------------------


def test_a_row_says_what_its_columns_say() -> None:
    record = aws.api_call("RunTask", 1, key="run", error=aws.DENIED)
    few = read(aws.athena(record, *ROW))
    assert (few.error_code, few.role, few.read_only, few.request_id) == (None,) * 4
    assert (few.by_step_functions, few.by_others, few.whole) == (False, False, False)
    more = read(aws.athena(record, *ROW, "errorcode", readonly="TRUE", arn=""))
    assert (more.error_code, more.read_only, more.role) == ("AccessDenied", True, None)


def test_a_row_without_an_id_is_known_by_all_it_says() -> None:
    rows = [aws.row("RunTask", 1, arn=arn) for arn in ("a", "a", "b", "\ud800\x1b")]
    ids = [read(row).event_id for row in rows]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert all(each.startswith("row-") for each in ids)


def test_the_record_inside_has_the_last_word_and_old_envelopes_say_less() -> None:
    gone = dict.fromkeys(("ReadOnly", "EventSource", "Resources", "EventName"), ...)
    envelope = aws.call("RunTask", 1, key="run")
    found = read(aws.changed(envelope, EventId="outside", **gone))
    assert (found.event_id, found.event_source) == ("run", "ecs.amazonaws.com")


@pytest.mark.parametrize("inner", [None, "", "{", "[]", "[" * 10_000, 7, ...])
def test_an_envelope_whose_record_cannot_be_read_still_counts(inner: Any) -> None:
    found = read(aws.changed(aws.call("RunTask", 1, key="run"), CloudTrailEvent=inner))
    assert (found.event_id, found.event_name, found.role) == ("run", "RunTask", None)


def test_read_only_may_be_a_text_or_absent() -> None:
    said = (True, False, "true", "False", "maybe", None, [True], ...)
    meant = [True, False, True, False, None, None, None, None]
    assert [read(run(readOnly=each)).read_only for each in said] == meant


def test_what_is_optional_may_be_absent() -> None:
    gone = ("userIdentity", "requestParameters", "responseElements", "requestID")
    more = ("userAgent", "sourceIPAddress", "awsRegion", "recipientAccountId")
    found = read(run(**dict.fromkeys(gone + more, ...)))
    assert (found.role, found.request_id, found.region) == (None, None, None)
    assert (found.by_step_functions, found.account_id) == (False, None)
    exact = read(run(eventTime="2023-11-15T00:28:25.900Z"))
    assert exact.event_time.microsecond == 0


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (run(eventTime=...), "without 'eventTime'"),
        (run(eventID=...), "without 'eventID'"),
        (run(eventName=...), "without 'eventName'"),
        (run(eventName=""), "eventName is ''"),
        (run(eventTime="soon"), "not a time"),
        (run(eventID=7), "eventID is 7"),
        *(
            (aws.changed(aws.row("RunTask", 1), **{column: ...}), f"without '{column}'")
            for column in ROW
        ),
    ],
)
def test_what_a_record_must_have_is_named_when_it_lacks_it(
    record: Received, said: str
) -> None:
    with pytest.raises(DecodeError, match=said):
        read(record)


# -- who made it ---------------------------------------------------------------------


def test_a_session_without_an_issuer_still_has_its_role_and_its_name() -> None:
    identity = {"arn": f"arn:aws:sts::{aws.ACCOUNT}:assumed-role/R/{aws.SESSION}"}
    assert read(run(userIdentity=identity)).role == "R"
    assert session_name({"userIdentity": identity}) == aws.SESSION
    assert session_name(identity) == aws.SESSION
    assert session_name({"arn": f"arn:aws:iam::{aws.ACCOUNT}:user/u"}) is None
    assert session_name({"userIdentity": [7]}) is None


@pytest.mark.parametrize(
    "spelling",
    [
        *("states.amazonaws.com", "states.amazonaws.com.cn"),
        *("states.us-gov-west-1.amazonaws.com", "states.eu-west-1.amazonaws.com"),
    ],
)
@pytest.mark.parametrize("key", ["userIdentity", "sourceIPAddress"])
def test_step_functions_is_known_by_what_aws_says_of_the_caller(
    spelling: str, key: str
) -> None:
    told: dict[str, Any] = {"userIdentity": {}, "sourceIPAddress": None}
    told[key] = {"invokedBy": spelling} if key == "userIdentity" else spelling
    assert read(run(**told)).invoked_by == spelling


@pytest.mark.parametrize(
    "stranger",
    [
        *("lambda.amazonaws.com", "states.amazonaws.com.example.org"),
        *("mystates.amazonaws.com", "AWS Internal", None),
    ],
)
def test_others_are_not_step_functions(stranger: str | None) -> None:
    """A user agent that says so makes nobody Step Functions, but where none else is."""
    agent = "states.amazonaws.com"
    found = aws.call("RunTask", 1, key="run", invoked_by=stranger, user_agent=agent)
    assert not read(found).by_step_functions
    assert read(found).by_others
    assert read(aws.row("RunTask", 1, useragent=agent)).by_step_functions


def test_its_own_calls_are_known_by_their_user_agent() -> None:
    for agent, own in (
        ("aiobotocore/3.0 md/x sfnwatch/0.3.1", True),
        ("sfnwatch/1", True),
        ("mysfnwatch/1", False),
        ("sfnwatch", False),
    ):
        assert read(run(userAgent=agent)).own is own
        assert read(aws.row("LookupEvents", 1, useragent=agent)).own is own


# -- the ids in it -------------------------------------------------------------------


def test_the_ids_of_a_call_are_in_its_request_its_answer_and_its_error() -> None:
    asked = {"cluster": "my-cluster", "tasks": [{"deep": (aws.TASK_ARN,)}]}
    told = {"requestParameters": asked, "responseElements": {"a": "b"}}
    assert ids_in(told) == {"my-cluster", aws.TASK_ARN, aws.TASK_ID, "b"}
    assert ids_in({}, aws.DENIED[1]) >= {aws.TASK_ARN, aws.TASK_ID}
    assert aws.TASK_ARN in ids_in({}, f"No such task: {aws.TASK_ARN}.")
    assert ids_in({"requestParameters": "x" * 5000}) == set()


# -- in a trace ----------------------------------------------------------------------


def test_a_row_without_an_id_is_left_out_where_a_record_says_the_same() -> None:
    rows = [aws.row("RunTask", 1), aws.row("RunTask", 2)]
    for records in ([*rows, aws.sync_calls()[0]], [aws.sync_calls()[0], *rows]):
        trace = trace_of(*records)
        assert len(trace.calls) == 2
        shown = [(c.whole, c.event_time.second) for c in trace.ordered_calls]
        assert shown == [(True, 25), (False, 26)]


def test_own_calls_are_counted_and_never_shown_however_they_came() -> None:
    own = aws.api_call("LookupEvents", 9, key="own", user_agent="sfnwatch/1")
    unsigned = aws.athena(own, *ROW, "eventid")
    for records in ([aws.lookup(own), unsigned], [unsigned, aws.lookup(own)]):
        trace = trace_of(*records)
        assert (trace.calls, trace.own_calls) == ({}, {"own"})
        assert trace.ordered_calls == []
