"""Traces to draw, and pictures read back as the XML they must be."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

from sfnwatch.trace.events import Received
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import (
    ROLE,
    TASK_ARN,
    call,
    event,
    sync_calls,
    sync_history,
    sync_run,
)

_SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own text


def named(root: ET.Element, name: str, css: str | None = None) -> list[ET.Element]:
    """Find elements by their name, and by one of their classes."""
    return [
        element
        for element in root.iter(f"{_SVG}{name}")
        if css is None or css in element.get("class", "").split()
    ]


def texts(root: ET.Element) -> Iterator[str]:
    """Give what can be read in a picture, a text element at a time."""
    for element in named(root, "text"):
        yield " ".join("".join(part.split("\n")) for part in element.itertext())


def tips(root: ET.Element) -> list[str]:
    return [element.text or "" for element in named(root, "title")]


def run(*, denied: bool = False) -> Trace:
    return extend(Trace(), sync_run(denied=denied))


def long_wait(polls: int) -> list[Received]:
    """Build a run whose job was polled so many times, once a minute."""
    asked = [
        call(
            "DescribeTasks",
            60 * n,
            key=f"poll-{n:04}",
            parameters={"tasks": [TASK_ARN]},
        )
        for n in range(1, polls + 1)
    ]
    return [*sync_history()[:5], sync_calls()[0], *asked]


def crowd(iterations: int, *, at_once: float = 2.0) -> list[Received]:
    """Build a Map of so many iterations; every seventh fails, and some overlap."""
    records = [
        event(1, "ExecutionStarted", 0, input="{}", roleArn=ROLE),
        event(2, "MapStateEntered", 0.1, name="Each", input="{}"),
        event(3, "MapStateStarted", 0.1, length=iterations),
    ]
    last = 3
    for index in range(iterations):
        begin, before = 0.2 + index * 0.1, 3
        failed = index % 7 == 6
        for kind, after, details in _iteration(index, at_once, failed=failed):
            last += 1
            records.append(event(last, kind, begin + after, previous=before, **details))
            before = last
    end = 1 + iterations * 0.1 + at_once
    records.append(event(last + 1, "MapStateExited", end, name="Each", output="{}"))
    records.append(event(last + 2, "ExecutionSucceeded", end, output="{}"))
    return records


def _iteration(
    index: int, seconds: float, *, failed: bool
) -> Iterator[tuple[str, float, dict[str, Any]]]:
    outcome = "Failed" if failed else "Succeeded"
    function = {"resource": "arn:aws:lambda:eu-west-1:123456789012:function:work"}
    yield "MapIterationStarted", 0, {"name": "Each", "index": index}
    yield "TaskStateEntered", 0, {"name": "Work", "input": "{}"}
    yield "LambdaFunctionScheduled", 0.01, function
    yield "LambdaFunctionStarted", 0.02, {}
    yield f"LambdaFunction{outcome}", seconds, {"error": "Oops"} if failed else {}
    if not failed:
        yield "TaskStateExited", seconds, {"name": "Work", "output": "{}"}
    yield f"MapIteration{outcome}", seconds, {"name": "Each", "index": index}
