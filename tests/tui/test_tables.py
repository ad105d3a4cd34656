"""Views in columns: two executions compared, children, what sfnwatch asked."""

import re
from collections.abc import Iterable

import pytest

from sfnwatch.model.records import Received
from sfnwatch.sources.permissions import ALLOWED
from tests import builders as aws
from tests.tui.screens import ScriptedSession, live, replayed

# -- two executions beside each other --------------------------------------------------


async def test_other_pairs_are_chosen_swapped_and_pointed_at() -> None:
    async with replayed("demo-three-ways", (140, 40), "v") as (_, screen):
        await screen.press("V")
        assert "sdk" in screen.rows[2]
        await screen.press("X")
        assert "sdk" in screen.rows[1]
        assert "sync" in screen.rows[2]
        assert screen.rows[1].startswith(" ▸A")
        await screen.press("semicolon")
        assert screen.rows[2].startswith(" ▸B")
        # The line of the side pointed to is shown in the lanes.
        await screen.steps(("home enter enter", "▾ ECS RunTask ecs:runTask.sync"))
        await screen.press("escape", "v")
        assert screen.rows[2].startswith(" ▸B")


async def test_lines_fold_and_a_click_does_the_same() -> None:
    async with replayed("demo-three-ways", (140, 40), "v", "home", "z") as (
        _,
        screen,
    ):
        assert "≠ ▸ ECS RunTask" in screen.words
        y = next(n for n, row in enumerate(screen.rows) if "≠ ▸ ECS" in row)
        await screen.click(3, y)
        assert "≠ ▾ ECS RunTask" in screen.words
        await screen.steps(("m", "!three-ways-"))
        assert screen.rows[1].split()[1:3] == ["sync", "execution-1"]


async def test_what_is_alike_is_folded_and_opened() -> None:
    def run(arn: str, last: float) -> list[Received]:
        written = aws.History(arn).start()
        for number in range(40):
            written.state(f"State {number}")
        return written.state("Last", "Wait", wait=last).end().records

    records = [
        aws.describe(),
        *run(aws.ARN, 1),
        aws.describe(arn=aws.OTHER_ARN),
        *run(aws.OTHER_ARN, 9),
    ]
    async with live(records, (100, 30)) as (_, screen, _):
        await screen.steps(
            ("v", "▸ ⋯ 40 states alike", "Last"),
            ("home z", "▾ ⋯ 40 states alike", "State 3"),
            ("z Z", "!alike"),
        )


async def test_one_alone_has_nothing_to_be_compared_with() -> None:
    async with live(aws.sync_run(), (100, 24)) as (_, screen, _):
        await screen.steps(("v", "only one execution"))


# -- child executions ------------------------------------------------------------------


class Following(ScriptedSession):
    """A session that can read what somebody wants to see."""

    def __init__(self, records: Iterable[Received]) -> None:
        super().__init__(records)
        self.wanted: list[str] = []

    def follow(self, execution_arn: str) -> bool:
        self.wanted.append(execution_arn)
        return True


async def test_enter_leads_to_the_lanes_and_words_are_searched_for() -> None:
    async with replayed("demo-distributed", (120, 30)) as (_, screen):
        found = "3 of 41 child executions with “failed”"
        await screen.steps(
            ("C enter", "STEP FUNCTIONS", "93dc5163"),
            ("C / 'failed' enter", found, "!not read", "!not found"),
            ("escape / 'not read' enter", "not read"),
            ("m", "!resize-photos"),
        )


async def test_at_a_moment_of_event_time_what_ran_then_runs() -> None:
    keys = ("c", "shift+left", "shift+left", "C")
    async with replayed("demo-distributed", (100, 40), *keys) as (_, screen):
        states = [row.split()[:2] for row in screen.rows]
        assert states.count(["●", "running"]) == 8
        assert ["○", "ended"] not in states
        assert states.count(["✘", "failed"]) == 2


@pytest.mark.parametrize("slow", [0.005, -1])
async def test_one_that_is_not_read_is_read_and_then_shown(
    slow: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if it took long to show, and were shown by a timer.
    monkeypatch.setattr("sfnwatch.tui.pace._SLOW", slow)
    session = Following(aws.photos(4, failing=1, read=2))
    async with live(size=(120, 30), session=session) as (_, screen, _):
        await screen.steps(("C home down enter", "4 child executions, 2 read"))
        assert session.wanted == [aws.map_child(3)]
        child = aws.History(aws.map_child(3), begin=1.3).start().state("Resize").end()
        session.push(*child.records)
        await screen.until("▾ 00000003")
        assert "child executions, " not in screen.words


async def test_where_it_can_not_be_read_it_is_told_how_to_watch_it() -> None:
    async with live(aws.photos(4, failing=1, read=2), (120, 30)) as (_, screen, _):
        words = "is not in these records. sfnwatch", "watches it."
        await screen.steps(("C home down enter", *words))


# -- what sfnwatch asked of AWS --------------------------------------------------------


async def test_the_budget_stands_above_the_requests_and_says_it_only_reads() -> None:
    async with replayed("demo-sync", (140, 24), "r") as (_, screen):
        first, *_ = screen.rows[1:]
        assert "sfnwatch only reads." in first
        assert "163 requests; replay sends none" in first
        row = screen.row_with("LookupEvents")
        assert re.search(r"LookupEvents +98 +0 +0  ━─+ 8 %", row)
        assert "of 2/s" in row
        # The newest stands last, and the keys go to it.
        last = screen.rows[-3]
        assert "✔ ok" in last
        assert "own calls, for the lag" in last
        await screen.steps(("enter", 'operation: "LookupEvents"'))
        assert "LookupEvents" in screen.words.split("▾")[1]
        # At its beginning nothing was asked, but it tells what will be.
        await screen.steps(("escape 0", "No request is known of"))


async def test_requests_have_the_time_of_day_though_starts_are_aligned() -> None:
    async with replayed("demo-three-ways", (140, 24), "a", "r") as (_, screen):
        assert re.search(r" UTC +operation", screen.words)
        assert re.match(r" *13:\d\d:\d\d\.\d{3} ", screen.rows[-3])


async def test_what_it_may_ask_is_listed_before_it_asks() -> None:
    session = ScriptedSession([aws.describe("RUNNING")])
    session.allowed = ALLOWED
    async with live(size=(140, 50), session=session) as (_, screen, _):
        await screen.steps(("r", "No request is known of"))
        assert re.search(r"GetExecutionHistory +0 ", screen.words)


async def test_trouble_stands_out_and_names_are_masked() -> None:
    records = [
        aws.describe("RUNNING"),
        aws.request(0),
        aws.request(1, outcome="ThrottlingException"),
        aws.request(2, "states:DescribeExecution", outcome="AccessDeniedException"),
    ]
    async with live(records, (120, 24), seconds=5) as (_, screen, session):
        await screen.steps(("r", "▲ throttled", "✘ AccessDenied", "3 requests"))
        session.push(aws.request(3))
        await screen.until("4 requests")


async def test_a_recording_without_requests_says_so() -> None:
    session = ScriptedSession([aws.describe()], ends=True)
    async with live(size=(60, 12), session=session, mode="replay") as (_, screen, _):
        await screen.steps(("l r", "No request is known of"))
