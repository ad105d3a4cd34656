"""The detail pane by its keys and by the mouse, alone on a screen."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta, timezone
from typing import ClassVar

import pytest
from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.pilot import Pilot
from textual.strip import Strip

from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.requests import decode_request
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from sfnwatch.tui.contrast import tone_variables
from sfnwatch.tui.detail import Detail
from sfnwatch.tui.record_links import Tie
from sfnwatch.tui.record_sections import Section, Topic
from tests.builders import ARN, ROLE, event, sync_run
from tests.trace.test_requests import request
from tests.tui.runs import HOSTILE, branching_run


class Host(App[None]):
    """Shows nothing but the pane."""

    CSS = "Detail { height: 1fr; padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.jumps: list[str] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return tone_variables(self.current_theme)

    def compose(self) -> ComposeResult:
        yield Detail()

    @on(Detail.Jumped)
    def _jumped(self, message: Detail.Jumped) -> None:
        self.jumps.append(message.key)


class Stage:
    """A pane, and what a test does with it."""

    def __init__(self, app: Host, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot
        self.pane = app.query_one(Detail)

    def show(self, records: list[Received], *keys: str) -> None:
        trace = extend(Trace(), records)
        rows = {row.key: row for row in build_lanes(trace).rows}
        self.pane.show(tuple(rows[key] for key in keys), trace)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    @property
    def words(self) -> list[str]:
        strips = self.app.screen._compositor.render_strips()
        return [strip.text.rstrip() for strip in strips]

    def on(self, words: str) -> None:
        """Put the cursor on the first line with these words."""
        for place in range(len(self.pane._lines)):
            self.pane.select(place)
            line = self.pane.render_line(place - self.pane.scroll_offset.y)
            if words in line.text:
                return
        raise AssertionError(words)


@asynccontextmanager
async def staged(width: int = 80, height: int = 24) -> AsyncIterator[Stage]:
    app = Host()
    app.animation_level = "none"
    async with app.run_test(size=(width, height)) as pilot:
        app.query_one(Detail).focus()
        await pilot.pause()
        yield Stage(app, pilot)


async def test_a_request_of_ours_is_shown_in_full_and_rows_after_it() -> None:
    read = decode_request(request(1, items=3))
    async with staged() as stage:
        stage.show(sync_run(), f"{ARN}#5")
        stage.pane.show_request(read)
        await stage.pilot.pause()
        assert stage.words[0].startswith(" ▾ states GetExecutionHistory ──")
        assert any("✔ ok after 0.12 s, HTTP 200" in line for line in stage.words)
        assert any('note: "newest events"' in line for line in stage.words)
        assert (stage.pane.rows, stage.pane.url) == ((), None)
        stage.pane.zone = timezone(timedelta(hours=9))
        await stage.pilot.pause()
        assert any("T09:28:25.102+09:00" in line for line in stage.words)
        stage.on("Records")
        assert json.loads(stage.pane.copy_text())["operation"] == "GetExecutionHistory"
        stage.show(sync_run(), f"{ARN}#5")
        await stage.pilot.pause()
        assert stage.words[0].startswith(" ▾ submitted")
        assert stage.pane.cursor == 0


async def test_a_request_shown_again_keeps_the_place() -> None:
    read = decode_request(request(1))
    async with staged() as stage:
        stage.pane.show_request(read)
        await stage.press("down", "down")
        stage.pane.show_request(replace(read))
        await stage.pilot.pause()
        assert stage.pane.cursor == 2
        stage.pane.show_request(decode_request(request(2)))
        await stage.pilot.pause()
        assert stage.pane.cursor == 0


async def test_the_pane_tells_which_key_closes_it() -> None:
    class Closes(Host):
        BINDINGS: ClassVar[list[BindingType]] = [
            Binding("escape", "close", id="view.close", show=False)
        ]

        def action_close(self) -> None:
            """Close nothing: the key is there to be named."""

    for keymap, key in (({}, "esc"), ({"view.close": "x"}, "x")):
        app = Closes()
        app.set_keymap(keymap)
        async with app.run_test(size=(20, 5)) as pilot:
            stage = Stage(app, pilot)
            stage.pane.focus()
            stage.show(sync_run(), f"{ARN}#5")
            await pilot.pause()
            assert stage.words[0].endswith(f" {key}")


async def test_it_says_when_nothing_is_selected() -> None:
    async with staged() as stage:
        assert "Nothing is selected." in stage.words[0]
        stage.show([])
        await stage.press("enter", "space", "left", "right", "up", "down", "end")
        assert "Nothing is selected." in stage.words[0]
        assert stage.pane.copy_text() == ""
        assert stage.pane.url is None


async def test_the_cursor_moves_by_all_keys_and_the_view_follows() -> None:
    async with staged(80, 10) as stage:
        stage.show(sync_run(), f"{ARN}#5", "call#run")
        await stage.press("down", "j", "k")
        assert stage.pane.cursor == 1
        await stage.press("pagedown")
        assert stage.pane.cursor == 10
        assert stage.pane.scroll_offset.y == 1
        await stage.press("end")
        last = len(stage.pane._lines) - 1
        assert stage.pane.cursor == last
        assert stage.pane.scroll_offset.y == last - 9
        await stage.press("pageup", "home")
        assert (stage.pane.cursor, stage.pane.scroll_offset.y) == (0, 0)


@pytest.mark.parametrize("key", ["enter", "space", "left"])
async def test_a_section_folds_and_stays_folded_for_other_rows(key: str) -> None:
    async with staged() as stage:
        stage.show(sync_run(), f"{ARN}#5")
        assert any("request id" in line for line in stage.words)
        await stage.press(key)
        assert stage.words[0].startswith(" ▸ submitted")
        stage.show(sync_run(), f"{ARN}#6")
        await stage.pilot.pause()
        assert stage.words[0].startswith(" ▸ succeeded")
        assert stage.words[1].startswith(" ▾ Links")
        await stage.press("right")
        assert stage.words[0].startswith(" ▾ succeeded")


async def test_the_same_rows_again_keep_the_place_and_others_begin_at_the_top() -> None:
    async with staged(80, 10) as stage:
        stage.show(sync_run(), f"{ARN}#5")
        await stage.press("pagedown", "pagedown")
        cursor, scroll = stage.pane.cursor, stage.pane.scroll_offset.y
        assert scroll > 0
        lines = stage.pane._lines
        stage.show(sync_run(), f"{ARN}#5")
        assert stage.pane._lines is lines
        assert (stage.pane.cursor, stage.pane.scroll_offset.y) == (cursor, scroll)
        stage.show(sync_run(), f"{ARN}#6")
        assert (stage.pane.cursor, stage.pane.scroll_offset.y) == (0, 0)


async def test_what_comes_in_above_moves_neither_the_cursor_nor_the_view() -> None:
    records = sync_run()
    early = [r for r in records if r.data.get("EventId") not in {"poll-0", "poll-1"}]
    async with staged(80, 10) as stage:
        stage.show(early, f"{ARN}#5")
        stage.on("DescribeTasks #3")
        before = stage.pane.cursor - stage.pane.scroll_offset.y
        target = stage.pane.spot.target
        stage.show(records, f"{ARN}#5")
        await stage.pilot.pause()
        assert isinstance(target, Tie)
        now = stage.pane.spot.target
        assert isinstance(now, Tie)
        assert now.key == target.key
        assert now.what == "DescribeTasks #5"
        assert stage.pane.cursor - stage.pane.scroll_offset.y == before


async def test_nodes_open_and_close_and_lead_to_what_holds_them() -> None:
    value = {"outer": {"inner": {"deep": {"core": 1}}}}
    records = [event(1, "ExecutionStarted", 0, input=json.dumps(value), roleArn=ROLE)]
    async with staged() as stage:
        stage.show(records, f"{ARN}#1")
        stage.on("deep")
        await stage.press("right", "down")
        assert stage.pane.copy_text() == "1"
        await stage.press("left")
        assert stage.pane.copy_text() == '{\n  "core": 1\n}'
        await stage.press("left", "left")
        assert json.loads(stage.pane.copy_text()) == {"deep": {"core": 1}}
        await stage.press("enter", "enter", "space")
        assert not any("deep" in line for line in stage.words[:9])
        await stage.press(*["left"] * 5)
        assert isinstance(stage.pane.spot.target, Section)


async def test_a_cut_string_is_opened_and_shows_more_on_demand() -> None:
    text = "x" * 300_000
    records = [event(1, "ExecutionStarted", 0, input=text, roleArn=ROLE)]
    async with staged(100, 30) as stage:
        stage.show(records, f"{ARN}#1")
        stage.on("KiB more")
        short = len(stage.pane._lines)
        await stage.press("enter")
        opened = len(stage.pane._lines)
        assert opened > short + 4096 // 100
        stage.on("… 289 KiB more")
        await stage.press("enter")
        assert len(stage.pane._lines) > opened
        await stage.press("left")
        assert len(stage.pane._lines) == short


async def test_a_link_is_followed_by_enter_and_by_a_double_click() -> None:
    async with staged() as stage:
        stage.show(sync_run(), "call#poll-1")
        stage.on("Main / ECS RunTask")
        await stage.press("space", "enter")
        assert stage.app.jumps == [f"{ARN}#2"]
        link = next(n for n, line in enumerate(stage.words) if "try 1 of 1" in line)
        await stage.pilot.click(Detail, offset=(10, link))
        assert len(stage.app.jumps) == 1
        await stage.pilot.click(Detail, offset=(10, link), times=2)
        assert stage.app.jumps[1:] == [f"{ARN}#3"]


async def test_a_click_folds_a_section_and_beyond_the_lines_does_nothing() -> None:
    async with staged(80, 60) as stage:
        stage.show(sync_run(), f"{ARN}#1")
        await stage.pilot.click(Detail, offset=(3, 0))
        assert stage.words[0].startswith(" ▸")
        before = stage.pane.cursor
        await stage.pilot.click(Detail, offset=(3, 55))
        assert stage.pane.cursor == before


async def test_of_two_values_beside_each_other_both_can_be_reached() -> None:
    records = [
        event(1, "ExecutionStarted", 0, input="{}", roleArn=ROLE),
        event(2, "PassStateEntered", 1, name="P", input='{"in": 1}'),
        event(3, "PassStateExited", 3, name="P", output='{"out": [2, 3]}'),
    ]
    async with staged(140, 30) as stage:
        stage.show(records, f"{ARN}#2")
        stage.on("in: 1")
        assert stage.pane.copy_text() == "1"
        await stage.press("right")
        assert json.loads(stage.pane.copy_text()) == [2, 3]
        await stage.press("left", "left")
        assert stage.pane.copy_text() == "1"
        line = next(n for n, text in enumerate(stage.words) if "in: 1" in text)
        await stage.pilot.click(Detail, offset=(100, line))
        assert json.loads(stage.pane.copy_text()) == [2, 3]
        assert any("0: 2" in text for text in stage.words)
        await stage.pilot.resize_terminal(60, 30)
        await stage.pilot.pause()
        assert json.loads(stage.pane.copy_text()) == [2, 3]


async def test_names_are_masked_and_times_told_in_a_zone() -> None:
    async with staged(140, 50) as stage:
        stage.show(sync_run(denied=True), f"{ARN}#5", "call#run")
        assert "123456789012" in "\n".join(stage.words)
        stage.pane.mask = lambda text: text.replace("123456789012", "ACCOUNT")
        stage.pane.zone = timezone(timedelta(hours=9))
        await stage.pilot.pause()
        text = "\n".join(stage.words)
        assert "123456789012" not in text
        assert "ACCOUNT" in text
        assert "when        2023-11-15T09:28:25.302+09:00" in text
        assert "→ 09:28:25" in text
        await stage.press("end", "home")
        assert "123456789012" not in stage.pane.copy_text()
        stage.pane.mask, stage.pane.zone = str, None
        await stage.pilot.pause()
        assert "→ 00:28:25" in "\n".join(stage.words)


async def test_the_page_of_what_is_shown_is_the_executions() -> None:
    async with staged() as stage:
        stage.show(sync_run(), f"{ARN}#5", "call#run")
        assert (stage.pane.url or "").endswith(f"#/v2/executions/details/{ARN}")


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (20, 5), (80, 24), (300, 80)])
async def test_no_size_and_no_name_is_too_much(size: tuple[int, int]) -> None:
    records = branching_run(HOSTILE)
    trace = extend(Trace(), records)
    async with staged(*size) as stage:
        for row in build_lanes(trace).rows:
            stage.pane.show((row,), trace)
            for act in ("last", "act", "first", "unfold", "fold"):
                getattr(stage.pane, f"action_{act}")()
            await stage.pilot.pause()
        await stage.pilot.resize_terminal(20, 5)
        await stage.pilot.resize_terminal(200, 50)
        await stage.pilot.pause()
        assert stage.pane.cursor < len(stage.pane._lines)


async def test_only_the_lines_in_view_are_put_into_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = json.dumps({f"key-{n}": "v" for n in range(25_000)})
    records = [event(1, "ExecutionStarted", 0, input=text, roleArn=ROLE)]
    async with staged(80, 24) as stage:
        stage.show(records, f"{ARN}#1")
        stage.on("Input")
        await stage.press("enter", *["end", "enter"] * 5)
        stage.on("25,000 keys")
        await stage.press("space", "space")
        drawn: list[int] = []
        render = Detail.render_line

        def counted(pane: Detail, y: int) -> Strip:
            drawn.append(y)
            return render(pane, y)

        monkeypatch.setattr(Detail, "render_line", counted)
        stage.pane.refresh()
        await stage.pilot.pause()
        assert 0 < len(drawn) <= 24


async def test_records_are_copied_raw_and_harmless() -> None:
    records = [event(1, "ExecutionStarted", 0, input=HOSTILE, roleArn=ROLE)]
    async with staged() as stage:
        stage.show(records, f"{ARN}#1")
        stage.on("▾ Records")
        target = stage.pane.spot.target
        assert isinstance(target, Section)
        assert target.topic is Topic.RECORDS
        copied = stage.pane.copy_text()
        assert json.loads(copied) == records[0].data
        assert copied.replace("\n", "").isprintable()
