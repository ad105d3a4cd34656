"""The program replaying a recording on a terminal, ready to be driven with keys."""

from pathlib import Path

from sfnwatch.recording.writer import Recorder
from tests.builders import ARN, START, sync_run
from tests.program.programs import Program
from tests.program.terminals import Terminal

NAMES = ("123456789012", "nightly-report", "run-7f3a")
"""What a presenter does not show: account, state machine, execution."""
UP, DOWN, HOME, END = "\x1b[A", "\x1b[B", "\x1b[H", "\x1b[F"
ESCAPE, ENTER, TAB = "\x1b", "\r", "\t"


def recorded(folder: Path) -> Path:
    """Write a recording of the seed's run: one state, a task, five polls."""
    path = folder / "run.sfnwatch.jsonl"
    recorder = Recorder.create(path, (ARN,), START, "test")
    recorder(tuple(sync_run()))
    recorder.close()
    return path


class Stage:
    """Replays the recording, at 100 columns of 30 rows."""

    def __init__(self, program: Program, folder: Path) -> None:
        self._program, self.folder = program, folder
        self.recording = recorded(folder)
        self.config = folder / "config" / "sfnwatch" / "config.toml"

    def configured(self, text: str) -> None:
        self.config.parent.mkdir(parents=True)
        self.config.write_text(text)

    def start(self, *words: str, rows: int = 30, **more: str) -> Terminal:
        """Start it; `more` is a fault, and the environment."""
        return self._program.terminal(
            *("replay", str(self.recording), *words),
            rows=rows,
            columns=100,
            cwd=self.folder,
            fault=more.pop("fault", ""),
            **more,
        )

    def at_end(self, *words: str, **more: str) -> Terminal:
        """Start it and go to the end, where all is shown and nothing moves."""
        terminal = self.start(*words, rows=30, **more)
        terminal.until("REPLAY", "/ 10m 00s")
        terminal.press("l", "at the end", "SUCCEEDED", "CloudTrail ended")
        return terminal


def quit_with(terminal: Terminal, keys: str = "q") -> None:
    """Quit, with the recorded execution's exit code and the terminal as it was."""
    terminal.press(keys)
    assert terminal.wait() == 0
    assert b"Traceback" not in terminal.raw
    assert_restored(terminal)


def assert_restored(terminal: Terminal) -> None:
    assert set(terminal.restored.values()) == {True}, terminal.restored
