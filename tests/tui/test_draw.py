import pytest
from rich.cells import cell_len

from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.words import Tone
from sfnwatch.tui.draw import columns, draw, draw_head
from sfnwatch.tui.layout import Layout, lay_out
from tests.builders import sync_run
from tests.tui.runs import WIDE, branching_run


def layout_of(records: list[Received], width: int) -> Layout:
    lanes = build_lanes(extend(Trace(), records))
    return lay_out(lanes, folded=columns(width).folded)


def screen(records: list[Received], width: int) -> list[str]:
    layout = layout_of(records, width)
    several = len(layout.services) > 1
    return [
        "".join(text for text, _ in draw(line, width, services=several)).rstrip()
        for line in layout.lines
    ]


def test_the_seeds_run_reads_as_the_sketch_does() -> None:
    rail, rule = " │" + " " * 44, "─" * 31
    assert screen(sync_run(), 139)[:6] == [
        f" ▸ Execution started{' ' * 26}00:28:24.102",
        f" ┌ ECS RunTask  Task  ecs:runTask.sync{' ' * 8}00:28:24.132",
        f" │  scheduled · started{' ' * 23}00:28:24.132",
        f" │  submitted {rule} 00:28:25.302 ──▶ RunTask  task 9f018ef6  = request id",
        f"{rail}00:29:20         DescribeTasks #1  +55 s  = task ARN",
        f"{rail}00:30:19         DescribeTasks #2  +59 s  = task ARN",
    ]


def test_one_lane_indents_the_calls_under_the_states() -> None:
    assert screen(sync_run(), 79)[2:6] == [
        " 00:28:24.132  │  scheduled · started",
        " 00:28:25.302  │  submitted",
        " 00:28:25      │   → RunTask  task 9f018ef6  = request id",
        " 00:29:20      │   → DescribeTasks #1  +55 s  = task ARN",
    ]


def test_wide_characters_keep_the_columns() -> None:
    line = next(line for line in screen(branching_run(WIDE), 139) if "夜間" in line)
    before = line[: line.index("00:28:24")]
    assert cell_len(before) == 46
    assert len(before) < 46


@pytest.mark.parametrize(
    ("width", "time"), [(80, "00:28:24.102"), (40, "00:28:24"), (20, "")]
)
def test_a_narrow_screen_shortens_the_time_and_then_leaves_it_out(
    width: int, time: str
) -> None:
    before, _, _ = screen(sync_run(), width)[0].partition("▸")
    assert before.strip() == time


def test_the_names_of_the_lanes_stand_over_their_columns() -> None:
    layout = layout_of(sync_run(), 139)
    head = "".join(text for text, _ in draw_head(layout, 139))
    line = screen(sync_run(), 139)[3]
    assert head.index("UTC") == line.index("00:28:25")
    assert head.index("ECS") == line.index("RunTask")
    assert "calls by states.amazonaws.com" in head


def test_calls_of_several_services_say_which() -> None:
    lines = screen(branching_run(), 139)
    assert any("sts AssumeRole" in line for line in lines)
    assert not any("ecs RunTask" in line for line in screen(sync_run(), 139))


def test_the_cursor_is_seen_without_colour() -> None:
    line = layout_of(sync_run(), 139).lines[0]
    assert draw(line, 139, selected=True)[0] == ("▌", Tone.ACTION)
    assert draw(line, 139)[0][0] == " "


def test_exact_and_guessed_arrows_have_tones_of_their_own() -> None:
    tones = {
        text: tone
        for line in layout_of(branching_run(), 139).lines
        for text, tone in draw(line, 139)
    }
    assert tones[" ──▶ "] is Tone.EXACT
    assert tones[" ┄┄▷ "] is Tone.GUESS


def test_a_call_that_shares_a_line_says_its_own_second_where_that_is_another() -> None:
    lines = screen(branching_run(), 139)
    assert any(line.endswith("= request id  at 00:28:25") for line in lines)
    assert not any(" at 00:" in line for line in screen(sync_run(), 139)[:5])
