"""Pictures of the screens that matter, looked at before they are kept; any size."""

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from sfnwatch.tui import views
from tests.builders import HEAD, History
from tests.tui.conftest import drawn
from tests.tui.screens import Screen, live, replayed

LIGHT = {"theme": "sfnwatch-light"}
SCREENS: dict[str, tuple[str, tuple[int, int], tuple[str, ...], dict[str, Any]]] = {
    "denied-80x24": ("demo-sync-denied", (80, 24), (), {}),
    "three-ways-140x40": ("demo-three-ways", (140, 40), (), {}),
    "three-ways-80x24": ("demo-three-ways", (80, 24), ("end",), LIGHT),
    "three-ways-aligned": ("demo-three-ways", (200, 40), ("a",), LIGHT),
    "pipeline-140x40": ("demo-pipeline", (140, 40), (), {}),
    "distributed-100x30": ("demo-distributed", (100, 30), (), {}),
    "redrive-played-halfway": ("demo-redrive", (140, 30), ("c", "5"), {}),
    "filter-being-typed": ("demo-pipeline", (80, 24), ("~", "~", "e"), {}),
    "help": ("demo-sync", (140, 40), ("question_mark",), {}),
    "timeline-140x40": ("demo-three-ways", (140, 40), ("t",), {}),
    "timeline-100x30": ("demo-distributed", (100, 30), ("t",), LIGHT),
    "graph-100x30": ("demo-pipeline", (100, 30), ("M", "home", "down", "down"), LIGHT),
    "detail-100x30": ("demo-failure", (100, 30), ("enter",), {}),
    "explain-140x40": ("demo-sync-denied", (140, 40), ("e", "down", "enter"), LIGHT),
    "end-100x30": ("demo-sync-denied", (100, 30), ("E",), {}),
    "end-80x24": ("demo-three-ways", (80, 24), ("E",), LIGHT),
    "compare-140x40": ("demo-three-ways", (140, 40), ("v",), {}),
    "children-80x24": ("demo-distributed", (80, 24), ("C",), LIGHT),
    "requests-80x24": ("demo-sync", (80, 24), ("r",), {}),
    "presented": ("demo-sync-denied", (100, 24), ("p", "down", "down"), {}),
}


@pytest.mark.parametrize("name", SCREENS)
async def test_the_screen_looks_as_it_did(
    name: str, picture: SnapshotAssertion
) -> None:
    recording, size, keys, settings = SCREENS[name]
    async with replayed(recording, size, **settings) as (app, screen):
        for key in keys:
            # What is pressed before a view is there would be pressed in vain.
            await screen.press(key)
        app.clear_notifications()
        await screen.settle()
        assert drawn(app.export_screenshot(simplify=True)) == picture


# -- every view at any size, and the same again when there is room ---------------------


VIEWS = {
    "lanes": ("demo-three-ways", ("down", "Z", "end", "z", "home")),
    "lanes of many": ("demo-distributed", ("down", "Z", "end", "z", "home")),
    "timeline": ("demo-pipeline", ("t", "end", "i", ")", "Z", "z")),
    "graph": ("demo-pipeline", ("M", "home", "down", "z", "z")),
    "explain": ("demo-sync-denied", ("e", "down", "enter")),
    "end": ("demo-sync-denied", ("E", "down")),
    "compare": ("demo-three-ways", ("v", "down", "V")),
    "children": ("demo-distributed", ("C", "down")),
    "requests": ("demo-sync", ("r", "home")),
    "detail": ("demo-failure", ("enter", "tab", "end", "right")),
    "help": ("demo-sync", ("question_mark", "j")),
    "filter": ("demo-sync", ("~", "~", "s")),
}
"""A recording, and the keys that lead to the view."""
SIZES = ((1, 1), (20, 5), (44, 14), (200, 60))


def beside_the_scrollbar(screen: Screen) -> list[str]:
    """Read the rows without what tells how far lines go that were never drawn."""
    return [row[:99].rstrip() for row in screen.rows]


def test_every_view_has_a_picture_and_is_tried_at_any_size() -> None:
    pictured = {name.partition("-")[0] for name in SCREENS}
    missing = {*views.VIEWS} - pictured
    assert not missing, f"add to SCREENS in tests/tui/test_pictures.py: {missing}"
    missing = {*views.VIEWS} - VIEWS.keys()
    assert not missing, f"add to VIEWS in tests/tui/test_pictures.py: {missing}"


@pytest.mark.parametrize("view", VIEWS)
async def test_a_view_comes_through_any_size(view: str) -> None:
    name, keys = VIEWS[view]
    async with replayed(name, (100, 30), *keys) as (app, screen):
        app.clear_notifications()  # they go by themselves, who knows when
        await screen.settle()
        before = beside_the_scrollbar(screen)
        for size in SIZES:
            await screen.resize(*size)
        await screen.resize(100, 30)
        assert beside_the_scrollbar(screen) == before


async def test_names_are_cut_no_more_than_by_their_dates_or_as_room_is_short() -> None:
    name = "reprocess-20231115T002815-order-1234567-customer"
    arn = f"{HEAD}:execution:order-fulfillment-orchestrator:{name}"
    records = History(arn).start().state("Pack").end().records
    async with live(records, (100, 24)) as (_, screen, _):
        for width in (60, 80, 100):
            await screen.resize(width, 24)
            first = screen.rows[0]
            assert "SUCCEEDED" in first
            assert "…" not in first or len(first) >= width - 14
