"""The few screens that matter, as pictures: nothing moves unseen."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from sfnwatch.trace.events import Received
from tests.builders import health, sync_run
from tests.tui.conftest import Script, drawn, running
from tests.tui.runs import branching_run, live_run, stormy_run

SMALL, LARGE = (80, 24), (140, 40)
SIZES = {"80x24": SMALL, "140x40": LARGE}


@dataclass(frozen=True)
class Scene:
    records: Iterable[Received]
    keys: tuple[str, ...] = ()
    ends: bool = False
    more: dict[str, Any] = field(default_factory=dict)


RETRYING = health(
    "lookup", "retrying", 268, message="LookupEvents: Rate exceeded", retry_in=8
)
SCENES = {
    "live": Scene(live_run(), more={"recording": "run-7f3a.sfnwatch.jsonl"}),
    "replay": Scene(sync_run(), ends=True, more={"mode": "replay"}),
    "denied": Scene(sync_run(denied=True), ends=True),
    "detail": Scene(sync_run(denied=True), ("home", *["down"] * 5, "enter")),
    "help": Scene(sync_run(), ("question_mark",)),
    "empty": Scene((), more={"title": "nightly-report › run-7f3a"}),
    "trouble": Scene(stormy_run()),
    "retrying": Scene([*live_run(), RETRYING]),
    "branches": Scene(branching_run()),
}


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCENES)
async def test_the_screen_looks_as_it_did(
    name: str, size: str, theme: str, picture: SnapshotAssertion
) -> None:
    scene = SCENES[name]
    script = Script(scene.records, ends=scene.ends)
    async with running(script, size=SIZES[size], **scene.more) as (app, pilot):
        app.theme = theme
        await pilot.press(*scene.keys)
        await pilot.pause()
        await pilot.pause()
        assert drawn(app) == picture


async def test_the_screen_can_be_read_without_colour(
    picture: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(Script(live_run()), size=LARGE) as (app, pilot):
        await pilot.pause()
        assert app.no_color
        assert drawn(app) == picture
