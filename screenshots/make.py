"""Makes the pictures in this folder: `.venv/bin/python screenshots/make.py [NAME…]`.

Records the demo's account with the program itself, shows moments of the recordings
in the real app, and writes each as SVG, and as PNG where Chromium is installed.
"""

import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from sfnwatch.model.records import Received  # noqa: E402
from sfnwatch.model.trace import Mode, Trace  # noqa: E402
from sfnwatch.recording.format import new_header  # noqa: E402
from sfnwatch.recording.recorded_file import RecordedFile  # noqa: E402
from sfnwatch.recording.recorder import Recorder  # noqa: E402
from sfnwatch.recording.saved_view import SavedView  # noqa: E402
from sfnwatch.tui.app import SfnwatchApp  # noqa: E402
from sfnwatch.tui.screen_settings import ScreenSettings  # noqa: E402
from tests.sources.clocks import ManualClock  # noqa: E402
from tests.tui.screens import Screen, ScriptedSession  # noqa: E402

_FONT_URLS = re.compile(r",?\s*url\(\"https?://[^)]*\)\s*format\(\"[^\"]*\"\)")
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)


@dataclass(frozen=True)
class Picture:
    """One moment of one run, as one file."""

    name: str
    scenario: str
    mode: Mode
    until: float | None = None
    """Seconds after the execution's start; None: the recording's end."""
    keys: tuple[str, ...] = ()
    theme: str = "sfnwatch-dark"
    size: tuple[int, int] = (132, 30)


_END = ("l",)
# Of the four that begin together, the first and the last.
_COMPARED = ("v", "V", "V")
PICTURES = (
    Picture("three-ways", "three-ways", "replay", keys=_END, size=(140, 40)),
    Picture(
        "explain",
        "sync-denied",
        "replay",
        keys=(*_END, "e", "down", "enter"),
        size=(132, 34),
    ),
    Picture(
        "compare", "three-ways", "replay", keys=(*_END, *_COMPARED), size=(132, 30)
    ),
    Picture("live", "sync", "live", until=300),
    Picture("end-card", "sync-denied", "replay", keys=(*_END, "E"), size=(100, 28)),
    Picture("replay", "sync", "replay", keys=_END),
    Picture("replay-light", "sync", "replay", keys=_END, theme="sfnwatch-light"),
    Picture("failure", "failure", "replay", keys=_END),
    Picture("pipeline", "pipeline", "replay", keys=(*_END, "home"), size=(140, 40)),
    Picture("graph", "pipeline", "replay", keys=(*_END, "M"), size=(108, 45)),
    Picture("timeline", "pipeline", "replay", keys=(*_END, "t"), size=(132, 26)),
    Picture(
        "filter",
        "pipeline",
        "replay",
        keys=(*_END, "tilde", "tilde", "s", "space", *"Label"),
        size=(132, 34),
    ),
    Picture(
        "detail",
        "sync-denied",
        "replay",
        keys=(*_END, "end", "up", "up", "enter"),
        size=(132, 36),
    ),
    Picture("present", "sync-denied", "replay", keys=(*_END, "p", "end", "up")),
    Picture(
        "map-run",
        "distributed",
        "replay",
        keys=(*_END, "home", "down", "down", "enter"),
        size=(140, 34),
    ),
    Picture("children", "distributed", "replay", keys=(*_END, "C"), size=(132, 24)),
    Picture("requests", "sync", "replay", keys=(*_END, "r")),
    Picture("narrow", "sync", "replay", keys=_END, size=(80, 24)),
)


def record(scenario: str, folder: Path) -> Path:
    path = folder / f"{scenario}.sfnwatch.jsonl"
    command = [sys.executable, "-m", "sfnwatch", "demo", scenario, "--plain"]
    command += ["--speed", "60", "--record", str(path)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)  # noqa: S603
    return path


async def draw(picture: Picture, records: Sequence[Received], folder: Path) -> str:
    last = max(record.at for record in records if record.at is not None)
    clock = ManualClock(last)
    if picture.until is not None:
        trace = Trace()
        trace.add(records)
        starts = (each.started_at for each in trace.as_of().roots.values())
        began = next(start for start in starts if start is not None)
        clock.at = began + timedelta(seconds=picture.until)
    shown = [r for r in records if r.at is not None and r.at <= clock.at]
    session = ScriptedSession(shown, ends=picture.mode != "live")
    session.mode, session.title, session.clock = picture.mode, picture.name, clock
    if picture.mode == "live":
        path = folder / f"{picture.name}.live.jsonl"
        session.recorder = Recorder(path, new_header(last, "sfnwatch", []))
    settings = ScreenSettings(speed=20, theme=picture.theme)
    app = SfnwatchApp(session, settings, SavedView())
    app.animation_level = "none"
    async with app.run_test(size=picture.size) as pilot:
        screen = Screen(app, pilot)
        await screen.settle()
        for key in picture.keys:
            await screen.press(key)
        # What flashes has faded, and what was pressed is no longer shown.
        await pilot.pause(2.5)
        app.clear_notifications()
        await screen.settle()
        svg = app.export_screenshot(simplify=True)
    return _FONT_URLS.sub("", svg)


def to_png(svg: Path) -> None:
    browser = next((found for name in _CHROMIUM if (found := shutil.which(name))), None)
    if browser is None:
        print(f"no Chromium: {svg.with_suffix('.png').name} is not made")  # noqa: T201
        return
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg.read_text())
    width, height = (
        (round(float(n) + 0.5) for n in box.groups()) if box else (1600, 900)
    )
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        style = f"body{{margin:0}}svg{{display:block;width:{width}px}}"
        page.write_text(f"<!doctype html><style>{style}</style>{svg.read_text()}")
        subprocess.run(  # noqa: S603
            [
                browser,
                *_FLAGS,
                f"--user-data-dir={folder}/profile",
                f"--window-size={width},{height}",
                f"--screenshot={svg.with_suffix('.png')}",
                page.as_uri(),
            ],
            check=True,
            stderr=subprocess.DEVNULL,
        )


def main(names: Sequence[str]) -> None:
    pictures = [p for p in PICTURES if not names or p.name in names]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scenarios = {picture.scenario for picture in pictures}
        files = {scenario: record(scenario, folder) for scenario in sorted(scenarios)}
        for picture in pictures:
            records = list(RecordedFile(files[picture.scenario]).records())
            svg = HERE / f"{picture.name}.svg"
            svg.write_text(asyncio.run(draw(picture, records, folder)))
            to_png(svg)


if __name__ == "__main__":
    main(sys.argv[1:])
