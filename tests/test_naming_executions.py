"""What is typed to name an execution, and what is said of everything else."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.errors import UsageError
from sfnwatch.naming_executions import MachineName, concerns, named
from sfnwatch.trace.arns import (
    ExecutionArn,
    MapRunArn,
    StateMachineArn,
    parse_execution_arn,
)
from tests.trace.test_text import HOSTILE, safe

HEAD = "arn:aws:states:eu-west-1:123456789012"
EXECUTION = f"{HEAD}:execution:nightly:run-1"
EXPRESS = f"{HEAD}:express:web:run-1:5f4c"
MACHINE = f"{HEAD}:stateMachine:nightly"
MAP_RUN = f"{HEAD}:mapRun:nightly/EachOrder:2f1c"
HOME = "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1"

names = st.text(
    st.characters(
        exclude_characters="<>{}[]?*\"#%\\^|~`$&,;:/'",
        exclude_categories=["C", "Z"],
    ),
    min_size=1,
    max_size=80,
)


@pytest.mark.parametrize(
    "text",
    [
        EXECUTION,
        f"  {EXECUTION}\n",
        f'"{EXECUTION}"',
        f"'{EXECUTION}'",
        f"`{EXECUTION}`",
        f"{HOME}#/v2/executions/details/{EXECUTION}",
        f"{HOME}#/executions/details/{quote(EXECUTION, safe='')}?x=y",
        f"https://console.aws.amazon.com/states/home#/executions/details/{EXECUTION}",
    ],
)
def test_an_execution_is_known_by_its_arn_and_its_pages(text: str) -> None:
    found = named(text)
    assert isinstance(found, ExecutionArn)
    assert (found.arn, found.kind, found.region) == (
        EXECUTION,
        "execution",
        "eu-west-1",
    )


@pytest.mark.parametrize(
    "text", [EXPRESS, f"{HOME}#/express-executions/details/{EXPRESS}?startDate=1"]
)
def test_an_express_execution_is_handed_on(text: str) -> None:
    found = named(text)
    assert isinstance(found, ExecutionArn)
    assert (found.arn, found.kind) == (EXPRESS, "express")


@pytest.mark.parametrize(
    ("text", "name", "qualifier"),
    [
        (MACHINE, "nightly", None),
        (f"{HOME}#/statemachines/view/{MACHINE}", "nightly", None),
        (f"{HOME}#/statemachines/view/{quote(MACHINE, safe='')}", "nightly", None),
        (f"{MACHINE}:3", "nightly", "3"),
        (f"{MACHINE}:PROD", "nightly", "PROD"),
        (f"{MACHINE}/EachOrder", "nightly/EachOrder", None),
        (f"{MACHINE}:", "nightly", None),
    ],
)
def test_a_state_machine_is_known_by_its_arn_and_its_page(
    text: str, name: str, qualifier: str | None
) -> None:
    found = named(text)
    assert isinstance(found, StateMachineArn)
    assert (found.name, found.qualifier) == (name, qualifier)
    assert (found.partition, found.region) == ("aws", "eu-west-1")
    assert found.account == "123456789012"


@pytest.mark.parametrize("text", [MAP_RUN, f"{HOME}#/v2/any/page/{quote(MAP_RUN)}"])
def test_a_map_run_is_known_by_its_arn(text: str) -> None:
    found = named(text)
    assert isinstance(found, MapRunArn)
    assert (found.arn, found.state_machine_name) == (MAP_RUN, "nightly")
    assert found.name == "EachOrder:2f1c"


def test_of_a_page_with_several_arns_the_first_is_meant() -> None:
    found = named(f"{HOME}#/v2/details/{MAP_RUN}?of={EXECUTION}")
    assert isinstance(found, MapRunArn)


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov", "aws-iso-b", "aws-eusc"])
def test_every_partition_has_machines(partition: str) -> None:
    found = named(MACHINE.replace("arn:aws:", f"arn:{partition}:"))
    assert isinstance(found, StateMachineArn)
    assert found.partition == partition


@given(names)
def test_a_name_alone_is_a_state_machines(name: str) -> None:
    try:
        assert named(name) == MachineName(name)
    except UsageError as error:
        assert "looks like a file" in str(error)  # noqa: PT017 - some names do


@pytest.mark.parametrize("text", ["", "  ", "\n", "''", '" "'])
def test_nothing_is_nothing(text: str) -> None:
    assert named(text) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEAD}:activity:mine", "it is the ARN of an activity, not of an execution"),
        (f"{HEAD}:execution:nightly", "the execution's name is missing from the ARN"),
        (f"{HEAD}:label:x", "it is no whole ARN of Step Functions"),
        ("arn:aws:states:eu-west-1:1:execution:m:n", "no whole ARN of Step Functions"),
        ("arn:aws:states:eu-west-1:123456789012", "no whole ARN of Step Functions"),
        (
            "arn:aws:lambda:eu-west-1:123456789012:function:f",
            "it is an ARN of lambda, not of Step Functions",
        ),
        ("arn:aws::::", "it is an ARN of no service"),
        (HOME, "it is an address with no ARN in it"),
        ("https://example.org/x", "it is an address with no ARN in it"),
        (f"{HOME}#/statemachines", "it is an address with no ARN in it"),
        ("run.sfnwatch.jsonl", "looks like a file's name. For a file: sfnwatch replay"),
        ("history.JSON.gz", "looks like a file's name"),
        ("calls.csv", "looks like a file's name"),
        ("nightly:PROD", "may be a version, an alias or an execution of 'nightly'."),
        ("nightly:run:1", "Give its whole ARN, which tells them apart"),
        ("my machine", "is no name of a state machine: none has ' '"),
        ("runs/nightly", "is no name of a state machine: none has '/'"),
        ("night*", "none has '*'"),
        ("a\x1bb", "none has '␛'"),
        ("x" * 81, "They have at most 80 characters."),
        ("a\u202eb", "is no name of a state machine"),
    ],
)
def test_what_names_no_execution_is_said_to_be_what_it_is(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        named(text)
    assert said in str(refused.value)
    assert safe(str(refused.value))
    assert refused.value.hint


@given(st.text() | st.sampled_from(HOSTILE))
def test_any_text_is_something_or_is_refused_in_safe_words(text: str) -> None:
    try:
        found = named(text)
    except UsageError as error:
        assert safe(str(error))  # noqa: PT017 - either will do
        assert len(str(error)) < 800  # noqa: PT017
    else:
        assert found is None or isinstance(found, MachineName) or found.arn


@pytest.mark.parametrize(
    "text", [EXECUTION, MACHINE, f"{MACHINE}:3", MAP_RUN, "nightly"]
)
@pytest.mark.parametrize(
    ("execution", "same"),
    [
        (f"{HEAD}:execution:nightly:run-2", True),
        (f"{HEAD}:execution:nightly/EachOrder:2f1c", True),
        (f"{HEAD}:execution:nightly-2:run-1", False),
        (f"{HEAD.replace('eu-west-1', 'eu-west-2')}:execution:nightly:run-1", None),
        (f"{HEAD.replace('1234', '9876')}:execution:nightly:run-1", None),
    ],
)
def test_what_is_named_concerns_the_executions_of_its_state_machine(
    text: str, execution: str, *, same: bool | None
) -> None:
    """A name says nothing of the account and the Region."""
    read = named(text)
    assert read is not None
    expected = (text == "nightly") if same is None else same
    assert concerns(read, parse_execution_arn(execution)) == expected
