"""One call of an AWS API, in the three coats CloudTrail records come in."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.calls import ApiCall, decode_call, packed, read_call
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.history import DecodeError
from sfnwatch.trace.values import replace
from tests.builders import ACCOUNT, ROLE, START, TASK_ARN, TASK_ID, call, sync_calls

SESSION = "BmhovYkXBawuygrHoBxDrrpmDaQlMwtW"
ROW = {
    "eventtime": "2023-11-15T00:28:25Z",
    "eventsource": "ecs.amazonaws.com",
    "eventname": "RunTask",
}


def lookup(**more: Any) -> Received:
    return call("RunTask", 1, key="run", **more)


def trail(received: Received, **changes: Any) -> Received:
    """Build the bare record out of an Event of LookupEvents."""
    record = json.loads(received.data["CloudTrailEvent"])
    data = {k: v for k, v in {**record, **changes}.items() if v is not ...}
    return Received(received.at, From.TRAIL, None, data)


def athena(**row: Any) -> Received:
    return Received(START, From.ATHENA, None, {**ROW, **row})


def test_an_event_of_lookup_events_and_its_bare_record_say_the_same() -> None:
    wrapped = decode_call(lookup(parameters={"cluster": "c"}, request_id="r-1"))
    bare = decode_call(trail(lookup(parameters={"cluster": "c"}, request_id="r-1")))
    facts = [
        "event_id event_time event_source event_name read_only request_id role_arn",
        "session_name invoked_by user_agent region account_id seen_at whole ids role",
    ]
    for fact in " ".join(facts).split():
        assert getattr(wrapped, fact) == getattr(bare, fact)
    assert (wrapped.event_id, wrapped.request_id) == ("run", "r-1")
    assert (wrapped.role_arn, wrapped.session_name) == (ROLE, SESSION)
    assert (wrapped.region, wrapped.account_id) == ("ap-northeast-1", ACCOUNT)
    assert wrapped.event_time == datetime(2023, 11, 15, 0, 28, 25, tzinfo=UTC)
    assert wrapped.seen_at == wrapped.event_time + timedelta(seconds=130)
    assert wrapped.whole


def test_a_row_of_an_athena_table_says_what_its_columns_say() -> None:
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/R/{SESSION}"
    found = decode_call(
        athena(
            eventid="run",
            errorcode="AccessDenied",
            errormessage=f"not authorized on resource: {TASK_ARN} because",
            readonly="TRUE",
            requestid="r-1",
            arn=arn,
            useragent="states.amazonaws.com",
            awsregion="eu-west-1",
            recipientaccountid=ACCOUNT,
            requestparameters='{"cluster": "c"}',
        )
    )
    assert (found.event_id, found.request_id, found.read_only) == ("run", "r-1", True)
    assert (found.role, found.session_name) == ("R", SESSION)
    assert (found.region, found.account_id) == ("eu-west-1", ACCOUNT)
    assert found.error_code == "AccessDenied"
    assert found.ids >= {TASK_ARN, TASK_ID, "c"}
    assert (found.by_step_functions, found.whole) == (True, False)


def test_a_row_needs_no_more_than_a_time_a_source_and_a_name() -> None:
    found = decode_call(athena())
    assert (found.error_code, found.role, found.read_only) == (None, None, None)
    assert (found.ids, found.by_step_functions) == (frozenset(), False)


def test_empty_columns_are_columns_that_say_nothing() -> None:
    found = decode_call(athena(errorcode="", requestid="", readonly="", arn=""))
    facts = (found.error_code, found.request_id, found.read_only, found.role)
    assert facts == (None, None, None, None)


def test_a_row_without_an_id_is_known_by_all_it_says() -> None:
    one, again = decode_call(athena(arn="a")), decode_call(athena(arn="a"))
    other = decode_call(athena(arn="b"))
    assert one.event_id == again.event_id
    assert one.event_id != other.event_id


def test_a_row_with_hostile_text_and_no_id_decodes() -> None:
    assert decode_call(athena(errormessage="\ud800\x1b")).event_id.startswith("row-")


def test_the_record_inside_has_the_last_word_and_old_envelopes_less() -> None:
    data = dict(lookup().data)
    for key in ("ReadOnly", "EventSource", "Resources", "Username", "EventName"):
        data.pop(key)
    found = decode_call(Received(None, From.LOOKUP, None, {**data, "EventId": "out"}))
    assert (found.event_id, found.event_source) == ("run", "ecs.amazonaws.com")
    assert found.seen_at is None


@pytest.mark.parametrize("inner", [None, "", "{", "[]", "[" * 10_000, 7])
def test_an_envelope_whose_record_cannot_be_read_still_counts(inner: Any) -> None:
    data = {**lookup().data, "CloudTrailEvent": inner}
    found = decode_call(Received(START, From.LOOKUP, None, data))
    assert (found.event_id, found.event_name) == ("run", "RunTask")
    assert found.role is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (True, True),
        (False, False),
        ("true", True),
        ("false", False),
        ("True", True),
        ("maybe", None),
        (None, None),
        ([True], None),
        (..., None),
    ],
)
def test_read_only_may_be_a_string_or_absent(said: Any, meant: bool | None) -> None:  # noqa: FBT001
    assert decode_call(trail(lookup(), readOnly=said)).read_only is meant


def test_optional_fields_may_be_absent() -> None:
    gone = dict.fromkeys(
        ["userIdentity", "requestParameters", "responseElements", "requestID"], ...
    )
    more = dict.fromkeys(["userAgent", "sourceIPAddress", "awsRegion"], ...)
    found = decode_call(trail(lookup(), **gone, **more))
    assert (found.role, found.request_id, found.region) == (None, None, None)
    assert (found.by_step_functions, found.ids) == (False, frozenset())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"eventTime": ...}, "without 'eventTime'"),
        ({"eventID": ...}, "without 'eventID'"),
        ({"eventName": ...}, "without 'eventName'"),
        ({"eventName": ""}, "eventName is ''"),
        ({"eventTime": "soon"}, "not a time"),
        ({"eventID": 7}, "eventID is 7"),
    ],
)
def test_what_a_record_must_have_is_named_when_it_lacks_it(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(DecodeError, match=said):
        decode_call(trail(lookup(), **changes))


@pytest.mark.parametrize("column", list(ROW))
def test_what_a_row_must_have_is_named_when_it_lacks_it(column: str) -> None:
    row = {k: v for k, v in ROW.items() if k != column}
    with pytest.raises(DecodeError, match=f"without '{column}'"):
        decode_call(Received(START, From.ATHENA, None, row))


def test_times_are_whole_seconds() -> None:
    found = decode_call(trail(lookup(), eventTime="2023-11-15T00:28:25.900Z"))
    assert found.event_time.microsecond == 0


@pytest.mark.parametrize(
    ("role", "name"),
    [
        (f"arn:aws:iam::{ACCOUNT}:role/plain", "plain"),
        (f"arn:aws:iam::{ACCOUNT}:role/service-role/deep/er/plain", "plain"),
        (f"arn:aws-cn:iam::{ACCOUNT}:role/plain", "plain"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/plain/{SESSION}", "plain"),
        (f"arn:aws:iam::{ACCOUNT}:user/plain", None),
        ("plain", None),
    ],
)
def test_a_role_is_compared_by_its_name(role: str, name: str | None) -> None:
    assert decode_call(lookup(role=role)).role == name


def test_a_session_without_an_issuer_still_has_its_role() -> None:
    identity = {"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/R/{SESSION}"}
    found = decode_call(trail(lookup(), userIdentity=identity))
    assert (found.role, found.session_name) == ("R", SESSION)


@pytest.mark.parametrize(
    "spelling",
    [
        "states.amazonaws.com",
        "states.amazonaws.com.cn",
        "states.us-gov-west-1.amazonaws.com",
        "states.eu-west-1.amazonaws.com",
    ],
)
@pytest.mark.parametrize("field", ["invokedBy", "sourceIPAddress"])
def test_step_functions_is_known_by_what_aws_says_of_the_caller(
    spelling: str, field: str
) -> None:
    plain = lookup(invoked_by=None)
    if field == "invokedBy":
        identity = {"invokedBy": spelling}
        found = decode_call(trail(plain, userIdentity=identity))
    else:
        found = decode_call(trail(plain, **{field: spelling}))
    assert found.by_step_functions
    assert found.invoked_by == spelling


@pytest.mark.parametrize(
    "stranger",
    [
        "lambda.amazonaws.com",
        "states.amazonaws.com.example.org",
        "mystates.amazonaws.com",
        "AWS Internal",
        "aws-cli/2 states.amazonaws.com",
        None,
    ],
)
def test_others_are_not_step_functions(stranger: str | None) -> None:
    assert not decode_call(lookup(invoked_by=stranger)).by_step_functions


def test_a_user_agent_that_says_so_makes_nobody_step_functions() -> None:
    found = decode_call(lookup(invoked_by=None, user_agent="states.amazonaws.com"))
    assert not found.by_step_functions


@pytest.mark.parametrize("column", ["invokedby", "useragent"])
def test_of_a_row_either_column_must_do(column: str) -> None:
    assert decode_call(athena(**{column: "states.amazonaws.com"})).by_step_functions


@pytest.mark.parametrize(
    ("agent", "own"),
    [
        ("aiobotocore/3.0 md/x sfnwatch/0.3.1", True),
        ("sfnwatch/1", True),
        ("mysfnwatch/1", False),
        ("sfnwatch", False),
        (None, False),
    ],
)
def test_its_own_calls_are_known_by_their_user_agent(
    agent: str | None,
    own: bool,  # noqa: FBT001
) -> None:
    found = decode_call(lookup(user_agent=agent, invoked_by=None))
    assert found.own is own


def test_the_ids_of_a_call_are_in_its_request_and_its_answer() -> None:
    found = decode_call(sync_calls()[0])
    assert found.ids >= {"my-cluster", TASK_ARN, TASK_ID}
    assert decode_call(sync_calls()[1]).ids == {"c", TASK_ARN, TASK_ID}


def test_a_denied_call_names_the_task_in_its_error_alone() -> None:
    """A denied call has no requestParameters, as recorded."""
    found = decode_call(sync_calls(denied=True)[1])
    assert found.raw["requestParameters"] is None
    assert found.ids >= {TASK_ARN, TASK_ID}


def test_an_id_at_the_end_of_a_sentence_is_an_id() -> None:
    refusal = ("ClusterNotFoundException", f"No such task: {TASK_ARN}.")
    assert TASK_ARN in decode_call(lookup(error=refusal)).ids


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["arn", "invokedBy", "sessionContext", "sessionIssuer"]),
            inner,
        )
    ),
    max_leaves=8,
)
FIELDS = [
    *json.loads(lookup().data["CloudTrailEvent"]),
    *ROW,
    *lookup().data,
    "errorcode",
    "arn",
]


@given(
    st.sampled_from([From.LOOKUP, From.TRAIL, From.ATHENA]),
    st.dictionaries(st.sampled_from(FIELDS), json_values),
    st.sampled_from([{}, ROW, dict(trail(lookup()).data), dict(lookup().data)]),
)
def test_any_object_is_a_call_or_refused(
    source: str, strange: dict[str, Any], usual: dict[str, Any]
) -> None:
    try:
        found = decode_call(Received(START, source, None, {**usual, **strange}))
    except DecodeError:
        return
    assert isinstance(found, ApiCall)
    assert isinstance(found.ids, frozenset)
    assert found.event_time.tzinfo is UTC


def test_one_that_comes_in_is_decoded_once_by_all_that_look_at_it() -> None:
    received = lookup()
    decoded = decode_call(received)
    assert decode_call(received) is decoded
    assert decode_call(packed(received)) is decoded
    assert packed(received).data is decoded.record


def test_at_another_time_it_is_another_call() -> None:
    received = trail(lookup())
    decoded = decode_call(received)
    later = replace(received, at=START + timedelta(days=1))
    assert decode_call(later).seen_at == later.at
    assert decode_call(received) == decoded


@pytest.mark.parametrize("received", [lookup(), trail(lookup()), athena(eventid="e")])
def test_one_that_was_read_of_a_file_is_decoded_once_whenever_that_is(
    received: Received,
) -> None:
    read = read_call(received)
    assert read == received
    first = decode_call(read)
    assert first == decode_call(replace(received, data=dict(received.data)))
    for _ in range(1000):
        decode_call(lookup())
    assert decode_call(read) is first
    assert decode_call(packed(read)) is first
    later = replace(read, at=START + timedelta(days=1))
    assert decode_call(later) == replace(first, seen_at=later.at)
