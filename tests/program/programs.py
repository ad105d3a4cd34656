"""The program as its users have it: in a process of its own, or on a terminal."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.builders import ACCOUNT, sync_run
from tests.cli.programs import Ended
from tests.program.terminals import DEADLINE, ENTER, ESCAPE, HOME, Terminal, eventually
from tests.recording.files import record

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "sfnwatch")
_MAIN = "from sfnwatch.cli.main import main; main()"


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


class Processes:
    """Starts the program, and ends what is still running of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Running | Terminal] = []
        self.state = folder / "state" / "sfnwatch"

    @property
    def recordings(self) -> list[Path]:
        return sorted(self.state.glob("recordings/*"))

    def env(self, more: Mapping[str, str]) -> dict[str, str]:
        """Give the environment of a user; a terminal of ours has its own size."""
        own = {
            "COLORTERM": "truecolor",
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm-256color",
            "XDG_STATE_HOME": str(self.state.parent),
        }
        env = {**os.environ, **own, **more}
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
            env=self.env(env),
            timeout=DEADLINE,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, **env: str) -> Running:
        folder = self._folder / f"process-{len(self._started)}"
        folder.mkdir()
        running = Running((*PROGRAM, *words), folder, self.env(env))
        self._started.append(running)
        return running

    def terminal(
        self,
        *words: str,
        rows: int = 30,
        columns: int = 120,
        cwd: Path | None = None,
        fault: str = "",
        **env: str,
    ) -> Terminal:
        """Run it on a terminal; `fault` is Python that breaks something in it first."""
        start = (sys.executable, "-c", f"{fault}\n{_MAIN}") if fault else PROGRAM
        terminal = Terminal(
            (*start, *words), self.env(env), rows=rows, columns=columns, cwd=cwd
        )
        self._started.append(terminal)
        return terminal

    def close(self) -> None:
        for each in self._started:
            each.kill()


NAMES = ("111122223333", "nightly-report", "run-7f3a")
"""What a presenter does not show: account, state machine, execution."""


EVERYWHERE = (
    ("t", "elapsed"),
    ("e", "Where the time went"),
    ("r", "sfnwatch only reads"),
    ("r", "STEP FUNCTIONS"),
    (HOME + ENTER, "   console  "),
    ("?", "How a call is matched"),
    (ESCAPE, "   console  "),
    (":", "Search for commands"),
)
"""The keys to all that can be opened over the lanes, and what it then says."""


def look_everywhere(terminal: Terminal) -> None:
    for keys, words in EVERYWHERE:
        terminal.press(keys, words)
    terminal.press(ESCAPE, gone="Search for commands")


class Stage:
    """Replays a recording, at 100 columns of 30 rows.

    It is of the experiment's run: one state, a task, five polls.
    """

    def __init__(self, program: Processes, folder: Path) -> None:
        self._program, self.folder = program, folder
        path = folder / "run.sfnwatch.jsonl"
        self.recording = record(path, sync_run())
        # In the account of AWS's examples, as the demo's, no name is masked.
        text = path.read_text("utf-8").replace(ACCOUNT, NAMES[0])
        path.write_text(text, "utf-8")
        self.config = folder / "config" / "sfnwatch" / "config.toml"

    def configure(self, text: str) -> None:
        self.config.parent.mkdir(parents=True)
        self.config.write_text(text)

    def start(self, *words: str, **more: Any) -> Terminal:
        """Start it; `more` is a fault, and the environment."""
        words = ("replay", str(self.recording), *words)
        return self._program.terminal(*words, columns=100, cwd=self.folder, **more)

    def at_end(self, *words: str, **more: Any) -> Terminal:
        """Start it and go to the end, where all is shown and nothing moves."""
        terminal = self.start(*words, **more)
        terminal.until("REPLAY", "/ 10m 00s")
        # What is found comes a little later, and moves all lines by one.
        terminal.press("l", " end ", "SUCCEEDED", "complete to", "completion detected")
        return terminal
