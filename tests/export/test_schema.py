"""The schema that is shipped, held against all that is written for programs."""

import json
from collections.abc import Iterator
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sfnwatch.export.json import dump
from sfnwatch.export.schema import line_schema, trace_schema
from sfnwatch.export.stream import JsonLines
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.integrations import Pattern
from sfnwatch.trace.links import Rule
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, MACHINE_ARN, ROLE, call, health, sync_history, sync_run
from tests.ecs import task_life
from tests.express import express_log
from tests.peers.fixtures import files, history
from tests.viewers.traces import EVIL, TRACES, failing, many_items

HEALTHS = (
    health("history", "live", 1),
    health("lookup", "draining", 2, message="x", lag=3.5, requests=4, retry_in=1.0),
)


_RUN_ARN = f"{MACHINE_ARN.replace('stateMachine', 'mapRun')}/Each:0123"
_COUNTS = {"succeeded": 1, "failed": 1, "total": 2}
_CHILD = {
    "executionArn": f"{MACHINE_ARN.replace('stateMachine', 'execution')}/Each:0",
    "mapRunArn": _RUN_ARN,
    "name": "0",
    "status": "FAILED",
    "startDate": 1700000000.5,
}
MAP_RUN = (
    Received(
        None,
        From.MAP_RUN,
        ARN,
        {
            "mapRunArn": _RUN_ARN,
            "executionArn": ARN,
            "status": "RUNNING",
            "startDate": 1700000000.0,
            "executionCounts": _COUNTS,
            "itemCounts": _COUNTS,
            "maxConcurrency": 40,
        },
    ),
    Received(None, From.CHILDREN, ARN, {"executions": [_CHILD]}),
)


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Refuse keys that the schema does not tell of, but in figures of findings."""
    schema = deepcopy(schema)
    for part in (schema, *schema["$defs"].values()):
        if "properties" in part:
            part["additionalProperties"] = False
    return schema


TRACE_SCHEMA = Draft202012Validator(strict(trace_schema()))
LINES = Draft202012Validator(strict(line_schema()))


def exported(trace: Trace) -> Any:
    out = StringIO()
    dump(trace, out)
    return json.loads(out.getvalue())


def lines(*batches: tuple[Received, ...]) -> Iterator[Any]:
    out = StringIO()
    printed = JsonLines(out)
    for batch in batches:
        printed(batch)
    printed.finish()
    return map(json.loads, out.getvalue().splitlines())


def wrong(validator: Draft202012Validator, value: Any) -> list[str]:
    return [f"{e.json_path}: {e.message:.200}" for e in validator.iter_errors(value)]


def test_it_is_a_schema_itself() -> None:
    for schema in (trace_schema(), line_schema()):
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", TRACES)
def test_every_trace_is_as_it_says(name: str) -> None:
    assert wrong(TRACE_SCHEMA, exported(TRACES[name])) == []


@pytest.mark.parametrize("path", files("history-localstack/*.json"))
def test_recorded_histories_are_as_it_says(path: Path) -> None:
    received = tuple(
        Received(None, From.HISTORY, ARN, event) for event in history(path)
    )
    assert wrong(TRACE_SCHEMA, exported(extend(Trace(), received))) == []
    for line in lines(received):
        assert wrong(LINES, line) == []


@pytest.mark.parametrize(
    "batches",
    [
        (tuple(sync_run()), HEALTHS),
        tuple((received,) for received in sync_run(denied=True)),
        (tuple(failing()), tuple(many_items(12, 3))),
        (tuple(express_log(sync_history())),),
        (
            tuple(sync_history()),
            tuple(sync_history(f"{ARN}-2")),
            (call("RunTask", 1, key="run", request_id="x"),),
        ),
        (tuple(sync_run()), tuple(task_life())),
        (tuple(sync_run()), MAP_RUN),
        (),
    ],
)
def test_every_line_is_as_it_says(batches: tuple[tuple[Received, ...], ...]) -> None:
    for line in lines(*batches):
        assert wrong(LINES, line) == []


def test_every_kind_of_line_was_tried() -> None:
    batches = tuple(sync_run()), HEALTHS, tuple(task_life()), MAP_RUN
    kinds = {line["kind"] for line in lines(*batches)}
    told = {
        part["properties"]["kind"]["const"]
        for name, part in trace_schema()["$defs"].items()
        if name.endswith("_line")
    }
    assert kinds == told


def test_the_words_are_those_of_the_code() -> None:
    defs = trace_schema()["$defs"]
    assert defs["link"]["properties"]["rule"]["enum"] == [str(rule) for rule in Rule]
    assert defs["attempt"]["properties"]["pattern"]["enum"] == [*map(str, Pattern)]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("sfnwatch_trace",), 2),
        (("executions", 0, "visits", 0, "status"), "done"),
        (("executions", 0, "visits", 0, "id"), "2"),
        (("executions", 0, "started_at"), "2023-11-15"),
        (("executions", 0, "findings", 0, "certainty"), "guess"),
        (("calls", 0, "link", "rule"), "sure"),
        (("calls", 0, "event_time"), None),
        (("calls", 0, "unheard"), 1),
    ],
)
def test_what_breaks_the_contract_is_seen(path: tuple[Any, ...], value: Any) -> None:
    whole = exported(extend(Trace(), sync_run()))
    assert wrong(TRACE_SCHEMA, whole) == []
    *before, last = path
    place = whole
    for key in before:
        place = place[key]
    place[last] = value
    assert wrong(TRACE_SCHEMA, whole)


def test_keys_that_are_added_break_no_reader() -> None:
    whole = exported(extend(Trace(), sync_run()))
    whole["new"] = whole["executions"][0]["visits"][0]["new"] = {"key": EVIL}
    assert wrong(Draft202012Validator(trace_schema()), whole) == []
    for key in ("arn", "visits"):
        lacking = deepcopy(whole)
        del lacking["executions"][0][key]
        assert wrong(Draft202012Validator(trace_schema()), lacking)


def test_names_of_the_machine_and_the_role_are_told() -> None:
    (told,) = exported(extend(Trace(), sync_run()))["executions"]
    assert (told["state_machine_arn"], told["role_arn"]) == (MACHINE_ARN, ROLE)
