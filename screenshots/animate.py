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
COLUMNS, ROWS = 100, 28
_READ = 0.02
_STARTS = 1.0
"""Seconds until it is sure to be on the screen."""
_AGG = (
    "--font-family=Fira Code,DejaVu Sans Mono",
    "--font-size=20",
    "--fps-cap=10",
    "--idle-time-limit=4",
    "--last-frame-duration=4",
)


@dataclass(frozen=True)
class Press:
    """A key, and how long to let the audience look before it."""

    after: float
    keys: str


SCRIPT = (
    # The denied polls slide in, minutes late; at the end its card comes.
    Press(17.0, "\r"),
    # The lines that its first sentence rests on.
    Press(5.0, "E"),
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
    # What comes until it has drawn itself is one frame, the first: where a GIF stands
    # still that is all there is to see of it.
    begun = time.monotonic() + _STARTS
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
        at = max(0.0, time.monotonic() - begun)
        yield json.dumps([round(at, 3), "o", text])


def main() -> None:
    places = (str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))
    agg = shutil.which("agg", path=os.pathsep.join(places))
    if agg is None:
        sys.exit("agg is missing: pip install '.[pictures]'")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = record("sync-denied", folder)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        command = [
            sys.executable,
            "-m",
            "sfnwatch",
            "replay",
            str(file),
            "--speed",
            "10",
        ]
        cast = folder / "demo.cast"
        cast.write_text("\n".join(record_terminal(command, SCRIPT)) + "\n")
        gif = HERE / "demo.gif"
        command = [agg, *_AGG, str(cast), str(gif)]
        quiet = subprocess.DEVNULL
        subprocess.run(command, check=True, stdout=quiet, stderr=quiet)  # noqa: S603


if __name__ == "__main__":
    main()
