"""Perfetto's own trace processor, in its own page, on what we write for it."""

import json
from typing import Any

import pytest

from tests.export.traces import printed
from tests.viewers.browser import Page
from tests.viewers.perfetto import load, load_in_tracing, query
from tests.viewers.readers import LEGACY, needs_browser, needs_perfetto
from tests.viewers.traces import NAMES, TRIED

pytestmark = [needs_browser, needs_perfetto]
STATS = "select name, value from stats where severity != 'info' and value > 0"
_SLICES = "select count(*) from slice"
_FLOWS = "select count(*) from flow"
_ARROWS = """
select phase.name, tick.name, call.name from flow
join slice tick on tick.id = flow.slice_out join slice call on call.id = flow.slice_in
join slice phase on phase.id = tick.parent_id
order by call.ts
"""
NESTING = """
select c.name from slice c join slice p on p.id = c.parent_id
where c.ts < p.ts or c.ts + c.dur > p.ts + p.dur
"""


def document(name: str) -> str:
    return printed("perfetto", TRIED[name])


@pytest.fixture(name="viewer")
def _viewer(page: Page, perfetto_page: str) -> Page:
    # It takes seconds to open, and most tests want it as the one before left it.
    if not page.run("return location.href").startswith(f"{perfetto_page}#!/viewer"):
        page.open(f"{perfetto_page}#!/viewer")
    return page


def events(text: str, phase: str) -> list[dict[str, Any]]:
    return [e for e in json.loads(text)["traceEvents"] if e["ph"] == phase]


@pytest.mark.parametrize("name", NAMES)
def test_all_is_read_and_nothing_complained_of(viewer: Page, name: str) -> None:
    text = document(name)
    if not events(text, "X"):
        pytest.skip("Perfetto refuses a trace without any event")
    load(viewer, name, text)
    assert query(viewer, STATS) == []
    bars = len(events(text, "X")) + len(events(text, "i"))
    assert query(viewer, _SLICES) == [[bars]]
    assert query(viewer, _FLOWS) == [[len(events(text, "f"))]]
    assert query(viewer, NESTING) == []


def test_arrows_run_from_the_phase_to_its_call(viewer: Page) -> None:
    load(viewer, "sync", document("sync"))
    polls = [f"DescribeTasks #{number}" for number in range(1, 6)]
    assert query(viewer, _ARROWS) == [
        ["waiting", "→ RunTask", "RunTask"],
        *(["working", f"→ {poll}", poll] for poll in polls),
    ]


def test_calls_of_one_second_keep_their_own_arrows(viewer: Page) -> None:
    load(viewer, "one second", document("one second"))
    told = query(viewer, _ARROWS)
    assert len(told) > 600
    assert all(tick == f"→ {call}" for _, tick, call in told)
    assert query(viewer, "select max(depth) from slice") == [[4]]


def test_states_that_take_no_time_lie_beside_others(viewer: Page) -> None:
    load(viewer, "no time", document("no time"))
    told = query(viewer, "select name from slice where depth = 1 order by ts")
    assert told == [["One"], ["Two"], ["Three"], ["Wait"], ["Last"]]


def test_tracks_have_their_names(viewer: Page) -> None:
    load(viewer, "denied", document("denied"))
    names = query(viewer, "select name from thread order by tid")
    assert [name for name in names if name != [None]] == [["Main"], ["calls · ecs"]]
    assert ["nightly-report › run-7f3a"] in query(viewer, "select name from process")


def test_chromes_own_tracing_page_reads_it(page: Page, perfetto_page: str) -> None:
    page.open(f"{perfetto_page}{LEGACY}")
    load_in_tracing(page, "denied", document("denied"))
    words = page.run("return document.body.innerText")
    for part in ("nightly-report › run-7f3a (pid 1)", "calls · ecs"):
        assert part in words
    assert "Import error" not in words
