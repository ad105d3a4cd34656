"""What sfnwatch itself asked of AWS: the budget, and each request."""

import re

from sfnwatch.sources.permissions import ALLOWED
from tests.builders import describe, request
from tests.tui.screens import (
    ScriptedSession,
    live,
    press,
    replayed,
    row_with,
    rows_of,
    until,
    words_on,
)


async def test_the_budget_stands_above_the_requests_and_says_it_only_reads() -> None:
    async with replayed("demo-sync", (140, 24), "r") as (app, pilot):
        first, *_ = rows_of(app)[1:]
        assert "sfnwatch only reads." in first
        assert "163 requests while recording; replay sends none" in first
        row = row_with(app, "LookupEvents")
        assert re.search(r"LookupEvents +98 +0 +0  ━─+ 8 %", row)
        assert "of 2/s" in row
        # The newest stands last, and the keys go to it.
        last = rows_of(app)[-3]
        assert "✔ ok" in last
        assert "own calls, for the lag" in last
        await press(pilot, "enter")
        words = words_on(app)
        assert "request ID" in words
        assert "LookupEvents" in words.split("▾")[1]


async def test_what_it_may_ask_is_listed_before_it_asks() -> None:
    session = ScriptedSession([describe("RUNNING")])
    session.allowed = ALLOWED  # type: ignore[attr-defined]
    async with live(size=(140, 50), session=session) as (app, pilot, _):
        await press(pilot, "r")
        assert "Nothing asked yet." in words_on(app)
        assert re.search(r"GetExecutionHistory +0 ", words_on(app))


async def test_trouble_stands_out_and_names_are_masked() -> None:
    records = [
        describe("RUNNING"),
        request(0),
        request(1, outcome="ThrottlingException"),
        request(2, "states:DescribeExecution", outcome="AccessDeniedException"),
    ]
    async with live(records, (120, 24), seconds=5) as (app, pilot, session):
        await press(pilot, "r")
        assert "▲ throttled" in words_on(app)
        assert "✘ AccessDenied" in words_on(app)
        assert "3 requests" in words_on(app)
        session.push(request(3))
        await until(pilot, "4 requests")


async def test_a_recording_without_requests_says_so() -> None:
    session = ScriptedSession([describe()], ends=True)
    async with live(size=(60, 12), session=session, mode="replay") as (app, pilot, _):
        await press(pilot, "l", "r")
        assert "does not tell of the requests" in words_on(app)
