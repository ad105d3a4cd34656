"""Short names: what tells executions apart, in as much room as there is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.model.moment import ExecutionAsOf
from sfnwatch.view.wording import (
    cut_middle,
    execution_labels,
    role_names,
    short_names,
)
from tests.builders import ARN, HEAD, History
from tests.model.answers import trace_of

WAYS = (
    "three-ways-sync-20261127T133053-f3235d",
    "three-ways-async-20261127T133100-87200d",
    "three-ways-sdk-20261127T133108-e1840d",
    "three-ways-denied-20261127T133115-1836a2",
)


def executions(*names: str) -> list[ExecutionAsOf]:
    """Make executions of these names, each as `name` or as `machine:name`."""
    arns = [
        f"{HEAD}:execution:{name if ':' in name else f'machine:{name}'}"
        for name in names
    ]
    records = [record for arn in arns for record in History(arn).start().records]
    known = trace_of(*records).as_of().executions
    return [known[arn] for arn in arns]


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (WAYS, ["sync", "async", "sdk", "denied"]),
        (("run-sync-1", "run-sync-denied-1"), ["sync", "sync denied"]),
        (("nightly-eu-20261127", "nightly-us-20261127"), ["eu", "us"]),
        (("run-0001", "run-0002"), ["0001", "0002"]),
        (("asks:run", "looked:run"), ["asks", "looked"]),
        (("report-sync-a", "report-sync-b"), ["a", "b"]),
        ((f"{'x' * 30}a{'y' * 30}", f"{'x' * 30}b{'y' * 30}"), ["no. 1", "no. 2"]),
        (("alone-20261127T133053-f3235d",), ["alone…f3235d"]),
        ((), []),
    ],
)
def test_executions_are_told_apart_by_what_differs(
    names: tuple[str, ...], short: list[str]
) -> None:
    assert list(short_names(executions(*names), 16).values()) == short


def test_role_words_name_executions_only_where_they_tell_all_apart() -> None:
    assert list(role_names(executions(*WAYS)).values()) == [
        *("sync", "async", "sdk", "denied")
    ]
    assert not role_names(executions("sync-1", "sync-2"))
    assert not role_names(executions("sync-1", "other"))


@pytest.mark.parametrize(
    ("name", "room", "cut"),
    [
        ("short", 5, "short"),
        (WAYS[0], 24, "three-ways-sync…f3235d"),
        (WAYS[0], 16, "three-ways…3235d"),
        ("distributed-map-of-many-photos", 16, "distribute…hotos"),
        ("anything", 1, "…"),
        ("anything", 0, ""),
    ],
)
def test_a_name_is_cut_in_its_middle(name: str, room: int, cut: str) -> None:
    assert cut_middle(name, room) == cut


letters = st.text("ab-1", min_size=1, max_size=12)
named = st.lists(letters, min_size=1, max_size=5, unique=True)


@given(named, st.integers(5, 30))
def test_short_names_fit_and_are_all_different(names: list[str], room: int) -> None:
    short = list(short_names(executions(*names), room).values())
    assert len(set(short)) == len(names)
    assert all(0 < len(each) <= room for each in short)


def test_labels_are_what_names_do_not_have_in_common() -> None:
    arns = [f"{HEAD}:execution:m:nightly-{name}-1" for name in ("eu", "us")]
    assert list(execution_labels(arns).values()) == ["eu-1", "us-1"]
    assert execution_labels([ARN]) == {ARN: ""}
    same = [f"{HEAD}:execution:{machine}:run" for machine in ("one", "two")]
    assert len(set(execution_labels(same).values())) == 2
