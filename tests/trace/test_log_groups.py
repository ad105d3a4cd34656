"""The names of log groups, and the ways they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.log_groups import LogGroupName, parse_log_group

NAME = "/aws/vendedlogs/states/my-machine_1.x#2"
ARN = f"arn:aws:logs:eu-west-1:123456789012:log-group:{NAME}"


@pytest.mark.parametrize("text", [ARN, f"{ARN}:*", f" {ARN}:log-stream:a/b \n"])
def test_an_arn_is_taken_apart(text: str) -> None:
    assert parse_log_group(text) == LogGroupName(NAME, "eu-west-1", "123456789012", ARN)


def test_a_name_is_a_name() -> None:
    assert parse_log_group(f" {NAME}\n") == LogGroupName(NAME)


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov", "aws-iso-b"])
def test_every_partition_has_log_groups(partition: str) -> None:
    arn = ARN.replace("arn:aws:", f"arn:{partition}:")
    assert parse_log_group(f"{arn}:*").arn == arn


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        f"{NAME}:*",
        "a" * 513,
        "ü",
        "arn:aws:logs:eu-west-1:123456789012:log-group:",
        "arn:aws:logs:eu-west-1:1:log-group:x",
        "arn:aws:s3:::bucket",
    ],
)
def test_what_is_neither_is_said_to_be_neither(text: str) -> None:
    with pytest.raises(ValueError, match="neither the name nor the ARN"):
        parse_log_group(text)


@given(st.text())
def test_any_text_is_one_or_is_not(text: str) -> None:
    try:
        found = parse_log_group(text)
    except ValueError:
        return
    assert found.name in text
