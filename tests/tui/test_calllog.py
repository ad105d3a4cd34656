"""The call log: the budget on top, every request below it, at any size."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.strip import Strip

from sfnwatch.sources.allowed import operations
from sfnwatch.trace.budget import budget
from sfnwatch.trace.events import Received
from sfnwatch.trace.requests import decode_request
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.words import Tone, plain
from sfnwatch.tui.calllines import (
    BUDGET,
    REQUESTS,
    Look,
    bar,
    budget_rows,
    table_head,
    table_line,
)
from sfnwatch.tui.calllog import CallLog, fitting
from sfnwatch.tui.cells import cells
from tests.builders import ARN, START
from tests.trace.test_requests import HISTORY, LOOKUP, request
from tests.trace.test_text import HOSTILE, safe
from tests.tui.conftest import ThemedApp

ALLOWED = operations()
"""What a watch may send that follows nothing."""

SIZES = [(20, 5), (40, 14), (60, 16), (80, 24), (140, 40), (300, 80), (1, 1)]


class Host(ThemedApp):
    """An app of nothing but the call log."""

    def __init__(self, view: CallLog | None = None) -> None:
        super().__init__()
        self.log_view = view or CallLog(ALLOWED)

    def compose(self) -> ComposeResult:
        yield self.log_view


@asynccontextmanager
async def shown(
    records: Iterable[Received],
    *,
    size: tuple[int, int] = (80, 24),
    view: CallLog | None = None,
    **look: Any,
) -> AsyncIterator[tuple[CallLog, Pilot[None]]]:
    app = Host(view)
    async with app.run_test(size=size) as pilot:
        view = app.log_view
        for name, value in look.items():
            setattr(view, name, value)
        view.focus()
        view.show(extend(Trace(), records), START + timedelta(seconds=60))
        await pilot.pause()
        yield view, pilot


def words(view: CallLog) -> list[str]:
    """Read what is in view, line by line."""
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


def some(count: int, **more: Any) -> list[Received]:
    return [request(n / 2, request_id=f"id-{n}", **more) for n in range(count)]


# -- what is said ----------------------------------------------------------------------


async def test_the_budget_stands_on_top_and_the_requests_below() -> None:
    records = [
        *(request(n, LOOKUP, request_id=f"l{n}") for n in range(1, 37)),
        request(40, LOOKUP, "ThrottlingException", note="calls to ecs, try 2"),
        request(41, HISTORY, "AccessDeniedException", items=None),
    ]
    async with shown(records) as (view, _):
        lines = words(view)
    assert lines[0] == (
        " sfnwatch only reads: it can send 4 operations, no other.  38 requests"
    )
    assert lines[1].split() == [
        "operation", "sent", "failed", "throttled", "last", "minute",
    ]  # fmt: skip
    assert lines[2].split()[:4] == ["LookupEvents", "37", "0", "1"]
    assert lines[2].endswith("  0.6/s of 2/s")
    assert lines[5].split()[:4] == ["GetExecutionHistory", "1", "1", "0"]
    assert lines[7].split() == ["UTC", "operation", "took", "items", "outcome"]
    assert "▲ throttled  calls to ecs" in lines[-2]
    assert lines[-2].startswith(" 00:29:04.102  LookupEvents")
    assert "✘ AccessDeniedException" in lines[-1]
    assert "✔ ok  newest events" in lines[-3]
    assert "0.12 s      5" in lines[-3]


async def test_what_may_be_sent_and_was_not_is_listed_too() -> None:
    async with shown(some(3)) as (view, _):
        named = [line.split()[0] for line in words(view)[2:6]]
        assert named == [
            "LookupEvents",
            "DescribeExecution",
            "DescribeStateMachineForExecution",
            "GetExecutionHistory",
        ]
        assert words(view)[2].split()[1:] == ["0", "0", "0", "0/s", "of", "2/s"]


async def test_what_credentials_cost_is_owned_up_to() -> None:
    async with shown([request(0, ("sts", "AssumeRole"))]) as (view, _):
        assert "4 operations, no other but for its login." in words(view)[0]
        assert any(line.startswith(" sts AssumeRole") for line in words(view)[2:7])


@pytest.mark.parametrize(
    ("replaying", "said"),
    [(False, "Nothing asked yet."), (True, "Replay sends no request.")],
)
async def test_with_no_request_it_says_why(replaying: bool, said: str) -> None:  # noqa: FBT001
    async with shown([], replaying=replaying) as (view, pilot):
        assert any(said in line for line in words(view))
        assert view.selected is None
        await pilot.press("up", "down", "end", "home", "pageup")
        assert view.cursor == 0


async def test_in_a_replay_it_says_that_nothing_is_sent_now() -> None:
    async with shown(some(3), replaying=True, size=(140, 40)) as (view, _):
        assert words(view)[0].endswith("3 requests while recording; replay sends none")


async def test_a_wide_screen_tells_all() -> None:
    other = request(9, LOOKUP, "ThrottlingException")
    elsewhere = Received(other.at, other.source, f"{ARN}-b", other.data)
    async with shown([*some(3), elsewhere], size=(300, 40)) as (view, _):
        text = "\n".join(words(view))
    assert "burst 400, can be raised" in text
    assert "can't be raised" in text
    assert "run-7f3a-b" in text
    assert "ap-northeast-1" in text
    assert "id-2" in text
    assert "<1%" in text


async def test_times_are_told_where_the_viewer_is() -> None:
    async with shown(some(1), zone=timezone(timedelta(hours=9))) as (view, _):
        assert any(line.startswith(" +09:00 ") for line in words(view))
        assert any("09:28:24.102" in line for line in words(view))
        view.zone = None
        assert any("00:28:24.102" in line for line in words(view))


async def test_names_are_masked() -> None:
    second = [
        Received(r.at, r.source, f"{ARN}-b", {**r.data, "note": "b"}) for r in some(2)
    ]
    async with shown([*some(2), *second], size=(200, 24)) as (view, _):
        assert any("run-7f3a" in line for line in words(view))
        view.mask = lambda text: text.replace("run-7f3a", "execution-1")
        assert not any("run-7f3a" in line for line in words(view))
        assert any("execution-1-b" in line for line in words(view))


@given(st.integers(1, 320))
def test_every_column_that_counts_has_a_heading_that_can_be_read(width: int) -> None:
    """A glyph stands for a word only where the word has no room, a bar never."""
    head = plain(table_head(BUDGET, width, "UTC"))
    assert ("✘" in head) == ("▲" in head) == (48 <= width < 64)
    assert ("failed" in head) == ("throttled" in head) == (width >= 64)
    trace = extend(Trace(), some(3, operation=LOOKUP))
    (row, *_) = budget_rows(budget(trace, START), {})
    line = plain(table_line(BUDGET, row, width, Look(), selected=False))
    assert ("─" in line) == ("share" in head)


@pytest.mark.parametrize("width", [59, 64, 76, 79, 86, 96, 99, 104, 114, 132, 139])
def test_nothing_in_the_budget_is_cut_where_there_are_columns(width: int) -> None:
    records = [request(n / 9, HISTORY, request_id=f"{n}") for n in range(20)]
    rows = budget_rows(budget(extend(Trace(), records), START), ALLOWED)
    lines = [table_head(BUDGET, width, "UTC")]
    lines += [table_line(BUDGET, row, width, Look(), selected=False) for row in rows]
    cut = [plain(line) for line in lines if "…" in plain(line)]
    assert not [line for line in cut if width >= 76 or "DescribeStateMac" not in line]


def test_where_no_bar_has_room_a_rate_near_its_quota_still_stands_out() -> None:
    for count, tone in ((30, Tone.PLAIN), (90, Tone.WARN), (130, Tone.BAD)):
        records = [request(n / 9, LOOKUP, request_id=f"{n}") for n in range(count)]
        trace = extend(Trace(), records)
        (row, *_) = budget_rows(budget(trace, START + timedelta(seconds=20)), {})
        line = table_line(BUDGET, row, 79, Look(), selected=False)
        (rate,) = [
            shown for text, shown in line if text.endswith("/s") and "of" not in text
        ]
        assert rate is tone


async def test_a_second_click_opens_a_request() -> None:
    opened: list[object] = []

    class Opens(CallLog):
        def on_call_log_opened(self, message: CallLog.Opened) -> None:
            opened.append(message)

    async with shown(some(50), view=Opens(ALLOWED)) as (view, pilot):
        await pilot.press("home")
        await pilot.click(Opens, offset=(5, 10))
        assert not opened
        await pilot.click(Opens, offset=(5, 10), times=2)
        assert len(opened) == 1
        assert view.cursor == 2


# -- moving ----------------------------------------------------------------------------


async def test_it_follows_the_newest_until_the_cursor_leaves() -> None:
    async with shown(some(100)) as (view, pilot):
        assert (view.cursor, view.follow) == (99, True)
        await pilot.press("up")
        assert (view.cursor, view.follow) == (98, False)
        top = view.scroll_offset.y
        view.show(extend(Trace(), some(110)), START)
        await pilot.pause()
        assert (view.cursor, view.unseen, view.scroll_offset.y) == (98, 10, top)
        await pilot.press("end")
        assert (view.cursor, view.unseen, view.follow) == (109, 0, True)
        view.show(extend(Trace(), some(120)), START)
        await pilot.pause()
        assert view.cursor == 119
        assert "id-119" not in words(view)[-1], "too narrow for it"
        assert words(view)[-1].startswith("▌00:29:23.602")


async def test_the_selection_stays_when_an_earlier_request_is_told_later() -> None:
    async with shown(some(100)) as (view, pilot):
        await pilot.press("home", *["down"] * 3)
        chosen, line = view.selected, view.cursor - view.scroll_offset.y
        late = [request(0.7 + n / 10, LOOKUP) for n in range(2)]
        view.show(extend(Trace(), [*some(100), *late]), START)
        await pilot.pause()
        assert view.selected == chosen
        assert view.cursor == 5
        assert view.cursor - view.scroll_offset.y == line


async def test_every_request_can_be_reached_and_is_in_view() -> None:
    async with shown(some(50), size=(60, 16)) as (view, pilot):
        await pilot.press("home")
        for place in range(50):
            assert view.cursor == place
            marked = [line for line in words(view) if line.startswith("▌")]
            assert len(marked) == 1
            await pilot.press("down")
        for _ in range(60):
            await pilot.press("up")
        assert view.cursor == 0
        await pilot.press("pagedown")
        assert 1 < view.cursor < 16
        await pilot.press("pageup")
        assert view.cursor == 0


async def test_a_click_selects_and_the_head_is_no_request() -> None:
    async with shown(some(50)) as (view, pilot):
        await pilot.press("home")
        await pilot.click(CallLog, offset=(5, 10))
        assert view.cursor == 2
        await pilot.click(CallLog, offset=(5, 3))
        assert view.cursor == 2


async def test_another_size_keeps_the_selection() -> None:
    async with shown(some(50)) as (view, pilot):
        await pilot.press("home", *["down"] * 7)
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert view.cursor == 7


async def test_a_shorter_trace_as_a_player_shows_it_going_back() -> None:
    async with shown(some(50)) as (view, pilot):
        await pilot.press("up")
        view.show(extend(Trace(), some(4)), START)
        await pilot.pause()
        assert view.cursor == 3
        view.show(Trace(), START)
        await pilot.pause()
        assert view.selected is None


# -- at any size, and of anything ------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_it_fits_any_screen(size: tuple[int, int]) -> None:
    records = [*some(40), request(30, LOOKUP, "x" * 500, note="y" * 500)]
    async with shown(records, size=size) as (view, pilot):
        for y in range(size[1]):
            assert view.render_line(y).cell_length == view.breadth
        await pilot.press("home", "end")
        assert len(view._head) <= max(1, size[1] // 2), "room is left for requests"


def test_where_there_is_little_room_the_scarcest_quota_is_told() -> None:
    lines = tuple((rank, ((f"{rank}", Tone.PLAIN),)) for rank in (4, 3, 0, 5, 1, 6, 2))
    told = [plain(pieces) for pieces in fitting(lines, 6)]
    assert told == ["0", "1", "2"]
    assert [plain(pieces) for pieces in fitting(lines, 1)] == ["0"]
    assert len(fitting(lines, 40)) == 7


hostile = st.sampled_from(HOSTILE) | st.text(max_size=30)
said = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("operation", "service", "region", "outcome", "note"), hostile
    ),
)


@settings(max_examples=60, deadline=None)
@given(said, st.integers(0, 320), st.text(max_size=20), st.booleans())
def test_a_line_is_as_wide_as_asked_and_harmless(
    said: dict[str, str],
    width: int,
    name: str,
    several: bool,  # noqa: FBT001
) -> None:
    record = request(0, LOOKUP)
    data = {**record.data, **said}
    trace = extend(Trace(), [Received(record.at, record.source, f"{ARN}{name}", data)])
    look = Look(executions=several)
    rows = budget_rows(budget(trace, START), ALLOWED)
    lines = (
        table_head(REQUESTS, width, "UTC"),
        *(table_line(BUDGET, row, width, look, selected=False) for row in rows),
        *(
            table_line(REQUESTS, read, width, look, selected=True)
            for read in trace.ordered_requests
        ),
    )
    for line in lines:
        assert cells(line) == max(1, width)
        assert safe(plain(line))


@given(st.floats(0, 3), st.integers(1, 40))
def test_a_bar_is_as_long_as_our_share(share: float, size: int) -> None:
    drawn = bar(share, size)
    assert cells(drawn) == size
    filled = drawn[0][0]
    halves = 2 * filled.count("━") + filled.count("╸")
    assert halves == min(2 * size, max(round(share * 2 * size), int(share > 0)))
    assert (drawn[0][1] is Tone.BAD) == (share >= 1)


async def test_thirty_thousand_requests_are_no_more_to_draw_than_thirty() -> None:
    many = [request(n, request_id=f"{n}") for n in range(30_000)]
    drawn: list[int] = []

    class Counted(CallLog):
        def render_line(self, y: int) -> Strip:
            drawn.append(y)
            return super().render_line(y)

    async with shown(many, view=Counted(ALLOWED)) as (view, pilot):
        await pilot.press("up", "pageup", "home", "end")
        await pilot.pause()
        assert view.cursor == 29_999
    assert 24 <= len(drawn) < 500


def test_a_decoded_request_is_what_the_view_shows() -> None:
    line = table_line(
        REQUESTS, decode_request(request(1.5)), 100, Look(), selected=False
    )
    assert plain(line).split("  ")[0].strip() == "00:28:25.602"
