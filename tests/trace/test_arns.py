"""ARNs of Step Functions, and the ways people paste them."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.arns import (
    ExecutionArn,
    last_segment,
    maybe_execution_arn,
    parse_execution_arn,
    parse_states_arn,
    role_name,
)

HEAD = "arn:aws:states:eu-west-1:111111111111"
ARN = f"{HEAD}:execution:nightly:run-1"
names = st.text(
    st.characters(
        exclude_characters=":/?&*<>{}[]#%\\^|~`$,;\"'",
        exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"],
    ),
    min_size=1,
    max_size=80,
)


def test_an_arn_is_taken_apart() -> None:
    found = parse_execution_arn(ARN)
    assert (found.arn, found.partition, found.region) == (ARN, "aws", "eu-west-1")
    assert (found.account, found.kind) == ("111111111111", "execution")
    assert (found.state_machine_name, found.name) == ("nightly", "run-1")
    assert found.state_machine_arn == f"{HEAD}:stateMachine:nightly"


CONSOLE = "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1"


@pytest.mark.parametrize(
    "pasted",
    [
        f"  {ARN}\n",
        f"{CONSOLE}#/v2/executions/details/{ARN}",
        f"{CONSOLE}#/v2/executions/details/{quote(ARN, safe='')}",
        f"{CONSOLE}#/v2/executions/details/{ARN}?statusFilter=FAILED",
        f"{CONSOLE}#/executions/details/{ARN}&x=y",
    ],
)
def test_the_console_s_url_holds_the_arn(pasted: str) -> None:
    assert parse_execution_arn(pasted).arn == ARN


@pytest.mark.parametrize(
    ("partition", "region"),
    [
        ("aws-cn", "cn-north-1"),
        ("aws-us-gov", "us-gov-west-1"),
        ("aws-iso-b", "us-isob-east-1"),
        ("aws-eusc", "eusc-de-east-1"),
    ],
)
def test_every_partition_has_executions(partition: str, region: str) -> None:
    arn = f"arn:{partition}:states:{region}:111111111111:execution:m:n"
    found = parse_execution_arn(arn)
    assert (found.partition, found.region) == (partition, region)
    assert found.state_machine_arn.startswith(f"arn:{partition}:states:{region}:")


def test_a_child_of_a_map_run_has_its_label_in_the_machine_s_name() -> None:
    found = parse_execution_arn(f"{HEAD}:execution:nightly/Each:abc-1")
    assert (found.state_machine_name, found.name) == ("nightly/Each", "abc-1")
    assert found.state_machine_arn == f"{HEAD}:stateMachine:nightly/Each"


def test_an_express_execution_is_known_as_one() -> None:
    found = parse_execution_arn(f"{HEAD}:express:nightly:run-1:uuid")
    assert (found.kind, found.name) == ("express", "run-1:uuid")
    assert found.is_express
    assert found.state_machine_arn == f"{HEAD}:stateMachine:nightly"
    assert not parse_execution_arn(ARN).is_express


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEAD}:stateMachine:nightly", "the ARN of a stateMachine"),
        (f"{HEAD}:mapRun:nightly/Each:uuid", "the ARN of a mapRun"),
        (f"{HEAD}:activity:mine", "the ARN of an activity, not"),
        (f"{HEAD}:execution:nightly", "name is missing"),
        (f"{HEAD}:express:nightly", "name is missing"),
        (f"{HEAD}:express:nightly:run-1", "the id behind the Express execution's name"),
        (f"{HEAD}:express:nightly:run-1:", "the id behind the Express execution's"),
        ("arn:aws:ecs:eu-west-1:111111111111:task/c/t", "no execution ARN"),
        ("arn:aws:states:eu-west-1:1:execution:m:n", "no execution ARN"),
        ("run-1", "no execution ARN"),
        ("", "no execution ARN"),
        (CONSOLE, "no execution ARN"),
    ],
)
def test_what_is_no_execution_is_said_to_be_what_it_is(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_execution_arn(text)
    assert maybe_execution_arn(text) is None


@given(names, names)
def test_any_name_survives_the_console_s_encoding(machine: str, name: str) -> None:
    arn = f"{HEAD}:execution:{machine}:{name}"
    found = parse_execution_arn(f"{CONSOLE}#/v2/executions/details/{quote(arn)}")
    assert (found.arn, found.state_machine_name, found.name) == (arn, machine, name)


@given(names, names, st.sampled_from(["stateMachine", "mapRun", "execution"]))
def test_what_an_arn_is_of_is_read_from_it(name: str, more: str, kind: str) -> None:
    arn = f"{HEAD}:{kind}:{name}:{more}"
    found = parse_states_arn(f"{CONSOLE}#/any/page/{quote(arn)}")
    assert found.arn == arn
    assert found.region == "eu-west-1"
    assert isinstance(found, ExecutionArn) == (kind == "execution")


@given(st.text())
def test_any_text_is_an_arn_or_is_not(text: str) -> None:
    found = maybe_execution_arn(text)
    assert found is None or found.arn in text


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:iam::1:role/r", "r"),
        ("arn:aws:iam::1:role/a/b/r", "r"),
        ("arn:aws:sts::1:assumed-role/r/session", "r"),
        ("arn:aws:sts::1:assumed-role/r/session/with/slashes", "r"),
        ("arn:aws:iam::1:user/u", None),
        ("arn:aws:iam::1:root", None),
        ("assumed-role", None),
        ("", None),
        (None, None),
    ],
)
def test_the_name_of_a_role_is_what_both_spellings_share(
    arn: str | None, name: str | None
) -> None:
    assert role_name(arn) == name


def test_the_last_segment_is_what_follows_the_last_slash() -> None:
    assert last_segment("arn:aws:ecs:r:a:task/cluster/id") == "id"
    assert last_segment("id") == "id"
