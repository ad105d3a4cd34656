"""What to set up: sound templates, and a statement that a database takes."""

import json
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

from tests.cli.programs import Program

TABLE = ("athena-ddl", "s3://my-trail/logs/", "--region", "eu-west-1")


def lint(text: str) -> list[str]:
    """Ask cfn-lint, for all Regions; a wish for more prose is none of its errors."""
    if find_spec("cfnlint") is None:
        pytest.skip("cfn-lint is not installed")
    found = import_module("cfnlint.api").lint_all(text)
    return [str(match) for match in found if match.rule.id != "I4010"]


@pytest.mark.parametrize(
    "words",
    [("setup-queue", "glue"), ("lab", "--with-queue")],
)
def test_a_linter_has_nothing_against_a_template(
    program: Program, words: tuple[str, ...]
) -> None:
    ended = program(*words)
    assert (ended.code, ended.err) == (0, "")
    assert lint(ended.out) == []


def rules(program: Program, *services: str) -> dict[str, dict[str, Any]]:
    made = program("setup-queue", *services).json["Resources"]
    found = {name: r for name, r in made.items() if r["Type"] == "AWS::Events::Rule"}
    policy = made["QueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    allowed = policy[0]["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert [each["Fn::GetAtt"][0] for each in allowed] == list(found), "and no others"
    return {name: each["Properties"] for name, each in found.items()}


def test_the_queue_gets_calls_that_only_read_of_the_services_named(
    program: Program,
) -> None:
    wide = rules(program)
    assert wide["CallsRule"]["State"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    assert "eventSource" not in wide["CallsRule"]["EventPattern"]["detail"]
    assert set(rules(program, "ecs")) == {"CallsRule", "TasksRule"}
    (alone,) = rules(program, "glue", "glue.amazonaws.com").values()
    assert alone["EventPattern"]["detail"]["eventSource"] == ["glue.amazonaws.com"]
    many = [f"service-{number}" for number in range(200)]
    assert "Too many services" in program("setup-queue", *many).said(2)


@pytest.mark.parametrize("name", ["", " ", "ecs;rm", "äcs", "a b", ".amazonaws.com"])
def test_what_is_no_service_is_refused(program: Program, name: str) -> None:
    assert "is no service with events" in program("setup-queue", "--", name).said(2)


def test_the_lab_runs_one_task_in_four_ways(program: Program) -> None:
    made = program("lab").json["Resources"]
    machines = [
        each["Properties"]["Definition"]["States"]["ECS RunTask"]["Resource"]
        for each in made.values()
        if each["Type"] == "AWS::StepFunctions::StateMachine"
    ]
    head = "arn:aws:states:::"
    assert sorted(machines) == [
        f"{head}aws-sdk:ecs:runTask",
        f"{head}ecs:runTask",
        *[f"{head}ecs:runTask.sync"] * 2,
    ]
    polls = json.dumps(made["RunTaskRole"]).count("ecs:DescribeTasks")
    assert (polls, "ecs:DescribeTasks" in json.dumps(made["DeniedRole"])) == (1, False)
    assert "Queue" in program("lab", "--with-queue").json["Resources"]


def test_the_policy_allows_reading_alone_and_what_options_ask_for(
    program: Program,
) -> None:
    policy = program("iam-policy").json
    actions = [action for each in policy["Statement"] for action in each["Action"]]
    reads = ("Get", "Describe", "List", "Lookup")
    assert all(action.split(":")[1].startswith(reads) for action in actions)
    more = program("iam-policy", "--with", "queue", "--with", "athena").out
    assert "sqs:ReceiveMessage" in more
    assert "athena:StartQueryExecution" in more
    assert "sqs:DeleteMessage" not in more


def test_the_table_is_one_that_athena_can_read(program: Program) -> None:
    made = program(*TABLE, "--account", "123456789012", "--since", "2026-01-01").out
    assert made.startswith("CREATE EXTERNAL TABLE cloudtrail_logs (")
    assert "LOCATION 's3://my-trail/logs/AWSLogs/'" in made
    assert "'projection.timestamp.range' = '2026/01/01,NOW'" in made
    assert "${account}/CloudTrail/${region}/${timestamp}'" in made
    parse = pytest.importorskip("sqlglot").parse_one
    assert parse(made, read="athena").kind == "TABLE"
    wide = program(*TABLE, "--organization", "o-abcdefghij", "--table", "t").out
    assert "'projection.account.type' = 'injected'" in wide
    assert "/logs/AWSLogs/o-abcdefghij/" in wide
