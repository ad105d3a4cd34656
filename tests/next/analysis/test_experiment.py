"""The experiment that the tool grew out of: what is found in its recorded rows."""

import json
from typing import Any

import pytest

from sfnwatch.next.analysis.finding import Certainty
from sfnwatch.next.model.records import Received, RecordKind, receive
from tests.golden.inputs import FIXTURES, SEED
from tests.next.analysis.finding_in import found
from tests.next.builders import sync_run

needs_fixtures = pytest.mark.skipif(
    not (FIXTURES / SEED).is_file(), reason=f"no recorded rows at {FIXTURES / SEED}"
)


def rows(case: str | None = None) -> list[Received]:
    told = json.loads((FIXTURES / SEED).read_text())["rows"]
    return [
        receive(None, RecordKind.ATHENA, None, row)
        for row in told
        if case is None or row["case"] == case
    ]


def cases() -> list[str]:
    told: list[dict[str, Any]] = json.loads((FIXTURES / SEED).read_text())["rows"]
    return list(dict.fromkeys(row["case"] for row in told))


@needs_fixtures
def test_the_rows_of_the_sync_run_read_five_polls_and_their_intervals() -> None:
    (polling,) = found(*rows(cases()[0]), arn=None)["polling"]
    assert polling.data["intervals"] == [55, 59, 63, 55, 61]
    assert polling.data["interval_mean"] == 58.6
    assert (polling.data["count"], polling.data["from"]) == (5, "RunTask")
    assert polling.certainty is Certainty.FACT
    assert "polled 5 times with DescribeTasks, about once a minute" in polling.text
    assert "at intervals of 55, 59, 63, 55 and 61 s, counted from RunTask (mean" in (
        polling.text
    )


@needs_fixtures
def test_all_rows_together_tell_each_run_of_the_experiment_apart() -> None:
    told = found(*rows(), arn=None)
    assert [each.data["count"] for each in told["polling"]] == [5, 5]
    assert [each.data["denied"] for each in told["polling"]] == [0, 5]
    assert [each.data["pattern"] for each in told["pattern"]] == [
        *("sync", None, None, "sync"),
    ]
    (denied,) = told["denied-unknown"]
    assert denied.text.startswith("All 5 polls were denied (AccessDenied)")


def test_a_whole_run_is_polled_for_and_learned_of_by_event() -> None:
    told = found(*sync_run())
    (polling,), (completion,) = told["polling"], told["noticed"]
    assert polling.data["intervals"] == [55, 59, 63, 55, 61]
    assert polling.certainty is Certainty.FACT
    assert completion.text == (
        "The task started by ECS RunTask stopped at 00:33:31; Step Functions learned"
        " of it 1.9 s later, from the EventBridge managed rule"
        " StepFunctionsGetEventsForECSTaskRule, with no DescribeTasks call in between."
    )
    assert completion.certainty is Certainty.INFERENCE
    assert (completion.data["seconds"], completion.data["by"]) == (1.9, "event")


def test_denied_polls_show_that_completion_does_not_depend_on_them() -> None:
    (denied,) = found(*sync_run(denied=True))["denied-but-succeeded"]
    assert denied.text == (
        "Every poll for ECS RunTask was denied (5 of 5), yet it still succeeded, so"
        " completion doesn't depend on polling: the EventBridge managed rule"
        " StepFunctionsGetEventsForECSTaskRule reports it too."
    )
    assert denied.certainty is Certainty.INFERENCE
