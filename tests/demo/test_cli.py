"""The AWS CLI against the server."""

import json

import pytest

from tests.demo.clients import Cli, Direct


async def test_it_describes_an_execution_and_its_machine(
    cli: Cli, direct: Direct
) -> None:
    arn = direct.account.executions["sync"]
    for word in ("describe-execution", "describe-state-machine-for-execution"):
        ended = await cli("stepfunctions", word, "--execution-arn", arn)
        assert ended.json["stateMachineArn"].endswith(":nightly-report")


async def test_it_pages_through_a_history_backwards(cli: Cli, direct: Direct) -> None:
    direct.clock.advance(400)
    arn = direct.account.executions["failure"]
    ended = await cli(
        *("stepfunctions", "get-execution-history", "--execution-arn", arn),
        *("--reverse-order", "--page-size", "4"),
    )
    assert [event["id"] for event in ended.json["events"]] == list(range(11, 0, -1))


async def test_it_lists_executions_by_status(cli: Cli) -> None:
    machine = "arn:aws:states:ap-northeast-1:123456789012:stateMachine:import-orders"
    ended = await cli(
        *("stepfunctions", "list-executions", "--state-machine-arn", machine),
        *("--status-filter", "FAILED", "--page-size", "1"),
    )
    assert {each["status"] for each in ended.json["executions"]} == {"FAILED"}
    assert len(ended.json["executions"]) == 2


async def test_it_looks_events_up_and_goes_on_from_its_own_token(
    cli: Cli, direct: Direct
) -> None:
    direct.clock.advance(900)
    words = (
        *("cloudtrail", "lookup-events", "--page-size", "3", "--max-items", "3"),
        *("--start-time", "2023-11-15T00:28:00Z", "--lookup-attributes"),
        "AttributeKey=EventSource,AttributeValue=ecs.amazonaws.com",
    )
    first = (await cli(*words)).json
    direct.clock.advance(5)
    second = (await cli(*words, "--starting-token", first["NextToken"])).json
    ids = [each["EventId"] for page in (first, second) for each in page["Events"]]
    assert len(set(ids)) == 6
    assert json.loads(first["Events"][0]["CloudTrailEvent"])["eventID"] == ids[0]


async def test_it_learns_who_it_is(cli: Cli) -> None:
    ended = await cli("sts", "get-caller-identity")
    assert ended.json["Account"] == "123456789012"


@pytest.mark.parametrize(
    ("words", "token", "expected"),
    [
        ("sts get-caller-identity", "EXPIRED", "(ExpiredToken)"),
        ("stepfunctions list-state-machines", "EXPIRED", "(ExpiredTokenException)"),
        ("cloudtrail lookup-events --page-size 99", "", "(InvalidMaxResultsException)"),
        (
            "stepfunctions describe-execution --execution-arn nonsense",
            "",
            "Invalid Arn: 'Invalid ARN prefix: nonsense'",
        ),
    ],
)
async def test_it_says_what_was_wrong(
    cli: Cli, words: str, token: str, expected: str
) -> None:
    env = {"AWS_SESSION_TOKEN": token} if token else {}
    ended = await cli(*words.split(), **env)
    assert ended.code != 0
    assert expected in ended.err
