"""The schema that is shipped, held against all that is written for programs."""

import json
from collections.abc import Iterable, Iterator
from copy import deepcopy
from io import StringIO
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sfnwatch.export.json.schema import line_schema, trace_schema
from sfnwatch.export.json_lines import JsonLines
from sfnwatch.model.integrations import Pattern
from sfnwatch.model.linking.link import LinkRule
from sfnwatch.model.records import Received
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.trace import Trace
from tests.export.traces import RECORDS, export


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Refuse keys that the schema does not tell of, but in figures of findings."""
    schema = deepcopy(schema)
    for part in (schema, *schema["$defs"].values()):
        if "properties" in part:
            part["additionalProperties"] = False
    return schema


TRACE = Draft202012Validator(strict(trace_schema()))
LINE = Draft202012Validator(strict(line_schema()))


def wrong(validator: Draft202012Validator, value: Any) -> list[str]:
    return [f"{e.json_path}: {e.message:.200}" for e in validator.iter_errors(value)]


def lines(*batches: Iterable[Received]) -> Iterator[Any]:
    trace, out = Trace(), StringIO()
    printed = JsonLines(trace, out)
    for batch in map(list, batches):
        printed(batch, trace.add(batch))
    printed.finish()
    return map(json.loads, out.getvalue().splitlines())


def test_it_is_a_schema_itself() -> None:
    for schema in (trace_schema(), line_schema()):
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", RECORDS)
def test_every_trace_and_every_line_is_as_it_says(name: str) -> None:
    assert wrong(TRACE, json.loads(export("json", name))) == []
    for line in lines(RECORDS[name]):
        assert wrong(LINE, line) == []


def test_every_kind_of_line_was_tried() -> None:
    kinds = {line["kind"] for line in lines(RECORDS["tasks"], RECORDS["photos"])}
    parts = trace_schema()["$defs"].items()
    assert kinds == {
        part["properties"]["kind"]["const"]
        for name, part in parts
        if name.endswith("_line")
    }


def test_the_words_are_those_of_the_code() -> None:
    defs = trace_schema()["$defs"]
    assert {*map(str, LinkRule)} <= {*defs["link"]["properties"]["rule"]["examples"]}
    assert defs["attempt"]["properties"]["pattern"]["enum"] == [*map(str, Pattern)]
    states = defs["health_line"]["properties"]["state"]["enum"]
    assert sorted(states) == sorted(map(str, HealthState))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("sfnwatch_trace",), 2),
        (("executions", 0, "visits", 0, "status"), "done"),
        (("executions", 0, "visits", 0, "id"), "2"),
        (("executions", 0, "started_at"), "2023-11-15"),
        (("executions", 0, "findings", 0, "certainty"), "guess"),
        (("calls", 0, "event_time"), None),
        (("calls", 0, "unheard"), 1),
    ],
)
def test_what_breaks_the_contract_is_seen(path: tuple[Any, ...], value: Any) -> None:
    whole = json.loads(export("json", "sync"))
    *before, last = path
    place = whole
    for key in before:
        place = place[key]
    place[last] = value
    assert wrong(TRACE, whole)


def test_keys_and_rules_that_are_added_break_no_reader() -> None:
    reader = Draft202012Validator(trace_schema())
    whole = json.loads(export("json", "sync"))
    whole["new"] = whole["executions"][0]["visits"][0]["new"] = {"key": "<x>"}
    whole["calls"][0]["link"]["rule"] = "a rule of later"
    assert wrong(reader, whole) == []
    del whole["executions"][0]["arn"]
    assert wrong(reader, whole)
