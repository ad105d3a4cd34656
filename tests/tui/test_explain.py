"""The explain view: a cursor over findings, which unfold to the rows they rest on."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.app import ComposeResult
from textual.filter import LineFilter
from textual.message import Message
from textual.pilot import Pilot

import sfnwatch.tui
from sfnwatch.config import Config
from sfnwatch.trace.findings import Finding
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from sfnwatch.tui.ascii import Ascii
from sfnwatch.tui.explain import ExplainView
from sfnwatch.tui.explain_page import Explained, Proof, Telling, Told, explained
from sfnwatch.tui.themes import register
from tests.builders import ARN, event, health, sync_run
from tests.tui.conftest import ThemedApp, drawn, harmless
from tests.tui.explained_runs import (
    DENIED,
    FOUND,
    LATER,
    NOTICED,
    NOW,
    PATTERN,
    POLLING,
    TIME,
    UNSEEN,
    WHOLE,
    page,
    trace_of,
)
from tests.tui.runs import HOSTILE, branching_run, live_run, seconds, wide_map

SIZES = [(80, 24), (140, 40), (20, 5), (40, 12), (300, 80), (1, 1)]
KEYS = [
    "down",
    "down",
    "enter",
    "down",
    "up",
    "pagedown",
    "end",
    "up",
    "pageup",
    "home",
]


class Host(ThemedApp):
    """An app of nothing but the explain view."""

    CSS_PATH = Path(sfnwatch.tui.__file__).parent / "sfnwatch.tcss"

    def __init__(self, *, theme: str = "textual-dark", ascii_: bool = False) -> None:
        super().__init__()
        register(self, Config())
        self.theme = theme
        self.view = ExplainView()
        self.said: list[Message] = []
        self._ascii = ascii_

    def compose(self) -> ComposeResult:
        yield self.view

    def get_line_filters(self) -> list[LineFilter]:
        return [*super().get_line_filters(), *([Ascii()] if self._ascii else [])]

    def on_explain_view_jumped(self, message: ExplainView.Jumped) -> None:
        self.said.append(message)

    @property
    def jumped(self) -> list[str]:
        return [m.key for m in self.said if isinstance(m, ExplainView.Jumped)]


@asynccontextmanager
async def shown(
    what: Explained | Trace | None = None,
    *,
    size: tuple[int, int] = (100, 40),
    now: datetime = NOW,
    **more: Any,
) -> AsyncIterator[tuple[ExplainView, Pilot[None]]]:
    app = Host(**more)
    async with app.run_test(size=size) as pilot:
        view = app.view
        view.focus()
        if isinstance(what, Trace):
            view.show(what, now)
        else:
            view.show_page(what or page())
        await pilot.pause()
        yield view, pilot


def host(pilot: Pilot[None]) -> Host:
    app = pilot.app
    assert isinstance(app, Host)
    return app


def words(view: ExplainView) -> list[str]:
    """Read what is in view, line by line."""
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


def kind(view: ExplainView) -> str:
    """Say what the cursor is on: a finding's kind, `execution`, a piece of evidence."""
    match view.selected:
        case Told() as told:
            return told.finding.kind
        case Proof() as proof:
            return proof.id
        case Telling() as telling:
            return "execution" if telling.timeline else "whole"
    return ""


async def go_to(view: ExplainView, pilot: Pilot[None], wanted: str) -> None:
    await pilot.press("home")
    for _ in range(40):
        if kind(view) == wanted:
            return
        await pilot.press("down")
    pytest.fail(f"{wanted} is not there")


def in_view(view: ExplainView) -> bool:
    return any(line.startswith("▌") for line in words(view))


# -- moving and unfolding --------------------------------------------------------------


async def test_the_cursor_goes_from_finding_to_finding() -> None:
    async with shown() as (view, pilot):
        seen = [kind(view)]
        for _ in range(10):
            await pilot.press("down")
            seen.append(kind(view))
    assert seen == [
        "execution",
        "noticed",
        "denied-but-succeeded",
        "pattern",
        "polling",
        "time",
        "unseen",
        "of-a-later-version",
        "whole",
        "lag",
        "lag",
    ]


async def test_enter_unfolds_the_evidence_and_folds_it_again() -> None:
    async with shown() as (view, pilot):
        folded = words(view)
        await go_to(view, pilot, "polling")
        await pilot.press("enter")
        text = "\n".join(words(view))
        assert all(f"DescribeTasks #{number}" in text for number in range(1, 6))
        assert "▌▾ = fact" in text
        await pilot.press("enter", "home")
        assert words(view) == folded
        assert host(pilot).jumped == []


async def test_enter_on_evidence_asks_for_its_row() -> None:
    async with shown(page((replace(PATTERN, evidence=("#4", "run")),))) as (
        view,
        pilot,
    ):
        await go_to(view, pilot, "pattern")
        await pilot.press("enter", "down", "enter", "down", "enter")
        await pilot.pause()
        # Started is one row with scheduled, and that row's key is the first event's.
        assert host(pilot).jumped == [f"{ARN}#3", "call#run"]
        assert view.selected_key == "call#run"


async def test_evidence_that_has_no_row_leads_nowhere_and_folds_nothing() -> None:
    async with shown(page((LATER, WHOLE))) as (view, pilot):
        for finding in ("of-a-later-version", "lag"):
            await go_to(view, pilot, finding)
            await pilot.press("enter")
        before = words(view)
        for evidence in ("#9", "x", "other"):
            await go_to(view, pilot, evidence)
            assert view.selected_key is None
            await pilot.press("enter")
        await pilot.press("home")
        assert host(pilot).jumped == []
        await go_to(view, pilot, "lag")
        assert [line.strip("▌ ") for line in words(view)] == [
            line.strip("▌ ") for line in before
        ]


async def test_an_execution_folds_too() -> None:
    async with shown() as (view, pilot):
        await pilot.press("enter")
        text = "\n".join(words(view))
        assert "▸ nightly-report › run-7f3a" in text
        assert "Who noticed the end" not in text
        assert "▾ The trace as a whole" in text
        await pilot.press("enter")
        assert "Who noticed the end" in "\n".join(words(view))


async def test_a_click_does_what_enter_does() -> None:
    async with shown() as (view, pilot):
        place = next(y for y, line in enumerate(words(view)) if "While ECS" in line)
        await pilot.click(ExplainView, offset=(30, place))
        assert kind(view) == "polling"
        place = next(y for y, line in enumerate(words(view)) if "Tasks #2" in line)
        await pilot.click(ExplainView, offset=(30, place))
        await pilot.pause()
        assert host(pilot).jumped == ["call#poll-1"]
        assert kind(view) == "poll-1"


async def test_a_second_click_in_a_row_does_not_undo_the_first() -> None:
    async with shown() as (view, pilot):
        place = next(y for y, line in enumerate(words(view)) if "While ECS" in line)
        await pilot.click(ExplainView, offset=(30, place), times=2)
        assert "▌▾ = fact" in "\n".join(words(view))


async def test_a_click_between_findings_does_nothing() -> None:
    async with shown() as (view, pilot):
        before = words(view)
        for y in (0, 1, view.size.height - 1):
            await pilot.click(ExplainView, offset=(3, y))
        assert words(view) == before
        assert host(pilot).jumped == []


async def test_all_evidence_unfolds_and_folds_at_once() -> None:
    async with shown(size=(100, 80)) as (view, pilot):
        folded = words(view)
        view.toggle_folds()
        text = "\n".join(words(view))
        assert text.count("▾ = fact") + text.count("▾ ~ inference") == 7
        await go_to(view, pilot, "poll-2")
        view.toggle_folds()
        assert kind(view) == "noticed"
        await pilot.press("home")
        assert words(view) == folded


async def test_folding_from_its_evidence_leads_back_to_the_finding() -> None:
    async with shown() as (view, pilot):
        await go_to(view, pilot, "polling")
        await pilot.press("enter", "down", "down")
        assert kind(view) == "poll-1"
        view.toggle_fold()
        assert kind(view) == "polling"
        assert not view.select_key("call#poll-1")


async def test_a_row_is_found_in_what_is_unfolded() -> None:
    async with shown() as (view, pilot):
        assert not view.select_key("call#poll-3")
        assert kind(view) == "execution"
        view.toggle_folds()
        assert view.select_key("call#poll-3")
        assert view.selected_key == "call#poll-3"
        await pilot.pause()
        assert in_view(view)


async def test_a_finding_longer_than_the_view_is_read_before_the_next() -> None:
    async with shown(page((NOTICED, PATTERN)), size=(30, 5)) as (view, pilot):
        seen: set[int] = set()
        for _ in range(30):
            top = view.scroll_offset.y
            seen.update(range(top, top + 5))
            await pilot.press("down")
        assert set(range(view.virtual_size.height)) <= seen
        assert kind(view) == "pattern"


async def test_pages_lead_to_both_ends() -> None:
    async with shown(size=(60, 10)) as (view, pilot):
        view.toggle_folds()
        for _ in range(30):
            await pilot.press("pagedown")
            assert in_view(view)
        assert kind(view) in {"run", "other"}
        for _ in range(30):
            await pilot.press("pageup")
            assert in_view(view)
        assert kind(view) == "execution"
        await pilot.press("end")
        assert view.is_vertical_scroll_end
        await pilot.press("home")
        assert view.scroll_offset.y == 0


# -- what changes ----------------------------------------------------------------------


async def test_what_is_selected_and_unfolded_stays_when_more_is_found() -> None:
    many = [replace(UNSEEN, data={"visit": number}) for number in range(20)]
    async with shown(page((POLLING, *many)), size=(100, 14)) as (view, pilot):
        await go_to(view, pilot, "polling")
        await pilot.press("enter", "down", "down")
        assert kind(view) == "poll-1"
        row = next(y for y, line in enumerate(words(view)) if line.startswith("▌"))
        more = replace(POLLING, text="Other words.")
        view.show_page(page((NOTICED, DENIED, PATTERN, more, *many)))
        await pilot.pause()
        assert kind(view) == "poll-1"
        assert words(view)[row].startswith("▌")
        assert "Other words." in "\n".join(words(view))


async def test_what_is_out_of_view_does_not_pull_it_back() -> None:
    async with shown(size=(60, 10)) as (view, pilot):
        view.toggle_folds()
        view.scroll_to(y=15, animate=False, immediate=True, force=True)
        await pilot.pause()
        top = view.scroll_offset.y
        assert not in_view(view)
        view.show_page(page((*FOUND, PATTERN)))
        await pilot.pause()
        assert view.scroll_offset.y == top


async def test_where_what_was_selected_is_gone_the_cursor_is_near() -> None:
    async with shown() as (view, pilot):
        await pilot.press("end")
        view.show_page(page((PATTERN,)))
        assert kind(view) == "pattern"
        view.show_page(page(()))
        assert kind(view) == "execution"


async def test_nothing_is_found_anew_while_nothing_has_come() -> None:
    trace = extend(Trace(), sync_run())
    async with shown(trace) as (view, _):
        before = view.page
        view.show(trace, seconds(900))
        view.show(extend(trace, []), seconds(901))
        assert view.page is before
        view.show(extend(trace, [health("lookup", "live", 700)]), seconds(902))
        assert view.page is not before


async def test_the_clock_ticks_without_anything_being_found() -> None:
    trace = extend(Trace(), live_run())
    async with shown(trace, now=seconds(270)) as (view, _):
        before = view.page
        assert "● RUNNING for 4 min 30 s, in ECS RunTask" in "\n".join(words(view))
        view.show(trace, seconds(300))
        assert "● RUNNING for 5 min, in ECS RunTask" in "\n".join(words(view))
        assert view.page is before


async def test_what_a_thread_found_is_shown() -> None:
    trace = extend(Trace(), branching_run())
    async with shown() as (view, _):
        view.show_page(explained(trace, seconds(96)), str, seconds(100))
        assert "RUNNING for 1 min 40 s" in "\n".join(words(view))
        view.show(trace, seconds(101))
        assert "RUNNING for 1 min 41 s" in "\n".join(words(view))


async def test_names_are_masked_on_the_screen_and_in_what_is_copied() -> None:
    def mask(text: str) -> str:
        return text.replace("ECS RunTask", "state-1").replace("run-7f3a", "run-1")

    async with shown() as (view, pilot):
        view.toggle_folds()
        view.show_page(view.page, mask)
        assert "ECS RunTask" not in "\n".join(words(view))
        assert "nightly-report › run-1" in "\n".join(words(view))
        await go_to(view, pilot, "polling")
        assert view.copy_text().startswith("fact: While state-1 waited")
        view.mask = str
        assert view.copy_text() == f"fact: {POLLING.text}"
        await pilot.press("down")
        assert view.copy_text().startswith("→ 00:29:20  ECS RunTask  DescribeTasks #1")
        await pilot.press("home")
        assert view.copy_text().startswith("▾ nightly-report › run-7f3a")


async def test_times_are_told_where_the_viewer_is() -> None:
    async with shown() as (view, _):
        view.toggle_folds()
        view.zone = timezone(timedelta(hours=9))
        assert "09:29:20" in "\n".join(words(view))
        view.zone = None
        assert "→ 00:29:20" in "\n".join(words(view))


async def test_with_nothing_there_every_key_is_harmless() -> None:
    async with shown(Trace()) as (view, pilot):
        await pilot.press(*KEYS)
        view.toggle_fold()
        view.toggle_folds()
        assert "Nothing has come yet" in words(view)[0]
        assert (view.selected, view.selected_key, view.copy_text()) == (None, None, "")
        view.show(extend(Trace(), sync_run()), NOW)
        assert kind(view) == "execution"


# -- how it looks ----------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("records", [sync_run(denied=True), branching_run(HOSTILE)])
async def test_at_any_size_every_line_is_full_and_harmless(
    size: tuple[int, int], records: Iterable[Any]
) -> None:
    async with shown(extend(Trace(), records), size=size) as (view, pilot):
        view.toggle_folds()
        for key in KEYS:
            await pilot.press(key)
            for y in range(view.size.height):
                strip = view.render_line(y)
                assert strip.cell_length == view.breadth
                assert harmless(strip.text)


async def test_a_long_history_is_explained() -> None:
    records = [*wide_map(400), event(900, "ExecutionFailed", 60, error="E" * 999)]
    async with shown(extend(Trace(), records), size=(80, 24)) as (view, _):
        assert "✘ FAILED after 1 min" in "\n".join(words(view))


async def test_in_ascii_every_sign_is_one() -> None:
    found = page((NOTICED, PATTERN, TIME))
    async with shown(found, size=(80, 24), ascii_=True) as (view, pilot):
        await go_to(view, pilot, "pattern")
        await pilot.press("enter")
        strips = view.screen._compositor.render_strips()
        text = "\n".join(strip.text for strip in strips)
    shown_lines = [line for line in text.splitlines() if line.strip()]
    assert text.isascii()
    assert any("%%%%" in line for line in shown_lines)
    assert any(line.startswith(">v = fact") for line in shown_lines)


async def test_without_colour_the_cursor_is_turned_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with shown() as (view, _):
        strip = view.render_line(2)
        assert strip.text.startswith("▌")
        assert all(s.style and s.style.reverse for s in strip)
        other = view.render_line(8)
        assert not any(s.style and s.style.reverse for s in other)


def _found() -> tuple[Finding, ...]:
    return (PATTERN, POLLING, NOTICED, DENIED, TIME, UNSEEN, WHOLE)


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
async def test_the_picture_stays_the_same(
    size: tuple[int, int], theme: str, picture: SnapshotAssertion
) -> None:
    async with shown(page(_found()), size=size, theme=theme) as (view, pilot):
        await go_to(view, pilot, "denied-but-succeeded")
        await pilot.press("enter", "down")
        await pilot.pause()
        assert drawn(pilot.app) == picture


async def test_the_picture_of_a_narrow_view_stays_the_same(
    picture: SnapshotAssertion,
) -> None:
    trace = extend(Trace(), branching_run())
    found = replace(PATTERN, text="Ship uses ecs:runTask.sync.", evidence=("#25",))
    async with shown(page((found,), trace=trace, now=seconds(100)), size=(48, 20)) as (
        view,
        pilot,
    ):
        await go_to(view, pilot, "pattern")
        await pilot.press("enter")
        assert view.is_vertical_scroll_end
        assert drawn(pilot.app) == picture


def test_the_trace_of_these_tests_has_all_they_name() -> None:
    assert {"run", "other", "poll-4"} <= set(trace_of().calls)
