"""No answer, however odd, ends the program, or is lost without a word."""

import asyncio
import gc
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web
from botocore.retries.standard import ExponentialBackoff

from sfnwatch.model.source_health import HealthState
from sfnwatch.sources.answers import AwsRequest, Failure
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.aws_settings import AwsSettings
from tests.builders import ARN, REGION
from tests.reliability.matrix import (
    ANSWERS,
    AUXILIARY,
    BODIES,
    CUT,
    SILENT,
    SLOW,
    STATUSES,
    WATCHED,
    Cell,
    asked_wrongly,
    some_cells,
    watched_cells,
    watched_wrongly,
)
from tests.sources.loopback import client_at, host, json_response, served
from tests.sources.profiles import KEYS, role
from tests.sources.test_aws_client import EVERY
from tests.sources.test_log_group import Tail, told

_STEP, _WATCHED_STEP = 5, 29
"""One in so many places of the matrix; the command asks all of them."""


@pytest.fixture(autouse=True)
def hasty_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    """Botocore waits up to a second of real time before its own second try."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)


async def test_whatever_comes_is_an_answer_or_a_failure_in_one_line() -> None:
    cells = some_cells(_STEP)
    assert {(cell.service, cell.operation) for cell in cells} == set(EVERY)
    assert {cell.status for cell in cells} == set(STATUSES)
    assert {cell.answer for cell in cells} == set(ANSWERS)
    assert await asked_wrongly(cells) == []


async def test_a_watch_ends_as_it_should_whatever_one_operation_answers() -> None:
    cells = list(watched_cells())[::_WATCHED_STEP]
    assert {cell.operation for cell in cells} == set(WATCHED)
    assert {cell.status for cell in cells} == set(STATUSES)
    wrong = [await watched_wrongly(cell) for cell in cells]
    assert list(filter(None, wrong)) == []


@pytest.mark.parametrize("operation", WATCHED)
async def test_an_answer_that_is_slow_or_never_comes_stops_nothing(
    operation: str,
) -> None:
    service = "cloudtrail" if operation == "LookupEvents" else "states"
    for answer in (SLOW, SILENT):
        assert await watched_wrongly(Cell(service, operation, 200, answer)) == ""


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("operation", AUXILIARY)
async def test_without_a_drain_nothing_is_waited_for_that_can_be_done_without(
    operation: str, status: int
) -> None:
    for answer in ("{}", "HTML", CUT, SILENT):
        cell = Cell("states", operation, status, answer)
        assert await watched_wrongly(cell, drain=0.0) == ""


@pytest.mark.parametrize("body", [[], "words", None, 7, {"sessionResults": 7}])
async def test_an_event_of_a_stream_that_has_another_form_is_tried_again(
    body: object,
) -> None:
    tail = Tail([[told("sessionUpdate", body), b""]])
    async with served(tail.answer) as tail.url, client_at(tail.url) as aws:
        groups = {"logGroupIdentifiers": ["arn:aws:logs:eu-west-1:1:log-group:x"]}
        request = AwsRequest("logs:StartLiveTail", "x", REGION, dict, groups)
        with pytest.raises(Failure) as failed:
            async for _ in aws.stream(request, "responseStream"):
                pass
    assert failed.value.state is HealthState.RETRYING
    assert failed.value.message == "StartLiveTail on x: the answer was cut or garbled."


async def test_a_stream_that_can_not_be_read_leaves_no_connection_open() -> None:
    said: list[str] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: said.append(str(context["message"]))
    )
    cells = [Cell("logs", "StartLiveTail", 200, answer) for answer in BODIES]
    assert await asked_wrongly(cells) == []
    gc.collect()
    assert said == []


def _with(body: bytes, status: int, _: web.Request) -> web.Response:
    return json_response(body, status)


@pytest.mark.parametrize("status", STATUSES)
async def test_whatever_sts_answers_is_a_failure_in_one_line(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "aws-config"
    path.write_text(f"{role('source_profile = keys')}[profile keys]\n{KEYS}")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    settings = AwsSettings(REGION, "p")
    request = AwsRequest(
        "states:DescribeExecution", ARN, REGION, dict, {"executionArn": ARN}
    )
    async with host() as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        for body in BODIES.values():
            sts.respond = partial(_with, body, status)
            async with AwsClient(settings) as aws:
                with pytest.raises(Failure) as failed:
                    await aws.call(request)
            assert failed.value.state is HealthState.RETRYING
            assert failed.value.message.startswith("AWS credentials: ")
            assert failed.value.message.isprintable()
