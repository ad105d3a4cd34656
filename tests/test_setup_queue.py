"""The template of `setup-queue`: what it makes, and that it is a sound one."""

import json
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.setup_queue import template, template_text

SERVICES = ("ecs.amazonaws.com", "lambda.amazonaws.com")


def lint(text: str) -> list[str]:
    """Ask cfn-lint, for all Regions; a wish for more prose is none of its errors."""
    if find_spec("cfnlint") is None:
        pytest.skip("cfn-lint is not installed")
    found = import_module("cfnlint.api").lint_all(text)
    return [str(match) for match in found if match.rule.id != "I4010"]


def resources(kind: str, **more: Any) -> list[dict[str, Any]]:
    found = template(**more)["Resources"].values()
    return [each["Properties"] for each in found if each["Type"] == kind]


@pytest.mark.parametrize("services", [(), SERVICES, ("glue",)])
def test_a_linter_has_nothing_against_it(services: tuple[str, ...]) -> None:
    text = template_text(services)
    assert lint(text) == []
    assert lint(text.replace('"ENABLED_WITH_ALL', '"WITH_ALL')), "it sees what is wrong"


def test_calls_that_only_read_are_given_too() -> None:
    calls, tasks = resources("AWS::Events::Rule")
    assert calls["State"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    assert "AWS API Call via CloudTrail" in calls["EventPattern"]["detail-type"]
    assert tasks["EventPattern"]["detail-type"] == ["ECS Task State Change"]


def test_only_calls_of_step_functions_are_taken() -> None:
    either = resources("AWS::Events::Rule")[0]["EventPattern"]["detail"]["$or"]
    named = [{"prefix": "states."}]
    assert either == [
        {"userIdentity": {"invokedBy": named}},
        {"sourceIPAddress": named},
    ]


def test_it_can_be_narrowed_to_some_services() -> None:
    wide = resources("AWS::Events::Rule")[0]["EventPattern"]["detail"]
    assert "eventSource" not in wide
    both = resources("AWS::Events::Rule", event_sources=SERVICES)
    assert both[0]["EventPattern"]["detail"]["eventSource"] == list(SERVICES)
    assert len(both) == 2
    (alone,) = resources("AWS::Events::Rule", event_sources=["glue", "glue"])
    assert alone["EventPattern"]["detail"]["eventSource"] == ["glue.amazonaws.com"]


@pytest.mark.parametrize("name", ["", " ", "ecs;rm", "äcs", "a b", ".amazonaws.com"])
def test_what_is_no_service_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a service"):
        template([name])


def test_more_services_than_a_pattern_holds_are_refused() -> None:
    with pytest.raises(ValueError, match="too many"):
        template([f"service-{number}" for number in range(200)])


def test_nobody_but_its_own_rules_may_send() -> None:
    for services in ((), ("glue",)):
        made = template(services)["Resources"]
        rules = [n for n, r in made.items() if r["Type"] == "AWS::Events::Rule"]
        policy = made["QueuePolicy"]["Properties"]["PolicyDocument"]
        (statement,) = policy["Statement"]
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        assert statement["Condition"]["ArnEquals"]["aws:SourceArn"] == [
            {"Fn::GetAtt": [name, "Arn"]} for name in rules
        ]


def test_the_queue_is_encrypted_and_keeps_nothing_for_long() -> None:
    (queue,) = resources("AWS::SQS::Queue")
    assert queue["SqsManagedSseEnabled"] is True
    assert 900 < queue["MessageRetentionPeriod"] <= 86_400


def test_it_says_that_a_trail_is_needed_and_how_to_watch() -> None:
    made = template()
    assert "trail" in made["Description"]
    assert "logging turned on" in made["Description"]
    assert len(made["Description"].encode()) <= 1024
    command = made["Outputs"]["Command"]["Value"]["Fn::Sub"]
    assert "--queue ${Queue}" in command
    assert made["Outputs"]["QueueUrl"]["Value"] == {"Ref": "Queue"}


@given(st.lists(st.sampled_from(["ecs", "glue", "sqs", "lambda.amazonaws.com"])))
def test_its_text_is_the_template_itself(services: list[str]) -> None:
    text = template_text(services)
    assert json.loads(text) == template(services)
    assert text.isascii()
    pattern = json.dumps(template(services)["Resources"]["CallsRule"])
    assert len(pattern) < 4096
