"""Pictures of the screens that matter; a changed one is looked at before it is kept."""

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.tui.conftest import drawn
from tests.tui.screens import replayed, settle

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
    async with replayed(recording, size, *keys, **settings) as (app, pilot):
        app.clear_notifications()
        await settle(pilot)
        assert drawn(app.export_screenshot(simplify=True)) == picture
