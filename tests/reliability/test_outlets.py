"""Strangers write the data: none of it acts on whoever reads what comes out."""

import csv
import json
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.narration import narrate
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, event
from tests.reliability.outlets import JSON, OUTLETS, every, leaks
from tests.trace.test_hostile import everything, spoil
from tests.trace.test_text import HOSTILE

MARK = "evil"
ATTACKS = (
    *HOSTILE,
    "\x1b]0;owned\x07",
    "\x1b[2J\x9b31m\x9d0;x\x9c",
    "\r\n\t\x08\x0b\x0c",
    "[bold red]x[/]",
    "[@click=app.quit]x[/]",
    "</script><script>alert(1)</script>",
    "]]><svg onload=alert(1)>&lt;",
    "%%{init: {}}%%\n  A->>B: x;y#59;",
    "\"; =cmd|' /C calc'!A0",
    "\ufeff\u202e\u2066\u200b\u2060\u00ad",
)
FORMULAS = ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1+1")


def records(text: str, *, types: bool = False) -> tuple[Received, ...]:
    """Put a text into every string of every record; event types stay, unless told."""
    made = []
    for record in everything():
        spoiled = spoil(record, text)
        if record.source == From.HISTORY and not types:
            data = {**spoiled.data, "type": record.data["type"]}
            spoiled = Received(record.at, record.source, record.execution_arn, data)
        made.append(spoiled)
    return tuple(made)


@pytest.mark.parametrize("types", [False, True])
@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_nothing_acts_and_nothing_is_dropped_silently(
    attack: str, *, types: bool
) -> None:
    for name, text in every(records(f"{MARK}{attack}{MARK}", types=types)):
        assert leaks(name, text) == [], name
        silent = name.startswith(("compare", "notification", "redacted"))
        assert silent or MARK in text, name
        if name in JSON:
            assert text.isascii(), name


@settings(max_examples=10, deadline=None)
@given(st.text(max_size=8))
def test_nor_does_any_other_text(attack: str) -> None:
    for name, text in every(records(f"{MARK}{attack}")):
        assert leaks(name, text) == [], name


@pytest.mark.parametrize("formula", FORMULAS, ids=ascii)
def test_no_cell_of_a_spreadsheet_is_a_formula(formula: str) -> None:
    strange = event(2, "TaskStateEntered", 1, name=formula, input=formula)
    failed = event(3, "ExecutionFailed", 2, error=formula, cause=formula)
    trace = extend(Trace(), [*records(formula), strange, failed])
    rows = list(csv.reader(StringIO(OUTLETS["csv"]((), trace))))
    cells = [cell for row in rows for cell in row]
    assert any(formula.strip() in cell for cell in cells)
    assert [cell for cell in cells if cell[:1] in set("=+-@\t\r\uff1d")] == []


@pytest.mark.parametrize(
    "payload",
    [
        '{"a": "' + "x" * (1 << 20) + '"}',
        "[" * 10_000 + "]" * 10_000,
        '{"n": ' + "9" * 5000 + "}",
        '{"n": NaN, "n": Infinity, "n": -0}',
        '\ufeff{"a": 1}\r\n',
        '{"\\u0000": "\\ud800"}',
    ],
    ids=["1 MiB", "deep", "huge number", "NaN", "BOM", "NUL"],
)
def test_payloads_of_any_shape_are_handed_on(payload: str) -> None:
    batch = (
        event(1, "ExecutionStarted", 0, input=payload, roleArn="arn:aws:iam::1:role/r"),
        event(2, "TaskStateEntered", 1, name="T", input=payload),
        event(3, "TaskScheduled", 1, resourceType="ecs", resource="runTask.sync"),
        event(4, "TaskFailed", 2, error="E", cause=payload, resourceType="ecs"),
        event(5, "ExecutionFailed", 2, error="E", cause=payload),
    )
    for name, text in every(batch):
        assert leaks(name, text) == [], name
        if name in {"json", "perfetto", "otlp"}:
            json.loads(text)


def test_what_is_said_on_stderr_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    for attack in ATTACKS:
        narrate(f"{MARK}{attack}")
    said = capsys.readouterr().err
    assert leaks("stderr", said) == []
    assert said.count(MARK) == len(ATTACKS)


def test_the_execution_named_by_a_file_may_be_hostile() -> None:
    strange = Received(None, From.HISTORY, f"{ARN}\x1b[2J", everything()[3].data)
    for name, text in every((*everything(), strange)):
        assert leaks(name, text) == [], name
