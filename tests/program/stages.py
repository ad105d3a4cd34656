"""The program replaying a recording on a terminal, ready to be driven with keys."""

from collections.abc import Sequence
from pathlib import Path

from sfnwatch.recording.writer import Recorder
from sfnwatch.trace.events import Received
from tests.builders import ARN, START, sync_run
from tests.program.programs import Program
from tests.program.terminals import Terminal

NAMES = ("123456789012", "nightly-report", "run-7f3a")
"""What a presenter does not show: account, state machine, execution."""
UP, DOWN, HOME, END = "\x1b[A", "\x1b[B", "\x1b[H", "\x1b[F"
ESCAPE, ENTER, TAB = "\x1b", "\r", "\t"


def recorded(folder: Path, records: Sequence[Received], *arns: str) -> Path:
    """Write a recording."""
    path = folder / "run.sfnwatch.jsonl"
    recorder = Recorder.create(path, arns, START, "test")
    recorder(tuple(records))
    recorder.close()
    return path


class Stage:
    """Replays a recording, at 100 columns of 30 rows.

    It is of the seed's run, one state, a task, five polls, or of any `records`.
    """

    def __init__(
        self,
        program: Program,
        folder: Path,
        records: Sequence[Received] = (),
        arns: Sequence[str] = (ARN,),
    ) -> None:
        self._program, self.folder = program, folder
        self.recording = recorded(folder, records or sync_run(), *arns)
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
