"""Every view at any size: it is drawn, and is the same again when there is room."""

import pytest

from sfnwatch.tui.app import SfnwatchApp
from tests.builders import HEAD, History
from tests.tui.screens import live, replayed, rows_of, settle

VIEWS = {
    "lanes": ("demo-three-ways", ("down", "Z", "end", "z", "home")),
    "lanes of many": ("demo-distributed", ("down", "Z", "end", "z", "home")),
    "timeline": ("demo-pipeline", ("t", "end", "i", ")", "Z", "z")),
    "graph": ("demo-pipeline", ("M", "home", "down", "z", "z")),
    "explain": ("demo-sync-denied", ("e", "down", "enter")),
    "compare": ("demo-three-ways", ("v", "down", "V")),
    "children": ("demo-distributed", ("C", "down")),
    "requests": ("demo-sync", ("r", "home")),
    "detail": ("demo-failure", ("enter", "tab", "end", "right")),
    "help": ("demo-sync", ("question_mark", "j")),
    "filter": ("demo-sync", ("~", "~", "s")),
}
"""A recording, and the keys that lead to the view."""
SIZES = ((1, 1), (5, 2), (20, 5), (44, 14), (200, 60))


def beside_the_scrollbar(app: SfnwatchApp) -> list[str]:
    """Read the rows without what tells how far lines go that were never drawn."""
    return [row[:99].rstrip() for row in rows_of(app)]


@pytest.mark.parametrize("view", VIEWS)
async def test_a_view_comes_through_any_size(view: str) -> None:
    name, keys = VIEWS[view]
    async with replayed(name, (100, 30), *keys) as (app, pilot):
        app.clear_notifications()  # they go by themselves, who knows when
        await settle(pilot)
        before = beside_the_scrollbar(app)
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await settle(pilot)
        await pilot.resize_terminal(100, 30)
        await settle(pilot)
        assert beside_the_scrollbar(app) == before


async def test_names_are_cut_only_where_no_cell_beside_them_is_blank() -> None:
    name = "reprocess-20231115T002815-order-1234567-customer"
    arn = f"{HEAD}:execution:order-fulfillment-orchestrator:{name}"
    records = History(arn).start().state("Pack").end().records
    for width in (60, 80, 100):
        async with live(records, (width, 24)) as (app, _, _):
            first = rows_of(app)[0]
            assert "SUCCEEDED" in first
            assert "…" not in first or len(first) >= width - 1
