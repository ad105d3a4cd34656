"""The few screens that matter, as pictures: nothing moves unseen."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.widgets import Input

from sfnwatch.trace.events import Received
from sfnwatch.tui.app import SfnwatchApp
from sfnwatch.tui.caption import KeyCaps
from tests.builders import health, sync_run
from tests.tui.conftest import THEMES, Script, drawn, in_themes, running, settled
from tests.tui.runs import branching_run, live_run, own_requests, stormy_run

SMALL, LARGE = (80, 24), (140, 40)
SIZES = {"80x24": SMALL, "140x40": LARGE}


@dataclass(frozen=True)
class Scene:
    records: Iterable[Received]
    keys: tuple[str, ...] = ()
    ends: bool = False
    more: dict[str, Any] = field(default_factory=dict)
    apart: bool = False
    """True where it matters in which theme the keys are pressed."""


RETRYING = health(
    "lookup", "retrying", 268, message="LookupEvents: Rate exceeded", retry_in=8
)
_END = ("l",)
REPLAY: dict[str, Any] = {"mode": "replay", "speed": 20.0}
SCENES = {
    "live": Scene(live_run(), more={"recording": "run-7f3a.sfnwatch.jsonl"}),
    "replay": Scene(sync_run(), _END, ends=True, more=REPLAY),
    "paused": Scene(
        sync_run(), ("space", "0", *["full_stop"] * 3), ends=True, more=REPLAY
    ),
    "happened": Scene(
        sync_run(), ("space", "c", "0", *["full_stop"] * 7), ends=True, more=REPLAY
    ),
    "denied": Scene(sync_run(denied=True), ends=True),
    "detail": Scene(sync_run(denied=True), ("home", *["down"] * 5, "enter")),
    "help": Scene(sync_run(), ("question_mark",)),
    "palette": Scene(sync_run(), ("colon", *"fold"), apart=True),
    "empty": Scene((), more={"title": "nightly-report › run-7f3a"}),
    "trouble": Scene(stormy_run()),
    "retrying": Scene([*live_run(), RETRYING]),
    "branches": Scene(branching_run()),
    "folded": Scene(branching_run(), ("Z",)),
    "timeline": Scene(branching_run(), ("t", "down", "down")),
    "requests": Scene([*live_run(), *own_requests()], ("r",)),
    "filter": Scene(branching_run(), ("tilde", "tilde", "k", "space", "p")),
    "search": Scene(sync_run(), ("slash", *"describe", "enter", "n")),
    "present": Scene(sync_run(denied=True), ("p", "up", "up", "up"), apart=True),
}


def still(app: SfnwatchApp) -> None:
    """Let nothing blink: a picture is of no moment in particular."""
    for field_ in app.query(Input):
        field_.cursor_blink = False


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCENES)
async def test_the_screen_looks_as_it_did(
    name: str, size: str, picture: SnapshotAssertion
) -> None:
    scene = SCENES[name]
    for themes in [[theme] for theme in THEMES] if scene.apart else [THEMES]:
        script = Script(scene.records, ends=scene.ends)
        async with running(script, size=SIZES[size], **scene.more) as (app, pilot):
            app.theme = themes[0]
            still(app)
            for key in scene.keys:
                await pilot.press(key)
                await pilot.pause()
            for caps in app.query(KeyCaps):
                caps.clear()
            await settled(app, pilot)
            await in_themes(app, pilot, picture, f"{name}-{size}", themes)


async def test_the_screen_can_be_read_without_colour(
    picture: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(Script(live_run()), size=LARGE) as (app, pilot):
        await pilot.pause()
        assert app.no_color
        assert drawn(app) == picture
