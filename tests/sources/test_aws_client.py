"""The one door to AWS: what may pass, what is made of answers, and what is said."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions as boto
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from sfnwatch.model.records import THROTTLED as OVER_QUOTA
from sfnwatch.model.records import HealthState
from sfnwatch.sources.answers import (
    AwsRequest,
    Failure,
    Page,
    StalePageError,
    decode_answer,
    json_bytes,
)
from sfnwatch.sources.archive import Archive
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.aws_errors import failure_of
from sfnwatch.sources.log_group import LiveTail, LogGroup
from sfnwatch.sources.permissions import (
    DEFAULT,
    GRANTS,
    SIGN_IN,
    Feature,
    NotAllowedError,
    action_of,
    endpoint_refusal,
    iam_policy,
    is_loopback,
    operations,
    policy_command,
)
from sfnwatch.sources.polling import PollingSource
from sfnwatch.sources.queue import Queue
from sfnwatch.sources.sql_trail import AthenaTrail, LakeTrail
from tests.builders import ARN, REGION
from tests.sources.loopback import (
    EVERYTHING,
    Refusal,
    client_at,
    host,
    json_response,
    settings_at,
    stubbed,
)

HISTORY = "states:GetExecutionHistory"
ALLOWED = operations(DEFAULT)


class Events(Page, rename="camel"):
    events: list[Raw]
    next_token: str | None = None


async def read(aws: AwsClient, shape: Any = Events, **more: Any) -> Any:
    asked = {"executionArn": ARN, **more}
    return await aws.call(AwsRequest(HISTORY, ARN, REGION, shape, asked))


# -- answers as they came ----------------------------------------------------------

VALUES = st.none() | st.integers(-(2**53), 2**53) | st.text() | st.lists(st.text())


@settings(max_examples=60)
@given(
    st.lists(st.dictionaries(st.text(), VALUES), max_size=4),
    st.sampled_from([True, False]),
    st.integers(0, 2),
)
def test_each_item_of_a_page_is_handed_on_as_it_came(
    items: list[Any],
    escaped: bool,  # noqa: FBT001
    indent: int,
) -> None:
    written = [
        json.dumps(each, ensure_ascii=escaped, indent=indent or None).encode(
            errors="surrogatepass"
        )
        for each in items
    ]
    page = decode_answer(b'{"x": 1, "events": [' + b" , ".join(written) + b"]}", Events)
    assert [bytes(each) for each in page.events] == written
    assert page.count() == len(items)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"<html>log in first</html>",
        b'{"error": "log in first"}',
        b'{"events": null}',
        b'{"events": "x"}',
        b'{"events": [{"id": 1}',
        b'{"events": [{"id": 1}, 7]}',
        b'{"events": [null]}',
        b'{"events": [], "nextToken": {}}',
        b'{"events": [{"a": NaN}]}',
        b'{"events": [{"a": "\xff"}]}',
        b'{"events": [' + b"[" * 200_000 + b"]" * 200_000 + b"]}",
    ],
)
async def test_what_comes_with_200_and_is_no_answer_is_worth_another_try(
    body: bytes,
) -> None:
    async with (
        host(lambda _: json_response(body)) as asked,
        client_at(asked.url) as aws,
    ):
        with pytest.raises(Failure) as failed:
            await read(aws)
    assert failed.value.state is HealthState.RETRYING
    assert failed.value.message == (
        f"GetExecutionHistory on {ARN}: the answer was cut or garbled."
    )


def test_half_of_a_surrogate_pair_is_no_reason_to_refuse_a_page() -> None:
    page = decode_answer(b'{"events": [{"a": "\\ud800"}, {}]}', Events)
    assert [json.loads(bytes(each)) for each in page.events] == [{"a": "\ud800"}, {}]
    assert json.loads(json_bytes('{"a": "\ud800"}')) == {"a": "\ud800"}
    assert json_bytes('{"ä":  1}') == '{"ä":  1}'.encode()


@pytest.mark.parametrize("code", ["InvalidToken", "InvalidParameterException"])
async def test_errors_are_read_by_botocore_at_every_try(code: str) -> None:
    answers = iter([Refusal("InternalFailure", status=500), *[Refusal(code)] * 2])

    def refuse(_: Mapping[str, Any]) -> Any:
        raise next(answers)

    async with stubbed(GetExecutionHistory=refuse) as stub, client_at(stub.url) as aws:
        with pytest.raises(StalePageError):
            await read(aws, nextToken="old")
        assert len(stub.asked) == 2
        with pytest.raises(Failure, match=code) as failed:
            await read(aws)
    assert failed.value.code == code


# -- what may be sent ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("states:ListMapRuns", {"executionArn": ARN}),
        ("states:StartExecution", {"stateMachineArn": ARN}),
        ("states:StopExecution", {"executionArn": ARN}),
        ("cloudtrail:ListTrails", {}),
        ("cloudtrail:GetQueryResults", {"QueryId": "x" * 36}),
    ],
)
async def test_an_operation_that_is_not_allowed_never_leaves_the_process(
    operation: str, parameters: Mapping[str, Any]
) -> None:
    async with host() as asked:
        # What another service's feature allows is of no use.
        async with AwsClient(settings_at(asked.url), None, [Feature.ATHENA]) as aws:
            with pytest.raises(NotAllowedError, match="not among the operations"):
                await aws.call(AwsRequest(operation, "x", REGION, dict, parameters))
        assert asked.requests == []


def test_the_policy_allows_what_may_be_sent_and_nothing_else() -> None:
    statements = iam_policy()["Statement"]
    actions = [action for each in statements for action in each["Action"]]
    assert set(actions) == set(map(":".join, ALLOWED))
    reads = ("Describe", "Get", "List", "Lookup")
    assert all(name.startswith(reads) for _, name in ALLOWED), "all of it reads"
    assert len({grant.sid for grant in GRANTS}) == len(GRANTS)


def test_only_one_option_takes_anything_away() -> None:
    reads = ("Cancel", "Describe", "Filter", "Get", "List", "Receive")
    queries = {("athena", "StartQueryExecution"), ("athena", "StopQueryExecution")}
    queries |= {("cloudtrail", "StartQuery"), ("logs", "StartLiveTail")}
    others = set(Feature) - {Feature.CONSUME}
    rest = {op for op in operations(others) - ALLOWED if not op[1].startswith(reads)}
    assert rest == queries
    assert operations(EVERYTHING) - operations(others) == {
        ("sqs", "DeleteMessageBatch")
    }


def test_who_is_denied_is_told_iam_s_word_and_the_policy_that_has_it() -> None:
    assert action_of("s3:ListObjectsV2") == "s3:ListBucket"
    assert action_of("sqs:DeleteMessageBatch") == "sqs:DeleteMessage"
    assert policy_command("states:DescribeMapRun") == "sfnwatch iam-policy"
    for operation, feature in (
        ("states:ListExecutions", Feature.START),
        ("sqs:ReceiveMessage", Feature.QUEUE),
        ("logs:FilterLogEvents", Feature.LOG_GROUP),
        ("cloudtrail:StartQuery", Feature.LAKE),
    ):
        assert policy_command(operation) == f"sfnwatch iam-policy --with {feature}"
        assert action_of(operation) in str(iam_policy([feature]))


# -- where to ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "loopback", "allowed"),
    [
        (None, False, True),
        ("https://states.example", False, True),
        ("http://127.0.0.1:4566", True, True),
        ("http://localhost", True, True),
        ("http://[::1]:1", True, True),
        ("http://states.example", False, False),
        ("http://127.0.0.1.example", False, False),
        ("http://[", False, False),
        ("https://states.example:99999", False, False),
    ],
)
def test_nothing_is_sent_in_the_clear_but_on_this_machine(
    url: str | None, *, loopback: bool, allowed: bool
) -> None:
    assert is_loopback(url) == loopback
    assert (endpoint_refusal(url) == "") == allowed
    meant = endpoint_refusal(url, {"SFNWATCH_ALLOW_HTTP": "1"})
    assert meant == "" or "is no URL: " in meant


def test_what_is_asked_for_credentials_is_named_where_people_look() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert SIGN_IN.isdisjoint(operations(EVERYTHING))
    assert all(f"`{service}:{name}`" in readme for service, name in SIGN_IN)


async def test_what_the_environment_says_does_not_come_between_here_and_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy, a profile and broken files: all of no use on this machine."""
    (tmp_path / "broken").write_text("[profile")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "broken"))
    monkeypatch.setenv("AWS_PROFILE", "gone")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with (
        host(lambda _: json_response({"events": []})) as asked,
        client_at(asked.url) as aws,
    ):
        assert (await read(aws)).value.events == []


# -- what is said of errors ----------------------------------------------------------


def refusal(code: str, message: str = "No.") -> boto.ClientError:
    return boto.ClientError(
        {"Error": {"Code": code, "Message": message}}, "GetExecutionHistory"
    )


DENIED, EXPIRED = HealthState.DENIED, HealthState.EXPIRED
REFUSED, RETRYING = HealthState.REFUSED, HealthState.RETRYING
THROTTLED = HealthState.THROTTLED
NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"
TOO_MANY = "MaxConcurrentQueriesException"
JUDGED: Mapping[tuple[type[PollingSource], str], Mapping[str, tuple[str, str]]] = {
    (PollingSource, HISTORY): {
        **dict.fromkeys(OVER_QUOTA, (THROTTLED, "")),
        "ExpiredToken": (EXPIRED, "Run: aws login"),
        "RequestExpired": (EXPIRED, "Run: aws login"),
        "AccessDenied": (DENIED, "Allow states:GetExecutionHistory (see sfnwatch iam-"),
        "KmsAccessDeniedException": (DENIED, "Allow states:GetExecutionHistory"),
        "ExecutionDoesNotExist": (REFUSED, "Check the ARN and the --region."),
        "UnrecognizedClientException": (REFUSED, "Check the credentials of the"),
        "InternalServerError": (RETRYING, ""),
        "NewInAws": (RETRYING, ""),
    },
    (Queue, "sqs:ReceiveMessage"): {
        NO_QUEUE: (REFUSED, "Is the --queue URL right"),
        "InvalidAddress": (REFUSED, "Check the --queue URL"),
        "AccessDenied": (DENIED, "Allow sqs:ReceiveMessage"),
        "KMS.AccessDeniedException": (DENIED, "Allow kms:Decrypt"),
        "KMS.ThrottlingException": (THROTTLED, ""),
        "OverLimit": (THROTTLED, "they come free by themselves"),
        "InternalError": (RETRYING, ""),
    },
    (LogGroup, "logs:FilterLogEvents"): {
        "ResourceNotFoundException": (REFUSED, "Check the log group's name and its"),
        "InvalidParameterException": (REFUSED, "Check the log group's name."),
    },
    (LiveTail, "logs:StartLiveTail"): {
        "AccessDeniedException": (DENIED, "sfnwatch iam-policy --with live-tail"),
        "LimitExceededException": (RETRYING, ""),
        "ResourceNotFoundException": (REFUSED, "Check the log group's name"),
        "InvalidOperationException": (REFUSED, "Leave out --live-tail"),
    },
    (Archive, "s3:ListObjectsV2"): {
        "NoSuchBucket": (REFUSED, "Check the bucket's name, and the --profile."),
        "AccessDenied": (DENIED, "Allow s3:ListBucket"),
        "PermanentRedirect": (REFUSED, "Is the bucket in another Region"),
    },
    (AthenaTrail, "athena:GetQueryExecution"): {
        "InvalidRequestException": (REFUSED, "Check the table, the workgroup and"),
        "AccessDeniedException": (DENIED, "Allow athena:GetQueryExecution"),
    },
    (LakeTrail, "cloudtrail:GetQueryResults"): {
        "EventDataStoreNotFoundException": (REFUSED, "Check the event data store's"),
        TOO_MANY: (THROTTLED, ""),
    },
}
"""By source and operation, what a code means, and what there is to do."""


@pytest.mark.parametrize(("source", "operation"), JUDGED)
def test_every_code_is_judged_and_advised_on(
    source: type[PollingSource], operation: str
) -> None:
    for code, (state, advice) in JUDGED[source, operation].items():
        failure = failure_of(refusal(code), operation, ARN, "aws login")
        any(verdict.apply(failure) for verdict in source.verdicts)
        assert (failure.state, failure.code) == (state, code)
        name = operation.partition(":")[2]
        tried = name if code in OVER_QUOTA else f"{name} on {ARN}"
        assert failure.message.startswith(f"{tried}: {code}. No.")
        assert advice in failure.message


def test_what_aws_says_reaches_nobody_s_terminal_unclean() -> None:
    error = refusal("Bad\x1bCode", "\x1b]0;title\x07 \u202ereversed " + "x" * 1000)
    message = failure_of(error, HISTORY, ARN, "aws login").message
    assert message.isprintable()
    assert len(message) < 700


def test_a_session_token_that_aws_repeats_is_left_out() -> None:
    said = "The Canonical String should have been\n'x-amz-security-token:SECRET\nhost'"
    error = refusal("InvalidSignatureException", said)
    assert "SECRET" not in failure_of(error, HISTORY, ARN, "aws login").message


def test_a_clock_that_is_wrong_is_said_to_be() -> None:
    answer: Any = {
        "Error": {"Code": "InvalidSignatureException", "Message": "Signature expired"},
        "ResponseMetadata": {"HTTPHeaders": {"date": "Wed, 15 Nov 2023 00:28:24 GMT"}},
    }
    error = boto.ClientError(answer, "GetExecutionHistory")
    failure = failure_of(error, HISTORY, ARN, "aws login")
    assert failure.state is HealthState.RETRYING
    assert "This machine's clock is" in failure.message
    assert failure.message.endswith(
        "ahead of AWS's, and what is signed at another time is refused. Set the clock."
    )


@pytest.mark.parametrize(
    "error",
    [boto.ReadTimeoutError(endpoint_url="http://x"), TimeoutError(), OSError("disk")],
)
def test_what_is_no_answer_is_worth_another_try(error: Exception) -> None:
    failure = failure_of(error, "cloudtrail:LookupEvents", "ecs", "aws login")
    assert failure.state is HealthState.RETRYING
    assert failure.message.startswith("LookupEvents on ecs: ")
    assert failure.message.endswith(".")


def test_a_bug_is_not_taken_for_trouble() -> None:
    with pytest.raises(ZeroDivisionError):
        failure_of(ZeroDivisionError(), HISTORY, "x", "aws login")
