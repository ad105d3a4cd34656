"""The one door to AWS: what may pass, and what is said when it doesn't."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions as boto

from sfnwatch.clock import ServerClock, SystemClock
from sfnwatch.errors import BadFileError, RefusedError
from sfnwatch.sources.allowed import (
    ALLOWED,
    DEFAULT,
    GRANTS,
    Feature,
    NotAllowedError,
    action_of,
    iam_policy,
    operations,
    policy_command,
)
from sfnwatch.sources.aws import Aws, AwsSettings, _loader, check_profile, warm_up
from sfnwatch.sources.drive import Failure
from sfnwatch.sources.models import ModelFiles
from sfnwatch.sources.trouble import (
    BAD_CREDENTIALS,
    DENIED,
    REFUSED,
    failure_of,
)
from sfnwatch.sources.trouble import EXPIRED as EXPIRED_CODES
from sfnwatch.trace.events import HealthState
from sfnwatch.trace.requests import THROTTLED
from tests.sources.simulation import REGION, Simulation

ARN = "arn:aws:states:ap-northeast-1:123456789012:execution:m:e"


@pytest.mark.parametrize(
    ("prefix", "method", "arguments"),
    [
        ("states", "list_executions", {"stateMachineArn": ARN}),
        ("states", "start_execution", {"stateMachineArn": ARN}),
        ("states", "stop_execution", {"executionArn": ARN}),
        ("cloudtrail", "list_trails", {}),
    ],
)
async def test_an_operation_that_is_not_allowed_never_leaves_the_process(
    sync: Simulation, prefix: str, method: str, arguments: Mapping[str, Any]
) -> None:
    async with Aws(sync.settings()) as aws:
        client = await aws._connection._client(prefix, REGION)
        with pytest.raises(NotAllowedError, match="not among the operations"):
            await getattr(client, method)(**arguments)
    assert sync.requests == []


def test_the_policy_allows_what_may_be_sent_and_nothing_else() -> None:
    statements = iam_policy()["Statement"]
    actions = [action for each in statements for action in each["Action"]]
    assert sorted(actions) == sorted(map(":".join, ALLOWED))
    reads = ("Describe", "Get", "List", "Lookup")
    assert all(name.startswith(reads) for _, name in ALLOWED), "all of it reads"


def test_what_an_option_is_for_is_allowed_with_it_alone() -> None:
    for feature in set(Feature) - DEFAULT:
        more = operations([feature]) - ALLOWED
        assert more, feature
        policy = str(iam_policy([feature]))
        assert all(f"'{service}:" in policy for service, _ in more)
    assert len({grant.sid for grant in GRANTS}) == len(GRANTS)


def test_only_one_option_takes_anything_away() -> None:
    reads = ("Cancel", "Describe", "Filter", "Get", "List", "Receive")
    queries = {("athena", "StartQueryExecution"), ("athena", "StopQueryExecution")}
    queries |= {("cloudtrail", "StartQuery"), ("logs", "StartLiveTail")}
    others = set(Feature) - {Feature.CONSUME}
    rest = {op for op in operations(others) - ALLOWED if not op[1].startswith(reads)}
    assert rest == queries
    assert operations(list(Feature)) - operations(others) == {
        ("sqs", "DeleteMessageBatch")
    }


def test_who_is_denied_is_told_iam_s_own_word() -> None:
    assert action_of("s3:ListObjectsV2") == "s3:ListBucket"
    assert action_of("sqs:DeleteMessageBatch") == "sqs:DeleteMessage"
    assert action_of("states:DescribeExecution") == "states:DescribeExecution"


def test_who_is_denied_is_told_the_policy_that_has_it() -> None:
    for name in ("DescribeExecution", "DescribeMapRun"):
        assert policy_command(f"states:{name}") == "sfnwatch iam-policy"
    for operation, feature in (
        ("states:ListExecutions", Feature.START),
        ("sqs:ReceiveMessage", Feature.QUEUE),
        ("logs:FilterLogEvents", Feature.LOG_GROUP),
        ("cloudtrail:StartQuery", Feature.LAKE),
    ):
        assert policy_command(operation) == f"sfnwatch iam-policy --with {feature}"
        assert action_of(operation) in str(iam_policy([feature]))


async def test_an_operation_is_allowed_to_its_own_service_alone(
    sync: Simulation,
) -> None:
    async with Aws(sync.settings(), features=[Feature.ATHENA]) as aws:
        with pytest.raises(NotAllowedError, match="not among the operations"):
            await aws.call("cloudtrail:GetQueryResults", "x", REGION, QueryId="x" * 36)
    assert sync.requests == []


async def test_clients_are_made_once_for_each_service_and_region(
    sync: Simulation,
) -> None:
    async with Aws(sync.settings()) as aws:
        arn = sync.account.executions["sync"]
        for region in (REGION, REGION, "us-west-2"):
            await aws.call("states:DescribeExecution", arn, region, executionArn=arn)
        assert len(aws._connection._clients) == 2


async def test_aws_time_is_known_from_its_answers(sync: Simulation) -> None:
    clock = ServerClock()
    arn = sync.account.executions["sync"]
    async with Aws(sync.settings(), clock.heed) as aws:
        assert abs(clock.now() - SystemClock().now()) < timedelta(seconds=1)
        await aws.call("states:DescribeExecution", arn, REGION, executionArn=arn)
    assert abs(clock.now() - sync.clock.now()) < timedelta(seconds=4)


@pytest.mark.parametrize(
    ("profile", "config", "command"),
    [
        (None, "", "aws login"),
        ("dev", "[profile dev]\nregion = eu-west-1\n", "aws login --profile dev"),
        (
            "sso",
            "[profile sso]\nsso_session = corp\n[sso-session corp]\n",
            "aws sso login --profile sso",
        ),
        (
            "old",
            "[profile old]\nsso_start_url = https://x\n",
            "aws sso login --profile old",
        ),
    ],
)
def test_the_command_that_renews_a_login_is_that_of_the_profile(
    profile: str | None,
    config: str,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "config"
    file.write_text(config)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    aws = Aws(AwsSettings(REGION, profile=profile))
    assert aws.login == command


def test_a_profile_deleted_while_watching_does_not_hide_the_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "gone"))
    aws = Aws(AwsSettings(REGION, profile="gone"))
    assert aws.login == "aws login --profile gone"


async def test_what_the_environment_says_does_not_come_between_here_and_here(
    sync: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy, a profile and broken files: all of no use on this machine."""
    broken = tmp_path / "broken"
    broken.write_text("[profile")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(broken))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(broken))
    monkeypatch.setenv("AWS_PROFILE", "gone")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    watched = await sync.watch(drain=0)
    assert watched.status == "SUCCEEDED"


@pytest.mark.parametrize(
    ("profile", "environment"), [("gone", None), (None, "gone"), ("gone", "dev")]
)
def test_a_profile_that_is_gone_is_refused_wherever_it_is_named(
    profile: str | None,
    environment: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "config").write_text("[profile dev]\n[profile prod]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    if environment:
        monkeypatch.setenv("AWS_PROFILE", environment)
    with pytest.raises(RefusedError) as refused:
        check_profile(AwsSettings(REGION, profile=profile))
    assert str(refused.value) == (
        "There is no AWS profile named gone. There are: dev, prod."
    )


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SFN"])
@pytest.mark.parametrize("url", ["here", "http://", "https://a b/\x1b"])
async def test_an_endpoint_that_is_none_is_said_and_not_tried_again(
    no_aws: None, monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    monkeypatch.setenv(name, url)
    async with Aws(AwsSettings(REGION)) as aws:
        with pytest.raises(Failure, match=r"Invalid endpoint: .* Correct it") as failed:
            await aws.call("states:DescribeExecution", ARN, REGION, executionArn=ARN)
    assert failed.value.state is HealthState.REFUSED
    assert failed.value.message.isprintable()


async def test_so_is_a_region_that_is_none(no_aws: None) -> None:
    name, arguments = "states:DescribeExecution", {"executionArn": ARN}
    async with Aws(AwsSettings(REGION)) as aws:
        with pytest.raises(Failure, match="a b␛") as failed:
            await aws.call(name, ARN, "a b\x1b", **arguments)
    assert failed.value.state is HealthState.REFUSED


def test_a_configuration_that_can_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("[profile")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(broken))
    with pytest.raises(BadFileError, match=str(broken)):
        check_profile(AwsSettings(REGION))


def refusal(code: str, message: str = "No.") -> boto.ClientError:
    return boto.ClientError(
        {"Error": {"Code": code, "Message": message}}, "GetExecutionHistory"
    )


@pytest.mark.parametrize(
    ("codes", "state", "advice"),
    [
        (THROTTLED, HealthState.THROTTLED, ""),
        (EXPIRED_CODES, HealthState.EXPIRED, "Run: aws login"),
        (DENIED, HealthState.DENIED, "Allow states:GetExecutionHistory"),
        (BAD_CREDENTIALS, HealthState.REFUSED, "Check the credentials"),
        (REFUSED, HealthState.REFUSED, "Check the ARN"),
        ({"InternalServerError", "NewInAws"}, HealthState.RETRYING, ""),
    ],
)
def test_every_code_is_judged_and_advised_on(
    codes: frozenset[str], state: HealthState, advice: str
) -> None:
    for code in codes:
        failure = failure_of(
            refusal(code), "states:GetExecutionHistory", ARN, "aws login"
        )
        assert failure.state is state
        assert "GetExecutionHistory" in failure.message
        assert f"{code}. No." in failure.message
        assert advice in failure.message


def test_no_code_is_judged_in_two_ways() -> None:
    groups = (THROTTLED, EXPIRED_CODES, DENIED, BAD_CREDENTIALS, REFUSED)
    assert len(frozenset().union(*groups)) == sum(map(len, groups))


def test_what_aws_says_reaches_nobody_s_terminal_unclean() -> None:
    error = refusal("Bad\x1bCode", "\x1b]0;title\x07 \u202ereversed " + "x" * 1000)
    message = failure_of(error, "states:GetExecutionHistory", ARN, "aws login").message
    assert message.isprintable()
    assert len(message) < 700


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (boto.NoCredentialsError(), HealthState.REFUSED),
        (boto.InvalidConfigError(error_msg="no such source"), HealthState.REFUSED),
        (boto.SSOTokenLoadError(error_msg="gone"), HealthState.EXPIRED),
        (boto.UnauthorizedSSOTokenError(), HealthState.EXPIRED),
        (boto.EndpointConnectionError(endpoint_url="http://x"), HealthState.RETRYING),
        (boto.ReadTimeoutError(endpoint_url="http://x"), HealthState.RETRYING),
        (
            boto.SSLError(endpoint_url="https://x", error=ValueError("cert")),
            HealthState.RETRYING,
        ),
        (TimeoutError(), HealthState.RETRYING),
        (OSError("disk"), HealthState.RETRYING),
    ],
)
def test_what_aws_did_not_say_is_judged_by_its_kind(
    error: Exception, state: HealthState
) -> None:
    failure = failure_of(
        error, "cloudtrail:LookupEvents", "ecs.amazonaws.com", "aws login"
    )
    assert failure.state is state
    assert failure.message.startswith("LookupEvents on ecs.amazonaws.com: ")
    assert failure.message.partition(": ")[2].endswith((".", "aws login"))


def test_a_bug_is_not_taken_for_a_trouble() -> None:
    with pytest.raises(ZeroDivisionError):
        failure_of(ZeroDivisionError(), "cloudtrail:LookupEvents", "x", "aws login")


async def test_a_request_that_fails_validation_is_a_bug_and_not_a_trouble(
    sync: Simulation,
) -> None:
    async with Aws(sync.settings()) as aws:
        with pytest.raises(boto.ParamValidationError):
            await aws.call("states:DescribeExecution", "x", REGION, executionArn=3)


async def test_a_failure_says_what_was_tried_on_what(sync: Simulation) -> None:
    arn = sync.account.executions["sync"][:-1]
    async with Aws(sync.settings()) as aws:
        with pytest.raises(Failure) as failed:
            await aws.call("states:DescribeExecution", arn, REGION, executionArn=arn)
    assert failed.value.message.startswith(f"DescribeExecution on {arn}: Execution")


async def test_a_first_client_reads_nothing_that_was_not_warmed_up(
    sync: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    usual = ModelFiles.load_file

    def load_file(self: ModelFiles, path: str) -> Any:
        found = usual(self, path)
        if found is not None:
            read.append(path)
        return found

    monkeypatch.setattr(ModelFiles, "load_file", load_file)
    _loader.cache_clear()
    warm_up()
    assert any("stepfunctions" in path for path in read)
    assert any("cloudtrail" in path for path in read)
    warmed = len(read)
    async with Aws(sync.settings()) as aws:
        for prefix in ("states", "cloudtrail"):
            await aws._connection._client(prefix, REGION)
    assert [Path(path).name for path in read[warmed:]] == []
