"""The seam between an end and a redrive, as it is seen."""

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from sfnwatch.trace.events import HealthState, Received, SourceHealth
from sfnwatch.trace.filters import parse_filter
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.shape import Shape
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from sfnwatch.tui.ascii import to_ascii
from sfnwatch.tui.beside import lay_out_beside
from sfnwatch.tui.caption import KeyCaps
from sfnwatch.tui.draw import SEAM, draw, is_seam
from sfnwatch.tui.draw_beside import draw_cells
from sfnwatch.tui.ending import Ending
from sfnwatch.tui.facts import facts
from sfnwatch.tui.gantt_lens import idle
from sfnwatch.tui.gantt_tree import make_chart
from sfnwatch.tui.lane_frame import columns, frame
from sfnwatch.tui.layout import lay_out
from sfnwatch.tui.status import health_pieces
from tests.builders import ARN, START, health
from tests.redriven import failed_history, redriven, redriven_history, redriven_run
from tests.tui.conftest import Script, drawn, lanes_of, running, settled, words_on
from tests.tui.several import ASYNC, three_runs
from tests.tui.test_screens import SIZES, still

NAMES = ["lanes", "timeline", "explain"]
REPLAY: dict[str, Any] = {"mode": "replay", "speed": 20.0}


def seams(width: int, records: list[Received] | None = None) -> list[str]:
    lanes = build_lanes(extend(Trace(), records or redriven_run()))
    layout = lay_out(lanes, folded=columns(width).folded)
    shown = frame(layout, width)
    drawn_ = (draw(line, shown) for line in layout.lines if is_seam(line))
    return ["".join(text for text, _ in pieces) for pieces in drawn_]


# -- pictures ----------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "keys", [(), ("t",), ("e",)], ids=["lanes", "timeline", "explain"]
)
async def test_a_redrive_looks_as_it_did(
    keys: tuple[str, ...], size: str, picture: SnapshotAssertion
) -> None:
    script = Script(redriven_run(), ends=True)
    async with running(script, size=SIZES[size], seconds=900, **REPLAY) as (app, pilot):
        still(app)
        for key in ("l", "home", *keys):
            await pilot.press(key)
            await pilot.pause()
        app.query_one(KeyCaps).clear()
        await settled(app, pilot)
        assert drawn(app) == picture


async def test_a_wait_for_a_redrive_is_said(picture: SnapshotAssertion) -> None:
    waiting = health("history", "waiting", 20, message="It is over, and watched.")
    script = Script([*failed_history(), waiting])
    async with running(script, size=(140, 40), seconds=300) as (app, pilot):
        await settled(app, pilot)
        app.query_one(KeyCaps).clear()
        assert "⟲ history waiting for a redrive" in words_on(app)
        assert drawn(app) == picture


# -- the line ----------------------------------------------------------------------


@pytest.mark.parametrize("width", [139, 100, 99, 79, 60, 40, 20])
def test_the_seam_is_as_wide_as_the_screen(width: int) -> None:
    (line,) = seams(width)
    assert len(line) == width
    assert "⟲ Redriven" in line
    if width > 70:
        assert SEAM * 3 in line
        assert "12m 00s after it failed" in line


def test_it_can_be_drawn_in_ascii() -> None:
    (line,) = seams(139)
    told = to_ascii(line)
    assert told.isascii()
    assert "@ Redriven (1st time) ===" in told


# -- moving ------------------------------------------------------------------------


async def test_the_player_steps_over_the_seam() -> None:
    async with running(
        Script(redriven_run(), ends=True), size=(140, 40), seconds=900, **REPLAY
    ) as (app, pilot):
        await pilot.press("space", "0")
        seen: list[tuple[int, str]] = []
        for _ in range(9):
            await pilot.press("full_stop")
            await settled(app, pilot)
            (timeline,) = app.playing.trace().timelines.values()
            shown = (len(timeline.events), timeline.status)
            seen += [shown] if shown not in seen[-1:] else []
        assert seen[seen.index((6, "FAILED")) + 1] == (7, "RUNNING")


async def test_the_seam_can_be_selected_and_opened() -> None:
    async with running(Script(redriven_run())) as (app, pilot):
        lanes = lanes_of(app)
        row = next(row for row in lanes.page.shaped.rows if getattr(row, "redrive", 0))
        assert lanes.select_key(row.key)
        await pilot.press("enter")
        await settled(app, pilot)
        assert "ExecutionRedriven" in words_on(app)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("~k redriven", [7, 8, 10, 11]),
        ("~k execution", [1, 6, 7, 13]),
        ("redriven", [7, 8]),
    ],
)
def test_the_filter_knows_it(text: str, ids: list[int]) -> None:
    keep = parse_filter(text)
    rows = [
        row
        for row in build_lanes(extend(Trace(), redriven_history())).rows
        if keep(row)
    ]
    assert [row.events[0].id for row in rows] == ids


# -- words -------------------------------------------------------------------------


def test_the_timeline_cuts_the_stop_short_by_itself() -> None:
    """Fourteen days may lie between an end and a redrive."""
    chart = make_chart(extend(Trace(), redriven_run()))
    now = START
    plain, squeezed = (chart.extent(now, squeeze=on) for on in (False, True))
    ((first, last),) = plain.cuts
    assert (last - first).total_seconds() == pytest.approx(720, abs=1)
    assert set(plain.cuts) <= set(squeezed.cuts)
    assert set(squeezed.cuts) == set(idle(chart.moments))


def test_an_end_that_was_none_is_told_and_so_is_the_next() -> None:
    ending, trace = Ending(), Trace()
    told = []
    for record in redriven_history():
        trace = extend(trace, [record])
        seen = ending.seen(trace)
        told += [seen.status] if seen else []
    assert told == ["FAILED", "SUCCEEDED"]


def test_the_tries_of_a_redriven_state_have_no_back_off_between_them() -> None:
    trace = extend(Trace(), redriven_history())
    row = next(row for row in build_lanes(trace).rows if row.visit)
    told = {fact.label: fact.words for fact in facts(row, trace)}
    assert told["tries"] == "2, a redrive between them"
    assert told["status"] == "✔ succeeded after 1m 23s, and 12m 00s stopped"


def test_the_status_line_says_what_is_waited_for() -> None:
    waiting = SourceHealth("history", HealthState.WAITING)
    said = "".join(text for text, _ in health_pieces(waiting, None, START))
    assert said == "⟲ history waiting for a redrive"


def test_a_shape_without_gaps_has_the_seam_too() -> None:
    lanes = build_lanes(extend(Trace(), [*failed_history(), redriven()]))
    layout = lay_out(lanes, wanted=Shape(gaps=False))
    assert sum(map(is_seam, layout.lines)) == 1


# -- beside another ------------------------------------------------------------------


def beside() -> list[str]:
    """Lay a redriven run out beside one that left its task behind."""
    other = [r for r in three_runs() if r.execution_arn == ASYNC]
    layout = lay_out_beside(build_lanes(extend(Trace(), [*redriven_run(), *other])))
    shown = frame(layout, 160)
    return [
        "".join(text for cell in cells for text, _ in cell)
        for line in layout.lines
        if line.cells
        for cells in [draw_cells(line, shown, selected=None, badges={})]
    ]


def test_a_column_has_the_seam_to_its_wall() -> None:
    (line,) = [line for line in beside() if "⟲ Redriven" in line]
    assert "after it failed ━━━━" in line
    assert line.rstrip().endswith(("━", "│"))


def test_an_end_that_was_none_says_nothing_of_what_is_left_behind() -> None:
    records = [
        replace(r, data=dict(r.data, **_plain(r))) if r.execution_arn == ARN else r
        for r in redriven_history()
    ]
    layout = lay_out_beside(build_lanes(extend(Trace(), records)))
    told = [
        cell.left
        for line in layout.lines
        for cell in line.cells
        if isinstance(cell.left, str) and "did not wait" in cell.left
    ]
    assert len(told) == 1


def _plain(received: Received) -> dict[str, Any]:
    """Have its tries begin a task and not wait for it."""
    plain = {"resource": "runTask"}
    return {
        key: {**value, **plain}
        for key, value in received.data.items()
        if isinstance(value, dict) and "resource" in value
    }
