"""The program as its users have it: in a process of its own, or on a terminal."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pyte

from sfnwatch.demo.server import CREDENTIALS

PROGRAM = (sys.executable, "-m", "sfnwatch")
DEADLINE = 40.0
"""Seconds after which what is waited for is not coming."""
KEYS = {
    "AWS_ACCESS_KEY_ID": CREDENTIALS[0],
    "AWS_SECRET_ACCESS_KEY": CREDENTIALS[1],
}
_RECORDED = re.compile(r"^sfnwatch: recorded to (?P<path>.+)$", re.MULTILINE)
_LOOK = 0.02


def eventually(condition: Callable[[], Any], what: str) -> Any:
    """Wait until something is so, and give it."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        threading.Event().wait(_LOOK)
    message = f"{what}: not within {DEADLINE:g} s"
    raise AssertionError(message)


@dataclass(frozen=True)
class Ended:
    """A process that is over."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The lines, each of them JSON."""
        return [json.loads(line) for line in self.lines]

    @property
    def recording(self) -> Path:
        """Where it says it has recorded to."""
        match = _RECORDED.search(self.err)
        assert match, self.err
        return Path(match["path"])

    def said(self, code: int) -> str:
        """Give the one sentence it ended with, which must be all it said."""
        assert (self.code, self.out) == (code, ""), self
        (line,) = self.err.splitlines()
        assert line.startswith("sfnwatch: ")
        return line.removeprefix("sfnwatch: ")


class Running:
    """A process under way; what it writes is in files, so it never waits for us."""

    def __init__(
        self, words: tuple[str, ...], folder: Path, env: Mapping[str, str]
    ) -> None:
        self._out, self._err = folder / "out", folder / "err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env
            )

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def until(self, words: str) -> None:
        """Wait until it has said something, on either stream."""

        def said() -> bool:
            assert self.process.poll() is None, f"over too soon: {self.out}{self.err}"
            return words in self.out or words in self.err

        eventually(said, f"{words!r} in {self.process.args!r}")

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> Ended:
        return Ended(self.process.wait(DEADLINE), self.out, self.err)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Screen(pyte.Screen):
    """Pyte's screen, which knows no sequence with a `>` or `=` in it."""

    def report_device_attributes(self, *_: Any, **__: Any) -> None:
        """Answer nothing: who asks is not a terminal's user."""

    def restore_cursor(self, *_: Any, **__: Any) -> None:
        """Not for `CSI > u`, which is about the keyboard."""

    def select_graphic_rendition(self, *attributes: int, private: bool = False) -> None:
        if not private:
            super().select_graphic_rendition(*attributes)


class Terminal:
    """The program on a terminal of its own, and what is to be seen there."""

    def __init__(
        self,
        words: tuple[str, ...],
        env: Mapping[str, str],
        *,
        rows: int = 30,
        columns: int = 120,
    ) -> None:
        self.screen = Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        """All bytes that came."""
        self.child = pexpect.spawn(
            words[0], list(words[1:]), env=dict(env), dimensions=(rows, columns)
        )

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def read(self) -> bool:
        """Take in what has come; False at the end."""
        try:
            data = self.child.read_nonblocking(65536, timeout=_LOOK)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += data
        self._stream.feed(data)
        return True

    def until(self, *words: str) -> None:
        """Wait until all of this is on the screen."""

        def shown() -> bool:
            assert self.read(), f"over too soon:\n{self.text}"
            return all(word in self.text for word in words)

        eventually(shown, f"{words} on the screen:\n{self.text}")

    def press(self, keys: str) -> None:
        self.child.send(keys)

    def resize(self, rows: int, columns: int) -> None:
        self.screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def wait(self) -> int:
        """Take in the rest and give the exit code; -n for signal n."""
        eventually(lambda: not self.read(), f"the end of\n{self.text}")
        self.child.close(force=False)
        if self.child.signalstatus is not None:
            return -int(self.child.signalstatus)
        return int(self.child.exitstatus)

    @property
    def restored(self) -> dict[str, bool]:
        """Whether each thing the screen had switched is switched back."""
        switches = {
            "main screen": (b"\x1b[?1049h", b"\x1b[?1049l"),
            "cursor": (b"\x1b[?25l", b"\x1b[?25h"),
            "mouse": (b"\x1b[?1000h", b"\x1b[?1000l"),
            "mouse motion": (b"\x1b[?1003h", b"\x1b[?1003l"),
            "bracketed paste": (b"\x1b[?2004h", b"\x1b[?2004l"),
        }
        return {
            name: self.raw.rfind(undo) > self.raw.rfind(do) >= 0
            for name, (do, undo) in switches.items()
        }

    def kill(self) -> None:
        with suppress(OSError):
            self.child.close(force=True)


class Program:
    """Starts the program, and ends what is still running of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Running | Terminal] = []
        self.state = folder / "state" / "sfnwatch"

    @property
    def recordings(self) -> list[Path]:
        return sorted(self.state.glob("recordings/*.sfnwatch.jsonl"))

    def _env(self, more: Mapping[str, str]) -> dict[str, str]:
        own = {
            "COLORTERM": "truecolor",
            "TERM": "xterm-256color",
            "XDG_STATE_HOME": str(self.state.parent),
        }
        env = {**os.environ, **own, **more}
        # Of whoever runs the tests; a terminal of ours has its own size.
        return {key: env[key] for key in env if key not in {"COLUMNS", "LINES"}}

    def __call__(self, *words: str, **env: str) -> Ended:
        """Run it to its end, with nothing to read and pipes to write to."""
        return self._run((*PROGRAM, *words), env)

    def shell(self, line: str, **env: str) -> Ended:
        """Run a line of bash in which `sfnwatch` is the program."""
        function = f'sfnwatch() {{ {" ".join(PROGRAM)} "$@"; }}; set -o pipefail; '
        return self._run(("bash", "-c", function + line), env)

    def _run(self, words: tuple[str, ...], env: Mapping[str, str]) -> Ended:
        done = subprocess.run(
            words,
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            env=self._env(env),
            timeout=DEADLINE,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, **env: str) -> Running:
        folder = self._folder / f"process-{len(self._started)}"
        folder.mkdir()
        running = Running((*PROGRAM, *words), folder, self._env(env))
        self._started.append(running)
        return running

    def terminal(self, *words: str, rows: int = 30, columns: int = 120) -> Terminal:
        terminal = Terminal(
            (*PROGRAM, *words), self._env({}), rows=rows, columns=columns
        )
        self._started.append(terminal)
        return terminal

    def close(self) -> None:
        for each in self._started:
            each.kill()


class Served:
    """`sfnwatch demo --serve` in a process of its own."""

    def __init__(self, program: Program, *words: str, speed: int) -> None:
        self._program, self._words = program, (*words, "--speed", str(speed))
        self._start("0")

    def _start(self, port: str) -> None:
        words = ("demo", "--serve", *self._words, "--port", port)
        self.process = self._program.start(*words)
        self.process.until("\n")
        eventually(lambda: self.process.out.endswith("\n"), "the line of the server")
        (line,) = self.process.out.splitlines()
        self.told: dict[str, Any] = json.loads(line)

    @property
    def url(self) -> str:
        return str(self.told["endpoint_url"])

    @property
    def execution(self) -> str:
        return str(self.told["executions"][0])

    def kill(self) -> None:
        self.process.kill()

    def restart(self) -> None:
        """Serve again where it was served before."""
        self._start(self.url.rpartition(":")[2])
