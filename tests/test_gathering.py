"""Which two executions are compared."""

from pathlib import Path

import pytest

from sfnwatch.errors import UsageError
from sfnwatch.gathering import chosen_pair, gather
from sfnwatch.settings import AwsOptions
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, sync_history

OTHER, THIRD = f"{ARN}-other", f"{ARN}-third"


def trace_of(*arns: str) -> Trace:
    return extend(Trace(), [r for arn in arns for r in sync_history(arn)])


def test_of_two_the_first_named_is_the_first() -> None:
    trace = trace_of(ARN, OTHER)
    assert chosen_pair(trace, (ARN, OTHER), ()) == (ARN, OTHER)
    assert chosen_pair(trace, (OTHER, ARN), ()) == (OTHER, ARN)


def test_names_choose_two_of_many() -> None:
    trace = trace_of(ARN, OTHER, THIRD)
    assert chosen_pair(trace, ("f",), ("third", "-other")) == (THIRD, OTHER)
    name = ARN.rpartition(":")[2]
    assert chosen_pair(trace, ("f",), (name, "third")) == (ARN, THIRD), "exact first"


@pytest.mark.parametrize(
    ("arns", "names", "sentence"),
    [
        ((), (), "none is here. Name two recordings, or two ARNs."),
        ((ARN,), (), "only one is here"),
        ((ARN, OTHER, THIRD), (), "3 are here. Choose two with"),
        ((ARN, OTHER), ("other",), "only one is named"),
        ((ARN, OTHER), ("other", "other"), "only one is named"),
        ((ARN, OTHER), ("other", "nobody"), "'nobody' names no execution."),
        ((ARN, OTHER, THIRD), ("arn:", "other"), "'arn:' names several executions."),
    ],
)
def test_what_is_not_two_is_said_with_what_there_is(
    arns: tuple[str, ...], names: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(UsageError) as error:
        chosen_pair(trace_of(*arns), ("f",), names)
    assert sentence in str(error.value)


def test_files_are_gathered_with_their_records(tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text(
        "eventtime,eventsource,eventname\n"
        "2023-11-15T00:28:25Z,ecs.amazonaws.com,RunTask\n"
    )
    found = gather([str(file)], AwsOptions(), 0)
    assert len(found.records) == len(found.trace.calls) == 1
