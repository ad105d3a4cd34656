"""Makes demo.gif: `.venv/bin/pip install '.[pictures]'`, then run this file with it.

Plays a recording of the demo's account in the real program, in a pseudo-terminal,
presses keys as a presenter would, and has `agg` draw what the terminal got.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pexpect
from make import record

HERE = Path(__file__).parent
COLUMNS, ROWS = 120, 32
_READ = 0.02
_AGG = (
    "--font-family=Fira Code,DejaVu Sans Mono",
    "--font-size=15",
    "--fps-cap=12",
    "--idle-time-limit=3",
    "--last-frame-duration=4",
)


@dataclass(frozen=True)
class Press:
    """A key, and how long to let the audience look before it."""

    after: float
    keys: str


SCRIPT = (
    Press(9.0, " "),
    Press(1.0, "[" * 1),
    Press(0.8, "."),
    Press(0.8, "."),
    Press(1.2, "\r"),
    Press(3.0, "\x1b"),
    Press(0.6, " "),
    Press(8.0, "t"),
    Press(4.0, "t"),
    Press(1.5, "q"),
)


def record_terminal(command: list[str], script: tuple[Press, ...]) -> Iterator[str]:
    """Yield the lines of an asciicast (version 2) of a program that gets keys."""
    yield json.dumps({"version": 2, "width": COLUMNS, "height": ROWS})
    environ = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    child = pexpect.spawn(
        command[0],
        command[1:],
        dimensions=(ROWS, COLUMNS),
        env=environ,
        encoding="utf-8",
        codec_errors="replace",
    )
    begun = time.monotonic()
    for press in script:
        yield from _seen(child, begun, press.after)
        child.send(press.keys)
    yield from _seen(child, begun, 3.0)
    child.close(force=True)


def _seen(child: "pexpect.spawn[str]", begun: float, seconds: float) -> Iterator[str]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            text = child.read_nonblocking(65536, timeout=_READ)
        except pexpect.TIMEOUT:
            continue
        except pexpect.EOF:
            return
        yield json.dumps([round(time.monotonic() - begun, 3), "o", text])


def main() -> None:
    agg = shutil.which("agg", path=f"{Path(sys.executable).parent}:{os.defpath}")
    if agg is None:
        sys.exit("agg is missing: pip install '.[pictures]'")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = record("sync", folder)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        command = [sys.executable, "-m", "sfnwatch", "replay", str(file)]
        cast = folder / "demo.cast"
        cast.write_text("\n".join(record_terminal(command, SCRIPT)) + "\n")
        gif = HERE / "demo.gif"
        subprocess.run([agg, *_AGG, str(cast), str(gif)], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
